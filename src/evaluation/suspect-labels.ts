import { BallastError } from '../errors.js';

export interface SuspectLabelsInput {
  /** Given labels, as indices of classes. */
  readonly labels: ArrayLike<number>;
  /** Probabilities [rows, classes], row-major, of a model that did not see the label of the row: out of fold. */
  readonly probabilities: ArrayLike<number>;
  readonly classes: number;
}

/** A row whose label is probably wrong. */
export interface SuspectLabel {
  readonly row: number;
  readonly given: number;
  /** The class that it more probably is of. */
  readonly suggested: number;
  /** Probabilities of the two. */
  readonly probability: { readonly given: number; readonly suggested: number };
}

export interface SuspectLabels {
  readonly rows: number;
  /** Mean probability of a class among the rows that bear its label: above it, a row counts as surely of the class. */
  readonly thresholds: readonly number[];
  /** Share of rows with given label i that are of class j, [i][j]: the joint distribution of given and true labels. */
  readonly joint: readonly (readonly number[])[];
  /** Estimated share of wrong labels: what of the joint lies off its diagonal. */
  readonly noiseRate: number;
  /** Most certain first. */
  readonly suspects: readonly SuspectLabel[];
}

/** A threshold is reached from this far below: it is itself a mean of probabilities. */
const NEARLY = 1e-6;

/**
 * Labels that are probably wrong, by confident learning (Northcutt et al., JAIR 2021): rows are counted by their given label
 * and by the class that they surely are of, above the mean probability of that class's own rows; the counts, scaled to the
 * given labels, estimate the joint distribution of given and true labels; and of each pair of classes as many rows are
 * suspect as the joint says, those with the largest margin of the other class first ("prune by noise rate").
 *
 * @throws BallastError EVALUATION_SHAPE
 */
export function suspectLabels({ labels, probabilities, classes }: SuspectLabelsInput): SuspectLabels {
  const rows = labels.length;
  if (rows === 0 || probabilities.length !== rows * classes) {
    throw new BallastError(`there are ${probabilities.length} probabilities for ${rows} rows of ${classes} classes`, {
      code: 'EVALUATION_SHAPE',
      value: probabilities.length,
    });
  }
  const at = (row: number, k: number): number => probabilities[row * classes + k];
  const counts = new Array<number>(classes).fill(0);
  const thresholds = new Array<number>(classes).fill(0);
  for (let row = 0; row < rows; row++) {
    counts[labels[row]]++;
    thresholds[labels[row]] += at(row, labels[row]);
  }
  // No row can reach the threshold of a class that no label names.
  thresholds.forEach((sum, k) => {
    thresholds[k] = counts[k] === 0 ? Number.POSITIVE_INFINITY : sum / counts[k];
  });
  const confident = matrixOf(classes);
  for (let row = 0; row < rows; row++) {
    let sure = -1;
    for (let k = 0; k < classes; k++) {
      if (at(row, k) >= thresholds[k] - NEARLY && (sure < 0 || at(row, k) > at(row, sure))) sure = k;
    }
    if (sure >= 0) confident[labels[row]][sure]++;
  }
  const calibrated = confident.map((line, given) => {
    const sum = line.reduce((a, b) => a + b, 0);
    // Nobody surely of any class: the label is taken at its word.
    return line.map((count, k) => (sum === 0 ? (k === given ? counts[given] : 0) : (count * counts[given]) / sum));
  });
  const joint = calibrated.map((line) => line.map((count) => count / rows));
  const right = joint.reduce((sum, line, k) => sum + line[k], 0);
  return {
    rows,
    thresholds,
    joint,
    noiseRate: Math.max(0, 1 - right),
    suspects: suspectsOf({ labels, classes, counts, at }, calibrated.map(rounded)),
  };
}

function suspectsOf(
  {
    labels,
    classes,
    counts,
    at,
  }: {
    readonly labels: ArrayLike<number>;
    readonly classes: number;
    readonly counts: readonly number[];
    readonly at: (row: number, k: number) => number;
  },
  wrong: readonly (readonly number[])[],
): SuspectLabel[] {
  const ofClass: number[][] = Array.from({ length: classes }, () => []);
  for (let row = 0; row < labels.length; row++) ofClass[labels[row]].push(row);
  const chosen = new Set<number>();
  for (let given = 0; given < classes; given++) {
    if (counts[given] <= 1) continue;
    const allowed = leaveOne(wrong[given], given);
    for (let other = 0; other < classes; other++) {
      if (other === given || allowed[other] <= 0) continue;
      const margin = (row: number): number => at(row, other) - at(row, given);
      const largest = [...ofClass[given]].sort((a, b) => margin(b) - margin(a));
      for (const row of largest.slice(0, allowed[other])) chosen.add(row);
    }
  }
  const suspects = [...chosen].flatMap((row): SuspectLabel[] => {
    const given = labels[row];
    let suggested = given;
    for (let k = 0; k < classes; k++) if (at(row, k) > at(row, suggested) + 1e-8) suggested = k;
    if (suggested === given) return [];
    return [{ row, given, suggested, probability: { given: at(row, given), suggested: at(row, suggested) } }];
  });
  const margin = ({ probability }: SuspectLabel): number => probability.suggested - probability.given;
  return suspects.sort((a, b) => margin(b) - margin(a) || a.row - b.row);
}

/** Takes as much off the wrong ones that a class keeps one row at least, from all pairs alike. */
function leaveOne(line: readonly number[], given: number): number[] {
  const short = Math.max(line[given], 1) - line[given];
  if (short === 0) return [...line];
  const pairs = Math.max(1, line.filter((count) => count > 0).length - 1);
  return line.map((count, k) => (k === given ? 1 : Math.floor(Math.max(0, count - short / pairs))));
}

/** Whole numbers with the same sum: the largest remainders are rounded up. */
function rounded(line: readonly number[]): number[] {
  const result = line.map(Math.floor);
  const left = Math.round(line.reduce((sum, value) => sum + value, 0)) - result.reduce((sum, value) => sum + value, 0);
  const byRemainder = line.map((_, k) => k).sort((a, b) => line[b] - result[b] - (line[a] - result[a]) || b - a);
  for (const k of byRemainder.slice(0, left)) result[k]++;
  return result;
}

function matrixOf(size: number): number[][] {
  return Array.from({ length: size }, () => new Array<number>(size).fill(0));
}

import { calibrationRows } from '../../evaluation/calibrators/report.js';
import type { PredictionInput } from '../../evaluation/input.js';

/** Fewer rows of a class do not tell how it fares. */
const FEWEST_ROWS = 10;

/** Rounds over the classes: counts meet the wanted ones, or nearly, long before. */
const MOST_ROUNDS = 50;

/**
 * What is added to the scores of each class so that every class is answered as often as by the original, on rows that neither was
 * trained on. A small network often is as accurate as a large one because it gives up a rare class first. How often a class is answered
 * is known far better than how many of its few rows are recalled, so this is what is matched.
 *
 * @returns an offset a class; undefined without scores, where the class that fares worst with the original is answered no less often, and
 * where the class that fares worst would fare worse than it does
 */
export function classOffsets(original: PredictionInput, compressed: PredictionInput): readonly number[] | undefined {
  if (original.task !== 'classification' || compressed.task !== 'classification') return undefined;
  if ((original.logits ?? original.probabilities) === undefined) return undefined;
  if ((compressed.logits ?? compressed.probabilities) === undefined) return undefined;
  const [before, after] = [calibrationRows(original), calibrationRows(compressed)];
  const none = new Array<number>(after.classes).fill(0);
  const [wanted, now] = [answered(before, none), answered(after, none)];
  const worst = worstOf(recalls(before, none));
  if (worst === undefined || counts(now, none)[worst.code] >= counts(wanted, none)[worst.code]) return undefined;
  const offsets = matching(after, counts(wanted, none));
  const [start, end] = [none, offsets].map((each) => worstOf(recalls(after, each))?.recall ?? 0);
  return end >= start ? offsets : undefined;
}

type Rows = Pick<ReturnType<typeof calibrationRows>, 'rows' | 'classes' | 'scores' | 'target'>;

/**
 * Offsets by which each class is answered for a given number of rows: each class in turn is moved to where its number is met, which
 * is coordinate ascent on the dual of a transport of rows to classes.
 */
function matching(all: Rows, wanted: readonly number[]): number[] {
  const offsets = wanted.map(() => 0);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const now = counts(answered(all, offsets), offsets);
    if (now.every((count, code) => count === wanted[code])) break;
    for (const [code, count] of wanted.entries()) {
      const leads = margins(all, offsets, code).sort((a, b) => b - a);
      // Between the last row that is wanted and the first that is not; ends are moved just past.
      const [last, next] = [leads[count - 1] ?? leads[0] + 1, leads[count] ?? leads[leads.length - 1] - 1];
      offsets[code] -= (last + next) / 2;
    }
  }
  // Only differences count.
  return offsets.map((offset) => offset - offsets[0]);
}

/** By how much the score of a class leads, or trails, the best other, in each row. */
function margins({ rows, classes, scores }: Rows, offsets: readonly number[], code: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    let other = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) {
      if (k !== code) other = Math.max(other, scores[row * classes + k] + offsets[k]);
    }
    return scores[row * classes + code] + offsets[code] - other;
  });
}

/** The class of the largest score of each row. */
function answered({ rows, classes, scores }: Rows, offsets: readonly number[]): number[] {
  return Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (scores[row * classes + k] + offsets[k] > scores[row * classes + best] + offsets[best]) best = k;
    }
    return best;
  });
}

const counts = (answers: readonly number[], classes: readonly unknown[]): number[] => {
  const found = classes.map(() => 0);
  for (const code of answers) found[code]++;
  return found;
};

interface Recall {
  readonly code: number;
  readonly recall: number;
}

/** Of the classes with rows enough. */
function recalls(all: Rows, offsets: readonly number[]): Recall[] {
  const answers = answered(all, offsets);
  const rows = counts(Array.from(all.target), offsets);
  const right = counts(
    answers.filter((code, row) => code === all.target[row]),
    offsets,
  );
  return rows.flatMap((count, code) => (count < FEWEST_ROWS ? [] : [{ code, recall: right[code] / count }]));
}

const worstOf = (all: readonly Recall[]): Recall | undefined => all.toSorted((a, b) => a.recall - b.recall)[0];

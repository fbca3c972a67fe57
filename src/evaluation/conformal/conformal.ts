import { binomialQuantile, derive, wilsonInterval } from '../../numeric/index.js';
import type { Figure } from '../figure.js';
import { invalid } from '../invalid.js';

/**
 * Split conformal prediction: from rows that the model was not trained on, a threshold such that a new row's set of classes
 * (or interval) holds the truth with at least the promised probability, whatever the model, as long as rows are exchangeable
 * (Vovk et al. 2005; Angelopoulos and Bates, A Gentle Introduction to Conformal Prediction, 2021).
 */
export type ConformalMap =
  /** Classes of probability >= 1 - threshold: the smallest sets on average (Sadinle, Lei and Wasserman 2019). */
  | { readonly kind: 'lac'; readonly threshold: number }
  /** Most probable classes until they weigh as much as the threshold: steadier over easy and hard rows (Romano et al. 2020). */
  | { readonly kind: 'aps'; readonly threshold: number }
  /** lac with a threshold a class, so that the promise holds within each class (Vovk 2012). */
  | { readonly kind: 'class'; readonly thresholds: readonly number[] }
  /** prediction +- halfWidth. */
  | { readonly kind: 'residual'; readonly halfWidth: number };

export const CONFORMAL_KINDS = ['lac', 'aps', 'class'] as const;
export type ConformalSetKind = (typeof CONFORMAL_KINDS)[number];

/**
 * The threshold that a new score stays below with probability `coverage` at least: the ceil((n + 1) coverage)-th smallest of
 * n, infinite where there are too few. With weights (likelihood ratios under covariate shift, Tibshirani et al. 2019) the
 * quantile of the weighted scores, the new row's own weight standing at infinity.
 */
export function conformalQuantile(
  scores: ArrayLike<number>,
  coverage: number,
  { weights, own = 1 }: { weights?: ArrayLike<number>; own?: number } = {},
): number {
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[a] - scores[b]);
  if (weights === undefined) {
    const rank = Math.ceil((order.length + 1) * coverage - 1e-9);
    return rank > order.length ? Number.POSITIVE_INFINITY : scores[order[Math.max(0, rank - 1)]];
  }
  const total = order.reduce((sum, i) => sum + weights[i], own);
  let reached = 0;
  for (const i of order) {
    reached += weights[i];
    if (reached >= coverage * total - 1e-12 * total) return scores[i];
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * Fits prediction sets to probabilities [rows, classes] of rows with known classes.
 *
 * @throws BallastError CONFORMAL_COVERAGE, CONFORMAL_ROWS
 */
export function fitConformalSets(
  kind: ConformalSetKind,
  { probabilities, target, classes }: { probabilities: ArrayLike<number>; target: ArrayLike<number>; classes: number },
  coverage: number,
): ConformalMap {
  checkCoverage(coverage);
  const rows = target.length;
  if (kind === 'class') {
    const thresholds = Array.from({ length: classes }, (_, k) => {
      const own: number[] = [];
      for (let row = 0; row < rows; row++) if (target[row] === k) own.push(1 - probabilities[row * classes + k]);
      return finite(conformalQuantile(own, coverage));
    });
    return { kind, thresholds };
  }
  const scores = Float64Array.from({ length: rows }, (_, row) =>
    kind === 'lac'
      ? 1 - probabilities[row * classes + target[row]]
      : massUpTo(probabilities, row * classes, classes, target[row]),
  );
  return { kind, threshold: finite(conformalQuantile(scores, coverage)) };
}

/** Intervals prediction +- halfWidth of a regression. @throws BallastError CONFORMAL_COVERAGE, CONFORMAL_ROWS */
export function fitConformalIntervals(
  { predictions, target }: { predictions: ArrayLike<number>; target: ArrayLike<number> },
  coverage: number,
): Extract<ConformalMap, { kind: 'residual' }> {
  checkCoverage(coverage);
  const residuals = Float64Array.from(target, (value, row) => Math.abs(value - predictions[row]));
  const halfWidth = conformalQuantile(residuals, coverage);
  if (halfWidth === Number.POSITIVE_INFINITY) {
    throw invalid(
      `${target.length} rows are too few for a coverage of ${coverage}`,
      'CONFORMAL_ROWS',
      target.length,
      undefined,
      `Give ${Math.ceil(coverage / (1 - coverage))} at least.`,
    );
  }
  return { kind: 'residual', halfWidth };
}

/** Which classes are in each row's set: 1 or 0, [rows, classes]. */
export function predictionSets(
  map: Exclude<ConformalMap, { kind: 'residual' }>,
  probabilities: ArrayLike<number>,
  classes: number,
): Uint8Array {
  const sets = new Uint8Array(probabilities.length);
  for (let from = 0; from < sets.length; from += classes) {
    for (let k = 0; k < classes; k++) {
      const score = map.kind === 'aps' ? massUpTo(probabilities, from, classes, k) : 1 - probabilities[from + k];
      const threshold = map.kind === 'class' ? map.thresholds[k] : map.threshold;
      sets[from + k] = score <= threshold ? 1 : 0;
    }
  }
  return sets;
}

/** Probability of class k and of all classes above it; equals by their order. */
function massUpTo(probabilities: ArrayLike<number>, from: number, classes: number, k: number): number {
  const own = probabilities[from + k];
  let mass = own;
  for (let j = 0; j < classes; j++) {
    const p = probabilities[from + j];
    if (j !== k && (p > own || (p === own && j < k))) mass += p;
  }
  return mass;
}

export interface Coverage {
  /** Promised. */
  readonly target: number;
  /** Share of held-out rows whose set or interval holds the truth, over random halves of the rows. */
  readonly value: Figure;
  /** Mean number of classes in a set, or mean width of an interval. */
  readonly size: number;
  /** Of each class, where there are classes. */
  readonly perClass?: readonly number[];
  /** Within what chance allows of the promise on as many rows (99.9 %). */
  readonly holds: boolean;
}

/**
 * Checks the promise: fits on one random half of the rows, counts on the other, `splits` times.
 *
 * @param fitOn given row numbers to fit on, answers for each other row whether it is covered and how large its set is
 */
export function checkCoverageOf(
  rows: number,
  target: number,
  fitOn: (rows: Int32Array) => (row: number) => { covered: boolean; size: number },
  {
    splits = 20,
    seed = 1,
    classOf,
    classes = 0,
  }: { splits?: number; seed?: number; classOf?: (row: number) => number; classes?: number } = {},
): Coverage {
  const half = Math.floor(rows / 2);
  let [covered, size, count] = [0, 0, 0];
  const byClass = Array.from({ length: classes }, () => ({ covered: 0, count: 0 }));
  for (let split = 0; split < splits; split++) {
    const order = derive(seed, 'conformal', split).shuffle(Int32Array.from({ length: rows }, (_, i) => i));
    const judge = fitOn(order.subarray(0, half));
    for (const row of order.subarray(half)) {
      const judged = judge(row);
      count++;
      size += judged.size;
      if (judged.covered) covered++;
      const own = classOf === undefined ? undefined : byClass[classOf(row)];
      if (own === undefined) continue;
      own.count++;
      if (judged.covered) own.covered++;
    }
  }
  // Splits share rows: the interval is that of one pass over them all.
  const share = covered / count;
  const held = rows - half;
  const least = binomialQuantile(0.0005, held, Math.min(1, target)) / held - 1 / (half + 1);
  return {
    target,
    value: { value: share, interval: wilsonInterval(share * rows, rows), method: `Wilson, ${splits} random halves` },
    size: size / count,
    ...(classes === 0 ? {} : { perClass: byClass.map((own) => own.covered / own.count) }),
    holds: share >= least,
  };
}

function checkCoverage(coverage: number): void {
  if (!(coverage > 0 && coverage < 1)) {
    throw invalid('A coverage lies between 0 and 1', 'CONFORMAL_COVERAGE', coverage, undefined, 'Say 0.9 for 90 %.');
  }
}

/** Too few rows to leave anything out: every class is in the set. */
const finite = (threshold: number): number => (Number.isFinite(threshold) ? threshold : 2);

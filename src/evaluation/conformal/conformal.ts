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
  | IntervalMap;

export type IntervalMap =
  /** prediction +- halfWidth. */
  | { readonly kind: 'residual'; readonly halfWidth: number }
  /** prediction +- factor x the deviation that the model says: wide where it is unsure (Lei et al. 2018, section 5.2). */
  | { readonly kind: 'scaled'; readonly factor: number; readonly deviation: string }
  /** Predicted quantiles moved apart by so much, or together (conformalized quantile regression, Romano et al. 2019). */
  | { readonly kind: 'quantile'; readonly widening: number; readonly outputs: readonly [string, string] };

/** Maps of classes. */
export type SetMap = Exclude<ConformalMap, IntervalMap>;

export const CONFORMAL_KINDS = ['lac', 'aps', 'class'] as const;
export type ConformalSetKind = (typeof CONFORMAL_KINDS)[number];

/**
 * How much likelier each row is where the model will be used than where the rows of the fit come from (likelihood ratios
 * under covariate shift, Tibshirani et al. 2019). A new row is given the largest weight of all: its own could only make the
 * threshold smaller, so that one threshold keeps the promise for all.
 */
export interface ShiftWeights {
  readonly weights: ArrayLike<number>;
  readonly own: number;
}

/**
 * The threshold that a new score stays below with probability `coverage` at least: the ceil((n + 1) coverage)-th smallest of
 * n, infinite where there are too few. With weights (likelihood ratios under covariate shift, Tibshirani et al. 2019) the
 * quantile of the weighted scores, the new row's own weight standing at infinity.
 */
export function conformalQuantile(
  scores: ArrayLike<number>,
  coverage: number,
  { weights, own = 1 }: Partial<ShiftWeights> = {},
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
  shift?: ShiftWeights,
): SetMap {
  checkCoverage(coverage);
  const rows = target.length;
  if (kind === 'class') {
    const thresholds = Array.from({ length: classes }, (_, k) => {
      const own = Array.from({ length: rows }, (_, row) => row).filter((row) => target[row] === k);
      const scores = own.map((row) => 1 - probabilities[row * classes + k]);
      return finite(conformalQuantile(scores, coverage, shift && ofRows(shift, own)));
    });
    return { kind, thresholds };
  }
  const scores = Float64Array.from({ length: rows }, (_, row) =>
    kind === 'lac'
      ? 1 - probabilities[row * classes + target[row]]
      : massUpTo(probabilities, row * classes, classes, target[row]),
  );
  return { kind, threshold: finite(conformalQuantile(scores, coverage, shift)) };
}

/** The weights of some of the rows. */
export function ofRows({ weights, own }: ShiftWeights, rows: ArrayLike<number>): ShiftWeights {
  return { weights: Float64Array.from(rows, (row) => weights[row]), own };
}

/** What intervals of a regression are made around. */
export type IntervalBase =
  | { readonly kind: 'residual'; readonly predictions: ArrayLike<number> }
  /** Deviations above 0 that the model says of its answers, under that name of an output. */
  | {
      readonly kind: 'scaled';
      readonly predictions: ArrayLike<number>;
      readonly deviations: ArrayLike<number>;
      readonly deviation: string;
    }
  /** Two predicted quantiles, of these outputs. */
  | {
      readonly kind: 'quantile';
      readonly lower: ArrayLike<number>;
      readonly upper: ArrayLike<number>;
      readonly outputs: readonly [string, string];
    };

/**
 * How far outside of its interval a row's target lies, in the unit that the map widens by: below the threshold it is covered.
 */
export function nonconformity(base: IntervalBase, target: ArrayLike<number>, row: number): number {
  switch (base.kind) {
    case 'residual':
      return Math.abs(target[row] - base.predictions[row]);
    case 'scaled':
      return Math.abs(target[row] - base.predictions[row]) / base.deviations[row];
    case 'quantile':
      return Math.max(base.lower[row] - target[row], target[row] - base.upper[row]);
  }
}

/** The width of a row's interval under a threshold; 0 where quantiles cross. */
export function intervalWidth(base: IntervalBase, threshold: number, row: number): number {
  switch (base.kind) {
    case 'residual':
      return 2 * threshold;
    case 'scaled':
      return 2 * threshold * base.deviations[row];
    case 'quantile':
      return Math.max(0, base.upper[row] - base.lower[row] + 2 * threshold);
  }
}

/**
 * The threshold of intervals of a regression, fitted on some of the rows.
 *
 * @throws BallastError CONFORMAL_COVERAGE, CONFORMAL_ROWS, CONFORMAL_DEVIATION
 */
export function fitIntervalThreshold(
  base: IntervalBase,
  target: ArrayLike<number>,
  rows: ArrayLike<number>,
  coverage: number,
  shift?: ShiftWeights,
): number {
  checkCoverage(coverage);
  if (base.kind === 'scaled') {
    const bad = Array.from(rows).find((row) => !(base.deviations[row] > 0));
    if (bad !== undefined) {
      throw invalid(
        'A deviation is not above 0',
        'CONFORMAL_DEVIATION',
        base.deviations[bad],
        `row ${bad}`,
        'Use --intervals residual.',
      );
    }
  }
  const scores = Float64Array.from(rows, (row) => nonconformity(base, target, row));
  const threshold = conformalQuantile(scores, coverage, shift && ofRows(shift, rows));
  if (Number.isFinite(threshold)) return threshold;
  throw invalid(
    `${rows.length} rows are too few for a coverage of ${coverage}${shift === undefined ? '' : ' where they are weighted so unevenly'}`,
    'CONFORMAL_ROWS',
    rows.length,
    undefined,
    shift === undefined
      ? `Give ${Math.ceil(coverage / (1 - coverage))} at least.`
      : 'Give more rows, or rows nearer to the shifted ones.',
  );
}

/** The map of a threshold. */
export function intervalMap(base: IntervalBase, threshold: number): IntervalMap {
  switch (base.kind) {
    case 'residual':
      return { kind: 'residual', halfWidth: threshold };
    case 'scaled':
      return { kind: 'scaled', factor: threshold, deviation: base.deviation };
    case 'quantile':
      return { kind: 'quantile', widening: threshold, outputs: base.outputs };
  }
}

/** Which classes are in each row's set: 1 or 0, [rows, classes]. */
export function predictionSets(map: SetMap, probabilities: ArrayLike<number>, classes: number): Uint8Array {
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
  /** Share of held-out rows, weighted where there is a shift, whose set or interval holds the truth, over random halves. */
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
    weightOf = () => 1,
  }: {
    splits?: number;
    seed?: number;
    classOf?: (row: number) => number;
    classes?: number;
    weightOf?: (row: number) => number;
  } = {},
): Coverage {
  const half = Math.floor(rows / 2);
  let [covered, size, count, squares] = [0, 0, 0, 0];
  const byClass = Array.from({ length: classes }, () => ({ covered: 0, count: 0 }));
  for (let split = 0; split < splits; split++) {
    const order = derive(seed, 'conformal', split).shuffle(Int32Array.from({ length: rows }, (_, i) => i));
    const judge = fitOn(order.subarray(0, half));
    for (const row of order.subarray(half)) {
      const judged = judge(row);
      const weight = weightOf(row);
      count += weight;
      squares += weight ** 2;
      size += weight * judged.size;
      if (judged.covered) covered += weight;
      const own = classOf === undefined ? undefined : byClass[classOf(row)];
      if (own === undefined) continue;
      own.count++;
      if (judged.covered) own.covered++;
    }
  }
  // Splits share rows: the interval is that of one pass over them all.
  const share = covered / count;
  // Weighted rows count as fewer equal ones: (sum w)^2 / sum w^2 in a pass over all of them.
  const effective = Math.min(1, count ** 2 / (squares * splits * (rows - half))) * rows;
  const held = Math.max(1, Math.round(((rows - half) * effective) / rows));
  const least = binomialQuantile(0.0005, held, Math.min(1, target)) / held - 1 / (half + 1);
  return {
    target,
    value: {
      value: share,
      interval: wilsonInterval(share * effective, effective),
      method: `Wilson, ${splits} random halves`,
    },
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

import { BallastError } from '../../errors.js';
import { derive, type Seed } from '../../numeric/random.js';
import { cholesky, invertLower, symmetricEigen } from '../../numeric/symmetric.js';
import { type DenseFeatures, requireDense } from '../features.js';
import { fitPath } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';

export interface KnockoffOptions {
  /** Share of wrong columns among the selected that is allowed on average. Default 0.1. */
  readonly rate?: number;
  readonly seed?: Seed;
}

export interface KnockoffSelection {
  /** Columns, those of the largest statistic first. */
  readonly selected: readonly number[];
  /** For each column, how much earlier it enters the path than its knockoff; below 0 where later. */
  readonly statistics: Float64Array;
  /** Least statistic of the selected; Infinity where none is. */
  readonly threshold: number;
}

/**
 * Model-X knockoffs for Gaussian columns (Candès, Fan, Janson and Lv 2018): each column gets a copy of the same joint
 * distribution that knows nothing of the target; columns are selected that beat their copies, by the rule that keeps the
 * expected share of wrong ones below `rate` (knockoff+). The covariance is that of the rows, so these are to be many more
 * than the columns.
 *
 * @throws BallastError PATH_KNOCKOFFS, and those of {@link fitPath}
 */
export async function knockoffSelection(
  data: PathData,
  options: PathOptions,
  { rate = 0.1, seed = 1 }: KnockoffOptions = {},
): Promise<KnockoffSelection> {
  const features = requireDense(data.features, 'knockoffs');
  const { rows: n, columns: p } = features;
  if (!(rate > 0 && rate < 1)) throw refuse('the rate is between 0 and 1', 'Mend it', rate);
  if (n < 2 * p) {
    throw refuse(`${n} rows do not tell the covariance of ${p} columns`, 'Give at least twice as many rows', n);
  }
  const copies = knockoffsOf(features, seed);
  const both = new Float64Array(2 * n * p);
  both.set(features.data);
  both.set(copies, n * p);
  const { points } = await fitPath(
    { ...data, features: { rows: n, columns: 2 * p, data: both } },
    { tolerance: 1e-7, count: 200, ratio: 1e-3, ...options },
  );
  const entry = new Float64Array(2 * p);
  for (const { lambda, columns } of points) {
    for (const column of columns) if (entry[column] === 0) entry[column] = lambda;
  }
  const statistics = Float64Array.from({ length: p }, (_, j) => {
    const [own, copy] = [entry[j], entry[p + j]];
    return Math.sign(own - copy) * Math.max(own, copy);
  });
  const threshold = thresholdOf(statistics, rate);
  const selected = Array.from(statistics.keys())
    .filter((j) => statistics[j] >= threshold)
    .sort((a, b) => statistics[b] - statistics[a]);
  return { selected, statistics, threshold };
}

/** The least size at which the columns that lose to their copies are few enough against those that win. */
function thresholdOf(statistics: Float64Array, rate: number): number {
  const sizes = [...new Set(statistics.map(Math.abs))].filter((size) => size > 0).sort((a, b) => a - b);
  const found = sizes.find((size) => {
    const losing = statistics.filter((value) => value <= -size).length;
    const winning = statistics.filter((value) => value >= size).length;
    return (1 + losing) / Math.max(1, winning) <= rate;
  });
  return found ?? Number.POSITIVE_INFINITY;
}

/**
 * Equicorrelated knockoffs: given the columns, normal with mean x - s C^-1 x and covariance 2 s - s C^-1 s, for
 * standardised columns of correlation C and s the largest number that allows it, at most 1.
 */
function knockoffsOf({ rows: n, columns: p, data }: DenseFeatures, seed: Seed): Float64Array {
  const z = data.slice();
  const center = new Float64Array(p);
  const scale = new Float64Array(p);
  for (let j = 0; j < p; j++) {
    const column = z.subarray(j * n, (j + 1) * n);
    center[j] = column.reduce((sum, value) => sum + value, 0) / n;
    scale[j] = Math.sqrt(column.reduce((sum, value) => sum + (value - center[j]) ** 2, 0) / n);
    if (scale[j] === 0) throw refuse(`column ${j + 1} is the same in every row`, 'Remove it');
    for (let i = 0; i < n; i++) column[i] = (column[i] - center[j]) / scale[j];
  }
  const correlation = new Float64Array(p * p);
  for (let a = 0; a < p; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += z[a * n + i] * z[b * n + i];
      correlation[a * p + b] = sum / n;
      correlation[b * p + a] = sum / n;
    }
  }
  const [least] = symmetricEigen(correlation, p, { vectors: false }).values;
  const lower = cholesky(correlation, p);
  if (lower === undefined || !(least > 1e-8)) {
    throw refuse('some columns are combinations of others', 'Remove what repeats others');
  }
  const s = Math.min(1, 2 * least) * (1 - 1e-9);
  const inverseRoot = invertLower(lower, p);
  const inverse = new Float64Array(p * p);
  for (let a = 0; a < p; a++) {
    for (let b = 0; b < p; b++) {
      for (let k = Math.max(a, b); k < p; k++) inverse[a * p + b] += inverseRoot[k * p + a] * inverseRoot[k * p + b];
    }
  }
  const spread = inverse.map((value, at) => (at % (p + 1) === 0 ? 2 * s : 0) - s * s * value);
  for (let j = 0; j < p; j++) spread[j * p + j] += 1e-12;
  const root = cholesky(spread, p);
  if (root === undefined) throw refuse('the columns are too dependent for knockoffs', 'Remove what repeats others');
  const random = derive(seed, 'knockoffs');
  const copies = new Float64Array(n * p);
  const noise = new Float64Array(p);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < p; j++) noise[j] = random.normal();
    for (let j = 0; j < p; j++) {
      let value = z[j * n + i];
      for (let k = 0; k < p; k++) value -= s * inverse[j * p + k] * z[k * n + i];
      for (let k = 0; k <= j; k++) value += root[j * p + k] * noise[k];
      copies[j * n + i] = center[j] + scale[j] * value;
    }
  }
  return copies;
}

function refuse(message: string, remedy: string, value?: number): BallastError {
  return new BallastError(message, { code: 'PATH_KNOCKOFFS', remedy, ...(value === undefined ? {} : { value }) });
}

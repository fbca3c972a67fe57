import { BallastError } from '../../errors.js';
import type { Seed } from '../../numeric/random.js';
import { requireDense } from '../features.js';
import { fitPath } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';
import { gaussianCopies } from './gaussian-copies.js';
import { refuseInterrupted } from './interrupted.js';
import { isPenalised } from './stability.js';

export interface KnockoffOptions {
  /** Share of wrong columns among the selected that is allowed on average. Default 0.1. */
  readonly rate?: number | undefined;
  readonly seed?: Seed;
}

export interface KnockoffSelection {
  /** Columns, those of the largest statistic first. */
  readonly selected: readonly number[];
  /** For each column, how much earlier it enters the path than its knockoff; below 0 where later. */
  readonly statistics: Float64Array;
  /** Least statistic of the selected; Infinity where none is. */
  readonly threshold: number;
  readonly rate: number;
  /** Columns that did not compete: the same in every row, or combinations of columns before them. */
  readonly leftOut: readonly number[];
}

/**
 * Model-X knockoffs for Gaussian columns (Candès, Fan, Janson and Lv 2018): each column gets a copy of the same joint
 * distribution that knows nothing of the target; columns are selected that beat their copies, by the rule that keeps the
 * expected share of wrong ones below `rate` (knockoff+). The covariance is that of the rows, so these are to be many more
 * than the columns. Columns that are not penalised have no copy and are not selected; what they explain is not counted.
 *
 * @throws BallastError PATH_KNOCKOFFS, INTERRUPTED, and those of {@link fitPath}
 */
export async function knockoffSelection(
  data: PathData,
  options: PathOptions,
  { rate = 0.1, seed = 1 }: KnockoffOptions = {},
): Promise<KnockoffSelection> {
  const features = requireDense(data.features, 'knockoffs');
  const { rows: n, columns: p } = features;
  if (!(rate > 0 && rate < 1)) throw refuse('the rate is between 0 and 1', 'Mend it', rate);
  const copies = gaussianCopies(features, seed);
  const own = copies.columns;
  if (n < 2 * own.length) {
    throw refuse(`${n} rows do not tell the covariance of ${p} columns`, 'Give at least twice as many rows', n);
  }
  const competing = own.flatMap((column, at) => (isPenalised(options.factors?.[column]) ? [{ column, at }] : []));
  if (competing.length === 0)
    throw refuse('no column is left that could compete with a copy of it', 'Give other columns');
  const both = new Float64Array(n * (own.length + competing.length));
  own.forEach((column, at) => {
    both.set(features.data.subarray(column * n, (column + 1) * n), at * n);
  });
  competing.forEach(({ at }, k) => {
    both.set(copies.data.subarray(at * n, (at + 1) * n), (own.length + k) * n);
  });
  const doubled = (values: ArrayLike<number> | undefined): number[] | undefined =>
    values === undefined ? undefined : [...own, ...competing.map(({ column }) => column)].map((j) => values[j]);
  const path = await fitPath(
    { ...data, features: { rows: n, columns: own.length + competing.length, data: both } },
    {
      ...options,
      factors: doubled(options.factors),
      lower: doubled(options.lower),
      upper: doubled(options.upper),
      lambdas: undefined,
      tolerance: 1e-7,
      count: 200,
      ratio: 1e-3,
    },
  );
  refuseInterrupted(path);
  const entry = new Float64Array(own.length + competing.length);
  for (const { lambda, columns } of path.points) {
    for (const column of columns) if (entry[column] === 0) entry[column] = lambda;
  }
  const statistics = new Float64Array(p);
  competing.forEach(({ column, at }, k) => {
    const [mine, copy] = [entry[at], entry[own.length + k]];
    statistics[column] = Math.sign(mine - copy) * Math.max(mine, copy);
  });
  const threshold = thresholdOf(statistics, rate);
  const selected = Array.from(statistics.keys())
    .filter((j) => statistics[j] >= threshold)
    .sort((a, b) => statistics[b] - statistics[a]);
  const leftOut = Array.from({ length: p }, (_, column) => column).filter((column) => !own.includes(column));
  return { selected, statistics, threshold, rate, leftOut };
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

function refuse(message: string, remedy: string, value?: number): BallastError {
  return new BallastError(message, { code: 'PATH_KNOCKOFFS', remedy, ...(value === undefined ? {} : { value }) });
}

import { BallastError } from '../../errors.js';
import { addColumn, type DenseFeatures, type Features, requireDense } from '../features.js';
import { fitPath, type RegularizationPath } from '../path.js';
import { type OutputModel, type PathPoint, together } from '../path-point.js';
import type { PathData, PathOptions } from '../problem.js';
import { normalised } from '../settings.js';

/** Of first differences between neighbours, or of second ones. */
export type ChainPenalty = 'fused' | 'trend';

export interface ChainOptions {
  readonly penalty: ChainPenalty;
  /** Columns that follow each other, in their order. Default: all. Others are penalised by themselves. */
  readonly chain?: ArrayLike<number> | undefined;
}

/**
 * Paths of penalties on differences between the standardised coefficients of neighbours (Tibshirani et al. 2005; Kim et al. 2009):
 *
 *     fused    lambda sum over j of v_j |b_j - b_(j-1)|
 *     trend    lambda sum over j of v_j |b_j - 2 b_(j-1) + b_(j-2)|
 *
 * with, at alpha below 1, (1 - alpha) / 2 of each difference's square beside alpha of its size. What the differences leave
 * free, a level (of trend a line), is in every model. Columns outside of the chain are penalised as ever; factors v are not
 * scaled to mean 1. Columns that are the same in every row, or not penalised, are left out of the chain.
 *
 * The differences are coefficients themselves, of columns that are sums of the chain's columns from a place on: an elastic net
 * of those has the same minimum, for any family.
 *
 * @throws BallastError PATH_CHAIN, PATH_GROUPS, PATH_BOUNDS, and those of {@link fitPath}
 */
export async function chainedPath(
  data: PathData,
  options: PathOptions,
  { penalty, chain }: ChainOptions,
): Promise<RegularizationPath> {
  const { standardize = true, factors: given, groups, lower, upper, lambdas } = options;
  if (groups !== undefined) {
    throw new BallastError('columns of a chain are in no groups', {
      code: 'PATH_GROUPS',
      value: penalty,
      remedy: 'Leave the groups out, or the penalty',
    });
  }
  if (lower !== undefined || upper !== undefined) {
    throw new BallastError('what is penalised is the difference of two coefficients, which have no bounds', {
      code: 'PATH_BOUNDS',
      value: penalty,
      remedy: 'Leave the bounds out, or the penalty',
    });
  }
  const features = requireDense(data.features, `Sums of columns (${penalty})`);
  const { columns } = features;
  const scales = deviations(features, normalised(data.weights, features.rows));
  const unit = (j: number): number => (standardize && scales[j] > 0 ? scales[j] : 1);
  const factorOf = (j: number): number => given?.[j] ?? 1;
  const order = penalty === 'fused' ? 1 : 2;
  const linked = Array.from(chain ?? Array.from({ length: columns }).keys()).filter(
    (j) => scales[j] > 0 && factorOf(j) > 0 && factorOf(j) < Number.POSITIVE_INFINITY,
  );
  if (linked.length <= order) {
    throw new BallastError(`${linked.length} columns in a row have no differences to penalise (${penalty})`, {
      code: 'PATH_CHAIN',
      value: linked.length,
      remedy: `Give at least ${order + 1} columns that vary and follow each other, or leave the penalty out`,
    });
  }
  const sums = sumsOf(features, linked, unit, order);
  const factors = Float64Array.from({ length: columns }, (_, j) => factorOf(j));
  for (const column of linked.slice(0, order)) factors[column] = 0;
  const finite = factors.filter(Number.isFinite);
  const mean = finite.reduce((sum, factor) => sum + factor, 0) / finite.length;
  const { points, ...path } = await fitPath(
    { ...data, features: sums },
    { ...options, standardize: false, factors, lambdas: lambdas?.map((lambda) => lambda * mean) },
  );
  const original = (model: OutputModel): OutputModel => ofColumns(model, linked, unit, order);
  return {
    ...path,
    differences: order,
    scales: Float64Array.from(scales, (scale, j) => (scale > 0 ? unit(j) : 0)),
    factors: Float64Array.from({ length: columns }, (_, j) => factorOf(j)),
    largestLambda: path.largestLambda / mean,
    points: points.map((point): PathPoint => {
      const { outputs } = point;
      return {
        ...point,
        ...(outputs === undefined ? original(point) : together(outputs.map(original))),
        lambda: point.lambda / mean,
        degrees: outputs === undefined ? point.columns.length : outputs.reduce((n, each) => n + each.columns.length, 0),
      };
    }),
  };
}

/** Weighted standard deviation of each column (population); 0 of those that are the same in every row. */
function deviations(features: DenseFeatures, weights: Float64Array): Float64Array {
  const { rows: n, columns, data } = features;
  return Float64Array.from({ length: columns }, (_, j) => {
    const own = data.subarray(j * n, (j + 1) * n);
    let mean = 0;
    for (let i = 0; i < n; i++) mean += weights[i] * own[i];
    let squares = 0;
    let largest = 0;
    for (let i = 0; i < n; i++) {
      squares += weights[i] * (own[i] - mean) ** 2;
      largest = Math.max(largest, Math.abs(own[i]));
    }
    return Math.sqrt(squares) > 1e-10 * largest ? Math.sqrt(squares) : 0;
  });
}

/**
 * In the place of each linked column the sum of it and of those after it, standardised; of second differences the sum of
 * such sums, but for the first. Other columns are standardised.
 */
function sumsOf(
  features: Features,
  linked: readonly number[],
  unit: (column: number) => number,
  order: 1 | 2,
): DenseFeatures {
  const { rows: n, columns } = features;
  const data = new Float64Array(n * columns);
  const at = (j: number): Float64Array => data.subarray(j * n, (j + 1) * n);
  for (let j = 0; j < columns; j++) addColumn(features, j, 1 / unit(j), at(j));
  for (let pass = 0; pass < order; pass++) {
    for (let k = linked.length - 2; k >= pass; k--) {
      const [own, next] = [at(linked[k]), at(linked[k + 1])];
      for (let i = 0; i < n; i++) own[i] += next[i];
    }
  }
  return { rows: n, columns, data };
}

/** A model of such sums as one of the columns. */
function ofColumns(
  { columns, coefficients, intercept }: OutputModel,
  linked: readonly number[],
  unit: (column: number) => number,
  order: 1 | 2,
): OutputModel {
  const values = new Map<number, number>();
  columns.forEach((column, k) => {
    values.set(column, coefficients[k]);
  });
  for (let pass = order - 1; pass >= 0; pass--) {
    for (let k = pass + 1; k < linked.length; k++) {
      const before = values.get(linked[k - 1]) ?? 0;
      values.set(linked[k], (values.get(linked[k]) ?? 0) + before);
    }
  }
  const kept = [...values].filter(([, value]) => value !== 0).sort(([a], [b]) => a - b);
  return {
    columns: Int32Array.from(kept, ([column]) => column),
    coefficients: Float64Array.from(kept, ([column, value]) => value / unit(column)),
    intercept,
  };
}

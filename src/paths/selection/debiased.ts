import { BallastError } from '../../errors.js';
import { normalCdf, normalQuantile } from '../../numeric/distributions/normal.js';
import { type DenseFeatures, requireDense } from '../features.js';
import { fitPath, linearPredictor } from '../path.js';
import type { LinearModel } from '../path-point.js';
import type { PathData } from '../problem.js';
import { refuseInterrupted } from './interrupted.js';

/** A coefficient freed of the lasso's shrinkage, and where the true one is likely to be. */
export interface DebiasedCoefficient {
  readonly column: number;
  readonly value: number;
  readonly standardError: number;
  readonly interval: readonly [number, number];
  /** Two-sided, of the coefficient being 0. */
  readonly pValue: number;
}

export interface DebiasedOptions {
  /** Share of the intervals that hold the true coefficient. Default 0.95. */
  readonly level?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, of: number) => void;
}

/**
 * De-biased lasso (Zhang and Zhang 2014; van de Geer et al. 2014) of a Gaussian target: what a column adds beyond the
 * lasso fit, measured along the part of it that the other columns do not explain (their lasso at penalty
 * sqrt(2 log p / n) of its deviation). Residuals are stretched by the degrees of freedom that the fit took (Bellec and Zhang
 * 2022): the more columns it takes, the less it leaves.
 *
 * @param point the lasso fit, usually that of least cross-validated error
 * @param columns for which intervals are wanted; none of them the same in every row
 * @throws BallastError PATH_DEBIAS where rows have weights, INTERRUPTED, and those of {@link fitPath}
 */
export async function debiasedIntervals(
  data: PathData,
  point: LinearModel,
  columns: readonly number[],
  { level = 0.95, signal, onProgress }: DebiasedOptions = {},
): Promise<DebiasedCoefficient[]> {
  const { target, offset, weights } = data;
  const features = requireDense(data.features, 'de-biased intervals');
  const { rows: n, columns: p } = features;
  if (weights !== undefined || p < 2) {
    throw new BallastError('de-biased intervals are made for rows of equal weight and at least two columns', {
      code: 'PATH_DEBIAS',
      remedy: 'Leave the weights out, or bootstrap the fit',
    });
  }
  if (!(level > 0 && level < 1)) {
    throw new BallastError('the level of an interval is between 0 and 1', {
      code: 'PATH_DEBIAS',
      value: level,
      remedy: 'Mend it',
    });
  }
  const eta = linearPredictor(point, features);
  const residual = target.map((value, i) => value - eta[i] - (offset?.[i] ?? 0));
  const squares = residual.reduce((sum, value) => sum + value * value, 0);
  const free = Math.max(1, n - 1 - point.columns.length);
  const stretch = (n - 1) / free;
  const deviation = Math.sqrt(squares / (n - 1)) * stretch;
  const reach = normalQuantile(1 - (1 - level) / 2);
  const results: DebiasedCoefficient[] = [];
  for (const column of columns) {
    const own = features.data.subarray(column * n, (column + 1) * n);
    const apart = await apartFromOthers(features, column, signal);
    const along = apart.reduce((sum, value, i) => sum + value * own[i], 0);
    const at = point.columns.indexOf(column);
    const shrunk = at === -1 ? 0 : point.coefficients[at];
    const value = shrunk + (stretch * apart.reduce((sum, part, i) => sum + part * residual[i], 0)) / along;
    const length = Math.sqrt(apart.reduce((sum, part) => sum + part * part, 0));
    const standardError = (deviation * length) / Math.abs(along);
    results.push({
      column,
      value,
      standardError,
      interval: [value - reach * standardError, value + reach * standardError],
      pValue: standardError > 0 ? 2 * normalCdf(-Math.abs(value) / standardError) : Number(value === 0),
    });
    onProgress?.(results.length, columns.length);
  }
  return results;
}

/** What is left of a column after the lasso of the others. */
async function apartFromOthers(
  features: DenseFeatures,
  column: number,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const { rows: n, columns: p, data } = features;
  const own = data.slice(column * n, (column + 1) * n);
  const others = withoutColumn(features, column);
  const mean = own.reduce((sum, value) => sum + value, 0) / n;
  const spread = Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
  const lambdas = [spread * Math.sqrt((2 * Math.log(p)) / n)];
  const fitted = await fitPath({ features: others, target: own }, { family: 'gaussian', lambdas, signal });
  refuseInterrupted(fitted);
  const predicted = linearPredictor(fitted.points[0], others);
  return own.map((value, i) => value - predicted[i]);
}

function withoutColumn({ rows, columns, data }: DenseFeatures, column: number): DenseFeatures {
  const rest = new Float64Array(rows * (columns - 1));
  rest.set(data.subarray(0, column * rows));
  rest.set(data.subarray((column + 1) * rows), column * rows);
  return { rows, columns: columns - 1, data: rest };
}

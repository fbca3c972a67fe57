import { fitPath, type PathPoint, type RegularizationPath } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';

/**
 * Penalty factors of the adaptive lasso (Zou 2006) from a pilot fit: 1 / |b|^power of standardised coefficients; columns
 * that the pilot leaves out stay out. Give them as {@link PathOptions.factors}.
 */
export function adaptiveFactors(
  { scales, features }: RegularizationPath,
  { columns, coefficients }: PathPoint,
  power = 1,
): Float64Array {
  const factors = new Float64Array(features).fill(Number.POSITIVE_INFINITY);
  columns.forEach((column, k) => {
    factors[column] = Math.abs(coefficients[k] * scales[column]) ** -power;
  });
  return factors;
}

/** What is left of the largest penalty in a fit that is called free of it. */
const NEXT_TO_NOTHING = 1e-9;

/**
 * The relaxed lasso (Meinshausen 2007; Hastie, Tibshirani and Tibshirani 2020): each model's coefficients between those
 * of the path (share 1) and the unpenalised fit of its columns (share 0).
 */
export async function relaxedPath(
  data: PathData,
  options: PathOptions,
  path: RegularizationPath,
  share = 0,
): Promise<Pick<PathPoint, 'lambda' | 'columns' | 'coefficients' | 'intercept'>[]> {
  const fits = new Map<string, PathPoint>();
  const relaxed: Pick<PathPoint, 'lambda' | 'columns' | 'coefficients' | 'intercept'>[] = [];
  for (const point of path.points) {
    const { columns, lambda } = point;
    if (columns.length === 0) {
      relaxed.push(point);
      continue;
    }
    const key = columns.join();
    const free = fits.get(key) ?? (await freeFit(data, options, path, columns));
    fits.set(key, free);
    const of = (column: number): number => free.coefficients[free.columns.indexOf(column)] ?? 0;
    relaxed.push({
      lambda,
      columns,
      coefficients: point.coefficients.map((value, k) => share * value + (1 - share) * of(columns[k])),
      intercept: share * point.intercept + (1 - share) * free.intercept,
    });
  }
  return relaxed;
}

async function freeFit(
  data: PathData,
  options: PathOptions,
  { features, largestLambda }: RegularizationPath,
  columns: Int32Array,
): Promise<PathPoint> {
  const factors = new Float64Array(features).fill(Number.POSITIVE_INFINITY);
  for (const column of columns) factors[column] = 1;
  const { points } = await fitPath(data, {
    ...options,
    alpha: 1,
    factors,
    lambdas: [largestLambda * NEXT_TO_NOTHING],
    tolerance: 1e-13,
  });
  return points[0];
}

import { fitPath, type PathPoint, type PathStop, type RegularizationPath } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';
import { refuseInterrupted } from './interrupted.js';

/** What predicts: a model of a path, or one made of several. */
export type LinearModel = Pick<PathPoint, 'columns' | 'coefficients' | 'intercept'>;

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
/** Models on the way there: where classes come to be separated, the way ends. */
const STEPS = 8;

export interface FreeFit {
  readonly point: PathPoint;
  /** Why the fit still has a penalty: the columns separate the classes, or explain everything. */
  readonly stopped?: PathStop;
}

/** The fit of some columns without penalty, or with the least one at which coefficients do not grow without end. */
export async function unpenalisedFit(
  data: PathData,
  options: PathOptions,
  columns: ArrayLike<number>,
): Promise<FreeFit> {
  const factors = new Float64Array(data.features.columns).fill(Number.POSITIVE_INFINITY);
  for (let k = 0; k < columns.length; k++) factors[columns[k]] = 1;
  const path = await fitPath(data, {
    ...options,
    alpha: 1,
    factors,
    lambdas: undefined,
    count: options.family === 'gaussian' ? 2 : STEPS,
    ratio: NEXT_TO_NOTHING,
    tolerance: 1e-13,
    mostColumns: undefined,
    onProgress: undefined,
  });
  refuseInterrupted(path);
  const point = path.points[path.points.length - 1];
  return { point, ...(path.stopped === undefined ? {} : { stopped: path.stopped }) };
}

/** The unpenalised fit that each model of a path is relaxed towards; undefined where it has no columns, or too many. */
export type FreeFits = readonly (PathPoint | undefined)[];

/** The unpenalised fits of the columns of each model; of models with more columns than half of the rows there is none. */
export async function freeFits(data: PathData, options: PathOptions, path: RegularizationPath): Promise<FreeFits> {
  const fits = new Map<string, PathPoint>();
  const found: (PathPoint | undefined)[] = [];
  for (const { columns } of path.points) {
    const key = columns.join();
    if (columns.length > 0 && columns.length <= data.features.rows / 2 && !fits.has(key)) {
      fits.set(key, (await unpenalisedFit(data, options, columns)).point);
    }
    found.push(fits.get(key));
  }
  return found;
}

/** A model between that of the path (share 1) and the unpenalised fit of its columns (share 0). */
export function relaxed(point: PathPoint, free: PathPoint | undefined, share: number): LinearModel {
  if (free === undefined || share === 1) return point;
  const of = (column: number): number => free.coefficients[free.columns.indexOf(column)] ?? 0;
  return {
    columns: point.columns,
    coefficients: point.coefficients.map((value, k) => share * value + (1 - share) * of(point.columns[k])),
    intercept: share * point.intercept + (1 - share) * free.intercept,
  };
}

/**
 * The relaxed lasso (Meinshausen 2007; Hastie, Tibshirani and Tibshirani 2020): each model's coefficients between those
 * of the path (share 1) and the unpenalised fit of its columns (share 0).
 */
export async function relaxedPath(
  data: PathData,
  options: PathOptions,
  path: RegularizationPath,
  share = 0,
): Promise<(LinearModel & Pick<PathPoint, 'lambda'>)[]> {
  const fits = await freeFits(data, options, path);
  return path.points.map((point, k) => ({ lambda: point.lambda, ...relaxed(point, fits[k], share) }));
}

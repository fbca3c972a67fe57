import { fitPath, type RegularizationPath } from '../path.js';
import { type LinearModel, type OutputModel, type PathPoint, type PathStop, together } from '../path-point.js';
import type { PathData, PathOptions } from '../problem.js';
import { refuseInterrupted } from './interrupted.js';

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
    groups: undefined,
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
  const between = (shrunk: OutputModel, whole: OutputModel): OutputModel => ({
    columns: point.columns,
    coefficients: Float64Array.from(
      point.columns,
      (column) => share * coefficientOf(shrunk, column) + (1 - share) * coefficientOf(whole, column),
    ),
    intercept: share * shrunk.intercept + (1 - share) * whole.intercept,
  });
  const { outputs } = point;
  if (outputs === undefined) return between(point, free);
  return together(outputs.map((output, k) => between(output, free.outputs?.[k] ?? output)));
}

const coefficientOf = ({ columns, coefficients }: OutputModel, column: number): number =>
  coefficients[columns.indexOf(column)] ?? 0;

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

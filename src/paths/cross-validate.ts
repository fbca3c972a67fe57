import { BallastError } from '../errors.js';
import { FAMILIES } from './families/index.js';
import { fitPath, linearPredictor, type PathPoint, type RegularizationPath } from './path.js';
import type { PathData, PathOptions } from './problem.js';
import { rowsOf } from './rows.js';

/** Rows of one fold, as positions within the data. */
export interface PathFold {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/** How well each model of a path predicts rows it was not fitted to: mean deviance a row, as glmnet's `cv.glmnet`. */
export interface CrossValidation {
  readonly measure: 'deviance';
  /** For each lambda of the path: mean over folds, weighted by their rows. */
  readonly mean: readonly number[];
  /** Standard error of that mean over folds. */
  readonly se: readonly number[];
  /** For each fold, the mean deviance at each lambda. */
  readonly folds: readonly (readonly number[])[];
  /** Place of the lambda of least mean. */
  readonly indexMin: number;
  /** Place of the largest lambda whose mean is within one standard error of the least. */
  readonly index1se: number;
  readonly lambdaMin: number;
  readonly lambda1se: number;
}

/**
 * Cross-validates a path: in each fold the whole path is fitted to the other rows, standardisation included, at the same
 * penalties.
 *
 * @throws BallastError INTERRUPTED, and those of {@link fitPath} with the fold as their place
 */
export async function crossValidate(
  data: PathData,
  options: PathOptions,
  path: RegularizationPath,
  folds: readonly PathFold[],
): Promise<CrossValidation> {
  const lambdas = path.points.map(({ lambda }) => lambda);
  const results: number[][] = [];
  const counts: number[] = [];
  for (const [index, fold] of folds.entries()) {
    const fitted = await fitFold(rowsOf(data, fold.train), index, {
      ...options,
      lambdas,
      onProgress: (done, of) => options.onProgress?.(index * of + done, folds.length * of),
    });
    const held = rowsOf(data, fold.validation);
    results.push(fitted.points.map((point) => meanDeviance(point, held, options.family)));
    counts.push(held.weights?.reduce((sum, weight) => sum + weight, 0) ?? held.features.rows);
  }
  return summarise(lambdas, results, counts);
}

/** The path of one fold; what is wrong with its rows is told of the fold. */
async function fitFold(data: PathData, index: number, options: PathOptions): Promise<RegularizationPath> {
  try {
    const fitted = await fitPath(data, options);
    if (fitted.stopped?.reason !== 'interrupted') return fitted;
  } catch (error) {
    throw error instanceof BallastError ? error.within(`fold ${index + 1}`) : error;
  }
  throw new BallastError('interrupted before every fold was fitted', { code: 'INTERRUPTED', kind: 'cancelled' });
}

/** Mean deviance a row, by the rows' weights. */
export function meanDeviance(
  point: PathPoint,
  { features, target, weights, offset }: PathData,
  name: PathOptions['family'],
): number {
  const family = FAMILIES[name];
  const eta = linearPredictor(point, features);
  offset?.forEach((value, i) => {
    eta[i] += value;
  });
  const sum = weights?.reduce((total, weight) => total + weight, 0) ?? features.rows;
  const rows = { target, weights: Float64Array.from(eta, (_, i) => (weights?.[i] ?? 1) / sum) };
  const scratch = new Float64Array(eta.length);
  return 2 * (family.evaluate(eta, rows, scratch, new Float64Array(eta.length)) - family.saturated(rows));
}

function summarise(
  lambdas: readonly number[],
  folds: readonly (readonly number[])[],
  counts: readonly number[],
): CrossValidation {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const mean = lambdas.map((_, k) => folds.reduce((sum, fold, f) => sum + counts[f] * fold[k], 0) / all);
  const se = lambdas.map((_, k) => {
    const variance = folds.reduce((sum, fold, f) => sum + counts[f] * (fold[k] - mean[k]) ** 2, 0) / all;
    return Math.sqrt(variance / (folds.length - 1));
  });
  const indexMin = mean.indexOf(Math.min(...mean));
  const limit = mean[indexMin] + se[indexMin];
  const index1se = mean.findIndex((value) => value <= limit);
  return {
    measure: 'deviance',
    mean,
    se,
    folds,
    indexMin,
    index1se,
    lambdaMin: lambdas[indexMin],
    lambda1se: lambdas[index1se],
  };
}

import { crossValidate, meanDeviance, type PathFold } from '../cross-validate.js';
import { fitPath } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';
import { rowsOf } from '../rows.js';

export interface NestedEstimate {
  /** Mean deviance a row of what the whole procedure chooses, on rows that had no part in it. */
  readonly mean: number;
  readonly se: number;
  readonly folds: readonly number[];
  /** The penalty that each fold chose. */
  readonly lambdas: readonly number[];
}

/**
 * What choosing by cross-validation really comes to: in each outer fold a path is fitted and its penalty chosen on the
 * other rows alone. The least error of a cross-validation itself is too low, since it was picked for being so.
 *
 * @param inner makes the folds of some rows, as positions within them
 */
export async function nestedEstimate(
  data: PathData,
  options: PathOptions,
  outer: readonly PathFold[],
  inner: (rows: Uint32Array) => readonly PathFold[],
  choose: 'min' | '1se' = 'min',
): Promise<NestedEstimate> {
  const folds: number[] = [];
  const lambdas: number[] = [];
  for (const { train, validation } of outer) {
    const part = rowsOf(data, train);
    const path = await fitPath(part, options);
    const cv = await crossValidate(part, options, path, inner(train));
    const point = path.points[choose === 'min' ? cv.indexMin : cv.index1se];
    folds.push(meanDeviance(point, rowsOf(data, validation), options.family));
    lambdas.push(point.lambda);
  }
  const mean = folds.reduce((sum, value) => sum + value, 0) / folds.length;
  const variance = folds.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (folds.length - 1);
  return { mean, se: Math.sqrt(variance / folds.length), folds, lambdas };
}

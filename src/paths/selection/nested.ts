import { meanDeviance, type PathFold } from '../cross-validate.js';
import { linearPredictor } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';
import { rowsOf } from '../rows.js';
import { settingsOf } from '../settings.js';
import { type ChoiceOptions, fitAndChoose } from './choose.js';

export interface NestedEstimate {
  /** Mean deviance a row of what the whole procedure chooses, on rows that had no part in it. */
  readonly mean: number;
  readonly se: number;
  readonly folds: readonly number[];
  /** The penalty that each fold chose. */
  readonly lambdas: readonly number[];
  /** Columns of the model that each fold chose. */
  readonly columns: readonly Int32Array[];
  /**
   * Each row's linear predictor, its offset not included, by the model that had not seen it; NaN of rows in no fold. Of several
   * outputs, those of the first, then the second's.
   */
  readonly predictors: Float64Array;
}

export interface NestedOptions extends Omit<ChoiceOptions, 'folds' | 'onPart'> {
  readonly onFold?: (done: number, of: number) => void;
}

/**
 * What choosing really comes to: in each outer fold a path is fitted and its model chosen on the other rows alone. The
 * least error of a cross-validation itself is too low, since it was picked for being so.
 *
 * @param inner makes the folds of some rows, as positions within them
 * @throws BallastError INTERRUPTED, and those of {@link fitAndChoose}
 */
export async function nestedEstimate(
  data: PathData,
  options: PathOptions,
  outer: readonly PathFold[],
  inner: (rows: Uint32Array) => readonly PathFold[],
  { onFold, ...choice }: NestedOptions = { by: 'min' },
): Promise<NestedEstimate> {
  // One loss for all folds, whose deviances are averaged.
  const settings = settingsOf(options, data);
  const folds: number[] = [];
  const lambdas: number[] = [];
  const columns: Int32Array[] = [];
  const { rows } = data.features;
  const predictors = new Float64Array(rows * (settings.outputs ?? 1)).fill(Number.NaN);
  for (const { train, validation } of outer) {
    const part = rowsOf(data, train);
    const { chosen } = await fitAndChoose(part, { ...options, ...settings }, { ...choice, folds: inner(train) });
    const held = rowsOf(data, validation);
    folds.push(meanDeviance(chosen.model, held, settings));
    lambdas.push(chosen.lambda);
    columns.push(chosen.model.columns);
    linearPredictor(chosen.model, held.features).forEach((value, at) => {
      const count = validation.length;
      predictors[Math.floor(at / count) * rows + validation[at % count]] = value;
    });
    onFold?.(folds.length, outer.length);
  }
  const mean = folds.reduce((sum, value) => sum + value, 0) / folds.length;
  const variance = folds.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (folds.length - 1);
  return { mean, se: Math.sqrt(variance / folds.length), folds, lambdas, columns, predictors };
}

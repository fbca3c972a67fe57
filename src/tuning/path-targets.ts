import { numbersOf } from '../data/column-values.js';
import { PREDICTION_OF } from '../data/preprocess/export.js';
import { fitNumericTarget } from '../data/preprocess/target.js';
import { type Roles, requireColumn } from '../data/roles.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import type { PathData } from '../paths/problem.js';
import type { PreparedData } from '../spec/prepare.js';
import { type Judging, judge } from './judge.js';

/** Names of the numbers that a path predicts: that of the target, then those beside it. */
export function targetNames({ target, targets }: Pick<Roles, 'target' | 'targets'>): string[] {
  return [target ?? '', ...targets];
}

/** The output of an exported model that holds its prediction of a target which stands beside the first. */
export const outputOfTarget = (name: string): string => `${PREDICTION_OF}${name}`;

/**
 * Numeric targets of some rows: those of the first, then the second's, and so on.
 *
 * @throws BallastError DATA_TARGET_*, of what stands beside the first too
 */
export function targetValues(table: PreparedData['table'], roles: Roles, rows: Uint32Array): Float64Array {
  const all = new Float64Array(rows.length * (1 + roles.targets.length));
  targetNames(roles).forEach((name, k) => {
    const place = k === 0 ? 'data.target' : 'data.columns.targets';
    const column = requireColumn(table, name, 'the target column', place);
    if (k > 0) fitNumericTarget(column, rows);
    const values = numbersOf(column, 'the target', place);
    rows.forEach((row, i) => {
      all[k * rows.length + i] = values[row];
    });
  });
  return all;
}

/**
 * How well each target beside the first is predicted; none where there is one target.
 *
 * @param rows of the table that the part is made of
 * @param eta linear predictors, those of the first target for all rows first
 */
export function judgeBeside(
  spec: Judging,
  data: Pick<PreparedData, 'table' | 'roles'>,
  rows: Uint32Array,
  { target, weights }: PathData,
  eta: Float64Array,
): Record<string, Evaluation> {
  const own = (values: Float64Array, k: number): Float64Array =>
    values.subarray(k * rows.length, (k + 1) * rows.length);
  return Object.fromEntries(
    data.roles.targets.map((name, at) => [
      name,
      judge(
        spec,
        data,
        {
          task: 'regression',
          target: own(target, at + 1),
          predictions: own(eta, at + 1),
          ...(weights === undefined ? {} : { weights }),
        },
        rows,
      ),
    ]),
  );
}

import { z } from 'zod';
import type { Value } from '../../graph/builder.js';
import type { Batch, RowColumn, StepContext } from '../regularizer.js';

/** What makes a group, as a spec says it. */
export const groupOptions = {
  by: z
    .enum(['sensitive', 'domain', 'group', 'class'])
    .default('sensitive')
    .describe('What makes a group: the values of the first column of a role, or the classes'),
  classes: z
    .boolean()
    .default(false)
    .describe('Whether each class within a value is a group of its own (waterbirds on land)'),
};

export interface GroupOptions {
  readonly by: 'sensitive' | 'domain' | 'group' | 'class';
  readonly classes: boolean;
}

/** The role of the column that makes groups; undefined where classes do. */
export function roleOf({ by }: GroupOptions): RowColumn['role'] | undefined {
  return by === 'class' ? undefined : by;
}

/** Names of all groups, in order: values (rows in which the column is missing are one more), by class where asked for. */
export function groupNames(
  options: GroupOptions,
  { columns, classes }: { readonly columns: readonly RowColumn[]; readonly classes: readonly string[] },
): string[] {
  const role = roleOf(options);
  if (role === undefined) return [...classes];
  const column = columns.find((candidate) => candidate.role === role);
  const values = [...(column?.values ?? []), 'missing'];
  if (!options.classes) return values;
  return values.flatMap((value) => classes.map((name) => `${value}, ${name}`));
}

/** 1 where a row is of a group, else 0: [batch, groups]. Blended targets belong to several classes in part. */
export function groupMembers(
  { b, column, batchSize, outputs }: Pick<StepContext, 'b' | 'column' | 'batchSize' | 'outputs'>,
  options: GroupOptions,
  { target }: Pick<Batch, 'target'>,
): Value | undefined {
  const role = roleOf(options);
  if (role === undefined) return target;
  const found = column(role);
  if (found === undefined) return undefined;
  const count = found.values.length + 1;
  const missing = b.less(found.codes, b.scalar(0, 'int64'));
  const members = b.oneHot(b.where(missing, b.scalar(count - 1, 'int64'), found.codes), count);
  if (!options.classes) return members;
  const both = b.mul(b.reshape(members, [batchSize, count, 1]), b.reshape(target, [batchSize, 1, outputs]));
  return b.reshape(both, [batchSize, count * outputs]);
}

/** The group of every row by what the data says, for values known before training. */
export function groupCodes(
  options: GroupOptions,
  codes: Int32Array | undefined,
  labels: ArrayLike<number | bigint>,
  { values, classes }: { readonly values: number; readonly classes: number },
): Int32Array {
  return Int32Array.from({ length: labels.length }, (_, row) => {
    const label = Number(labels[row]);
    if (roleOf(options) === undefined) return label;
    const code = codes === undefined || codes[row] < 0 ? values : codes[row];
    return options.classes ? code * classes + label : code;
  });
}

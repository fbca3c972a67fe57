import { BallastError } from '../errors.js';
import { quantileSorted, sorted } from '../numeric/quantile.js';
import { numbersOf, textOf } from './column-values.js';
import type { DataOptions } from './options.js';
import { type Roles, requireColumn } from './roles.js';
import type { SplitInput, SplitStrategy } from './split.js';
import type { Column, Table } from './table.js';
import { rowHashes } from './version.js';

/** The strategy that a spec asks for, or that its columns' roles imply. */
export function strategyOf(
  { split, columns }: Pick<DataOptions, 'split' | 'columns'>,
  hasTarget: boolean,
): SplitStrategy {
  if (split.strategy !== undefined) return split.strategy;
  if (columns.group !== undefined) return 'group';
  if (columns.time !== undefined && columns.event === undefined) return 'time';
  return hasTarget ? 'stratified' : 'random';
}

/**
 * What a split of this table looks at: hashes by id or content, and what the strategy needs.
 *
 * @param bins quantile bins by which a numeric target is stratified
 * @throws BallastError DATA_SPLIT_INPUT where the strategy's role is not given, DATA_COLUMN_TYPE, DATA_COLUMN_ABSENT
 */
export function splitInput(
  table: Table,
  roles: Roles,
  strategy: SplitStrategy,
  bins: number,
  task: 'classification' | 'regression' = 'classification',
): SplitInput {
  const hashes = rowHashes(table, roles.id.length > 0 ? roles.id : undefined);
  switch (strategy) {
    case 'random':
      return { hashes };
    case 'stratified': {
      if (roles.target === undefined) throw needsRole('stratified', 'target', 'data.target');
      const target = requireColumn(table, roles.target, 'the target column', 'data.target');
      const isQuantity = task === 'regression' && target.kind === 'number';
      return { hashes, strata: isQuantity ? binsOf(target.values, bins) : classesOf(target, table.rows) };
    }
    case 'group':
      if (roles.group.length === 0) throw needsRole('group', 'group', 'data.columns.group');
      return { hashes, groups: rowHashes(table, roles.group) };
    case 'time': {
      if (roles.time === undefined) throw needsRole('time', 'time', 'data.columns.time');
      const time = requireColumn(table, roles.time, 'the time column', 'data.columns.time');
      return { hashes, times: Float64Array.from(numbersOf(time, 'a split by time', 'data.columns.time')) };
    }
  }
}

function needsRole(strategy: SplitStrategy, role: string, place: string): BallastError {
  return new BallastError(`a ${strategy} split needs to know the ${role} column`, {
    code: 'DATA_SPLIT_INPUT',
    place,
    remedy: 'Name it, or choose another data.split.strategy.',
  });
}

/** Number of its quantile bin for every row; equal values share one, and missing ones have their own. */
function binsOf(values: Float32Array | Float64Array, bins: number): Int32Array {
  const ascending = sorted(values.filter((value) => !Number.isNaN(value)));
  const edges = Array.from({ length: bins - 1 }, (_, i) => quantileSorted(ascending, (i + 1) / bins));
  const strata = new Int32Array(values.length);
  for (let row = 0; row < values.length; row++) {
    let bin = Number.isNaN(values[row]) ? bins : 0;
    while (bin < edges.length && values[row] > edges[bin]) bin++;
    strata[row] = bin;
  }
  return strata;
}

/**
 * Number of its class for every row, in the order of the labels (so that rounding of the classes' shares does not depend
 * on the order of the rows); missing is a class.
 */
function classesOf(column: Column, rows: number): Int32Array {
  if (column.kind === 'category') {
    const labels = ['', ...column.dictionary];
    const ofCode = ranks(labels);
    return Int32Array.from({ length: rows }, (_, row) => ofCode[column.codes[row] + 1]);
  }
  const value = column.kind === 'number' || column.kind === 'time' ? columnNumbers(column) : textOf(column);
  const known = new Map<number | string, number>();
  const strata = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const label = value(row);
    let number = known.get(label);
    if (number === undefined) {
      number = known.size;
      known.set(label, number);
    }
    strata[row] = number;
  }
  const rank = ranks([...known.keys()].map(String));
  return strata.map((number) => rank[number]);
}

function columnNumbers({ values }: Extract<Column, { kind: 'number' | 'time' }>): (row: number) => number {
  return (row) => values[row];
}

/** The place of each label among the distinct ones, sorted. */
function ranks(labels: readonly string[]): Int32Array {
  const rank = new Map([...new Set(labels)].sort().map((label, index) => [label, index]));
  return Int32Array.from(labels, (label) => rank.get(label) ?? 0);
}

import { quantileSorted } from '../numeric/quantile.js';
import { missingOf, numbersOf, textOf } from './column-values.js';
import type { DataOptions } from './options.js';
import { type Roles, requireColumn } from './roles.js';
import type { SplitInput, SplitStrategy } from './split.js';
import type { Table } from './table.js';
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

/** What a split of this table looks at: hashes by id or content, and what the strategy needs. */
export function splitInput(table: Table, roles: Roles, strategy: SplitStrategy, bins: number): SplitInput {
  const hashes = rowHashes(table, roles.id.length > 0 ? roles.id : undefined);
  switch (strategy) {
    case 'random':
      return { hashes };
    case 'stratified':
      return roles.target === undefined ? { hashes } : { hashes, strata: strataOf(table, roles.target, bins) };
    case 'group':
      return { hashes, groups: rowHashes(table, roles.group) };
    case 'time': {
      const time = requireColumn(table, roles.time ?? '', 'the time column of a split by time', 'data.columns.time');
      return { hashes, times: Float64Array.from(numbersOf(time, 'a split by time', 'data.columns.time')) };
    }
  }
}

/** Number of its class, or quantile bin of a numeric target, for every row. */
function strataOf(table: Table, target: string, bins: number): Int32Array {
  const column = requireColumn(table, target, 'the target column', 'data.target');
  if (column.kind === 'number' && column.type === 'float') {
    const present = column.values.filter((value) => !Number.isNaN(value)) as Float64Array;
    const sorted = Float64Array.from(present).sort();
    const edges = Array.from({ length: bins - 1 }, (_, i) => quantileSorted(sorted, (i + 1) / bins));
    return Int32Array.from(column.values, (value) => edges.filter((edge) => value > edge).length);
  }
  const missing = missingOf(column);
  const text = textOf(column);
  const seen = new Map<string, number>();
  return Int32Array.from({ length: table.rows }, (_, row) => {
    const key = missing(row) ? '' : text(row);
    const known = seen.get(key);
    if (known !== undefined) return known;
    seen.set(key, seen.size);
    return seen.size - 1;
  });
}

import { missingOf, textOf } from '../../data/column-values.js';
import type { ParquetSummary } from '../../data/read/parquet-summary.js';
import { type Column, findColumn, type Table } from '../../data/table.js';
import { BallastError } from '../../errors.js';
import { type Distribution, exactNumbers, MOST_CATEGORIES, OTHERS } from './distribution.js';
import type { JoinedRows } from './multivariate.js';

export type ComparedKind = 'number' | 'category';

/** One column of a source, as far as it can be compared. */
export type ColumnSummary =
  | { readonly kind: ComparedKind; readonly distribution: (kind: ComparedKind) => Distribution }
  /** Why it is not. */
  | { readonly skipped: string };

/** A source of rows, as drift is measured of it. */
export interface SourceSummary {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ColumnSummary>;
  /** Rows for the tests of all columns together. */
  readonly sample: Table;
}

/** A table in memory: everything is exact. */
export function summaryOfTable(table: Table): SourceSummary {
  const columns = table.columns.map((column): [string, ColumnSummary] => {
    const kind = comparedKind(column);
    if (kind !== undefined) return [column.name, { kind, distribution: (as) => distributionOf(column, as) }];
    return [column.name, { skipped: `${column.kind === 'array' ? column.content : column.kind} is not compared` }];
  });
  return { rows: table.rows, columns: new Map(columns), sample: table };
}

/** A Parquet file of any size, read once. */
export function summaryOfParquet({ rows, numbers, categories, others, sample }: ParquetSummary): SourceSummary {
  const columns = new Map<string, ColumnSummary>();
  for (const [name, { sketch, missing }] of numbers) {
    const { values, weights } = sketch.weighted();
    const own: Distribution = {
      kind: 'number',
      values,
      weights,
      count: sketch.count,
      missing,
      rankError: sketch.rankError,
    };
    columns.set(name, {
      kind: 'number',
      distribution: (as) => {
        if (as === 'number') return own;
        throw new BallastError(`column "${name}" is of numbers in one source and of categories in the other`, {
          code: 'DRIFT_COLUMN',
          remedy: 'Write it in one type, or leave it out with --exclude',
        });
      },
    });
  }
  for (const [name, { counts, missing }] of categories) {
    columns.set(name, {
      kind: 'category',
      distribution: () => ({ kind: 'category', count: rows - missing, missing, counts }),
    });
  }
  for (const [name, type] of others) columns.set(name, { skipped: `${type} is not compared` });
  return { rows, columns, sample };
}

/** How a column is compared; undefined for a kind that is not. */
function comparedKind(column: Column): ComparedKind | undefined {
  if (column.kind === 'number') return column.type === 'boolean' ? 'category' : 'number';
  return column.kind === 'category' ? 'category' : undefined;
}

/** The distribution of a column as numbers, or as categories whatever it is. */
function distributionOf(column: Column, kind: ComparedKind): Distribution {
  if (kind === 'number' && column.kind === 'number') return exactNumbers(column.values);
  const [text, missing] = [textOf(column), missingOf(column)];
  const rows = column.kind === 'category' ? column.codes.length : column.kind === 'number' ? column.values.length : 0;
  const counts = new Map<string, number>();
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if (missing(row)) continue;
    const name = text(row);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    count++;
  }
  return { kind: 'category', count, missing: rows - count, counts };
}

/** The most frequent categories of the reference, and the others as one, in both alike. */
export function lumpCategories(reference: Distribution, current: Distribution): [Distribution, Distribution] {
  if (reference.kind !== 'category' || current.kind !== 'category') return [reference, current];
  if (new Set([...reference.counts.keys(), ...current.counts.keys()]).size <= MOST_CATEGORIES)
    return [reference, current];
  const kept = new Set(
    [...reference.counts]
      .sort((a, b) => b[1] - a[1])
      .slice(0, MOST_CATEGORIES)
      .map(([name]) => name),
  );
  const lump = (of: typeof reference): typeof reference => {
    const counts = new Map<string, number>();
    for (const [name, count] of of.counts) {
      const to = kept.has(name) ? name : OTHERS;
      counts.set(to, (counts.get(to) ?? 0) + count);
    }
    return { ...of, counts };
  };
  return [lump(reference), lump(current)];
}

/** Categories of a column that the multivariate test sees, each as a column of its own. */
const MOST_INDICATORS = 20;

/**
 * Rows of both tables as standardized numbers: numbers with missing ones at their mean and told beside, categories as
 * indicators. Columns that do not vary are left out.
 *
 * @param rows at most of each, evenly spaced
 */
export function joinRows(
  tables: readonly [Table, Table],
  columns: readonly { readonly name: string; readonly kind: ComparedKind }[],
  rows: number,
): JoinedRows {
  const chosen = tables.map(({ rows: count }) =>
    Int32Array.from({ length: Math.min(rows, count) }, (_, i) => Math.floor((i * count) / Math.min(rows, count))),
  );
  const [reference, current] = chosen.map(({ length }) => length);
  const features = columns.flatMap(({ name, kind }) => {
    const cells = tables.flatMap((table, side) => cellsOf(findColumn(table, name), kind, chosen[side]));
    return kind === 'number' ? numberFeatures(cells) : categoryFeatures(cells);
  });
  const varying = features.flatMap((values) => standardized(values) ?? []);
  const count = reference + current;
  const data = new Float64Array(count * varying.length);
  varying.forEach((values, j) => {
    for (let row = 0; row < count; row++) data[row * varying.length + j] = values[row];
  });
  return { columns: varying.length, reference, current, data };
}

/** A cell's number or text; undefined where it is missing. */
type Cell = number | string | undefined;

function cellsOf(column: Column | undefined, kind: ComparedKind, rows: Int32Array): Cell[] {
  if (column === undefined) throw new Error('a sample lacks a column of its source');
  const [text, missing] = [textOf(column), missingOf(column)];
  return Array.from(rows, (row) =>
    missing(row) ? undefined : kind === 'number' && column.kind === 'number' ? column.values[row] : text(row),
  );
}

function numberFeatures(cells: readonly Cell[]): Float64Array[] {
  const values = withMean(Float64Array.from(cells, (cell) => (typeof cell === 'number' ? cell : Number.NaN)));
  return cells.includes(undefined) ? [indicator(cells, undefined), values] : [values];
}

function categoryFeatures(cells: readonly Cell[]): Float64Array[] {
  const counts = new Map<Cell, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const names = [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST_INDICATORS);
  return names.map(([name]) => indicator(cells, name));
}

const indicator = (cells: readonly Cell[], wanted: Cell): Float64Array =>
  Float64Array.from(cells, (cell) => (cell === wanted ? 1 : 0));

function withMean(values: Float64Array): Float64Array {
  const present = values.filter((value) => Number.isFinite(value));
  const mean = present.reduce((sum, value) => sum + value, 0) / Math.max(1, present.length);
  return values.map((value) => (Number.isFinite(value) ? value : mean));
}

function standardized(values: Float64Array): Float64Array | undefined {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return deviation > 0 ? values.map((value) => (value - mean) / deviation) : undefined;
}

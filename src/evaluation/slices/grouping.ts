import { missingOf, textOf } from '../../data/column-values.js';
import type { Column } from '../../data/table.js';
import { quantileSorted } from '../../numeric/quantile.js';

/** A column cut into a few groups of rows. */
export interface Grouping {
  readonly name: string;
  /** Group of each row, [rows]. */
  readonly codes: Uint8Array;
  /** What a group is, in words: `= rome`, `12 to 30`. */
  readonly labels: readonly string[];
}

/** Numbers are cut at so many quantiles. */
const BINS = 5;
/** Categories beyond the most frequent ones are one group together. */
const MOST_CATEGORIES = 20;
const NUMBERS_SORTED = 20_000;

/** A column's groups among rows; undefined where it has no more than one, or is an array. */
export function groupRows(column: Column, rows: Uint32Array): Grouping | undefined {
  const grouping =
    column.kind === 'array'
      ? undefined
      : column.kind === 'number' && column.type !== 'boolean'
        ? ofNumbers(column.name, column.values, rows)
        : column.kind === 'time'
          ? ofNumbers(column.name, column.values, rows, (value) => new Date(value).toISOString().slice(0, 16))
          : ofCategories(column, rows);
  return grouping !== undefined && grouping.labels.length > 1 ? grouping : undefined;
}

function ofNumbers(
  name: string,
  values: Float32Array | Float64Array,
  rows: Uint32Array,
  show = (value: number): string => String(Number(value.toPrecision(4))),
): Grouping {
  // Quantiles of a part are as good as those of all: they only cut.
  const every = Math.max(1, Math.floor(rows.length / NUMBERS_SORTED));
  const known = Float64Array.from(
    rows.filter((_, i) => i % every === 0),
    (row) => values[row],
  )
    .filter((value) => !Number.isNaN(value))
    .sort();
  const cuts =
    known.length === 0
      ? []
      : [...new Set(Array.from({ length: BINS - 1 }, (_, i) => quantileSorted(known, (i + 1) / BINS)))];
  const labels = [
    ...(cuts.length === 0 ? ['known'] : [`<= ${show(cuts[0])}`]),
    ...cuts.slice(1).map((cut, i) => `${show(cuts[i])} to ${show(cut)}`),
    ...(cuts.length === 0 ? [] : [`> ${show(cuts[cuts.length - 1])}`]),
    'missing',
  ];
  const codes = Uint8Array.from(rows, (row) => {
    const value = values[row];
    if (Number.isNaN(value)) return labels.length - 1;
    let bin = 0;
    while (bin < cuts.length && value > cuts[bin]) bin++;
    return bin;
  });
  return occupied(name, codes, labels);
}

function ofCategories(column: Exclude<Column, { kind: 'array' }>, rows: Uint32Array): Grouping | undefined {
  const [missing, text] = [missingOf(column), textOf(column)];
  const counts = new Map<string, number>();
  for (const row of rows) {
    const value = missing(row) ? '' : text(row);
    counts.set(value, (counts.get(value) ?? 0) + 1);
    // Free text has no groups.
    if (column.kind === 'text' && counts.size > MOST_CATEGORIES) return undefined;
  }
  const common = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MOST_CATEGORIES);
  const codeOf = new Map(common.map(([value], code) => [value, code]));
  const labels = [...common.map(([value]) => (value === '' ? 'missing' : `= ${value}`)), 'another value'];
  const codes = Uint8Array.from(rows, (row) => codeOf.get(missing(row) ? '' : text(row)) ?? MOST_CATEGORIES);
  for (let i = 0; i < codes.length; i++) codes[i] = Math.min(codes[i], labels.length - 1);
  return occupied(column.name, codes, labels);
}

/** The same without groups that have no row. */
function occupied(name: string, codes: Uint8Array, labels: readonly string[]): Grouping {
  const counts = new Uint32Array(labels.length);
  for (const code of codes) counts[code]++;
  const kept = labels.map((_, code) => code).filter((code) => counts[code] > 0);
  const to = new Uint8Array(labels.length);
  kept.forEach((code, position) => {
    to[code] = position;
  });
  return { name, codes: codes.map((code) => to[code]), labels: kept.map((code) => labels[code]) };
}

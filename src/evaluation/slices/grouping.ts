import { missingOf, textOf } from '../../data/column-values.js';
import { type Column, isScalar, type ScalarColumn } from '../../data/table.js';
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
  const grouping = !isScalar(column)
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
  const some = new Float64Array(Math.ceil(rows.length / every));
  for (let i = 0; i < some.length; i++) some[i] = values[rows[i * every]];
  const known = some.filter((value) => !Number.isNaN(value)).sort();
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
  const codes = new Uint8Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const value = values[rows[i]];
    let bin = 0;
    while (bin < cuts.length && value > cuts[bin]) bin++;
    codes[i] = Number.isNaN(value) ? labels.length - 1 : bin;
  }
  return occupied(name, codes, labels);
}

function ofCategories(column: ScalarColumn, rows: Uint32Array): Grouping | undefined {
  const values = distinctValues(column, rows);
  if (values === undefined) return undefined;
  const { ids, texts, counts } = values;
  const common = texts
    .map((_, id) => id)
    .sort((a, b) => counts[b] - counts[a] || (texts[a] < texts[b] ? -1 : 1))
    .slice(0, MOST_CATEGORIES);
  const labels = [...common.map((id) => (texts[id] === '' ? 'missing' : `= ${texts[id]}`)), 'another value'];
  const codeOf = new Uint8Array(texts.length).fill(labels.length - 1);
  common.forEach((id, code) => {
    codeOf[id] = code;
  });
  const codes = new Uint8Array(rows.length);
  for (let i = 0; i < rows.length; i++) codes[i] = codeOf[ids[i]];
  return occupied(column.name, codes, labels);
}

/** The different texts among rows, the one of each row, and how many have it; undefined for free text, which has no groups. */
function distinctValues(
  column: ScalarColumn,
  rows: Uint32Array,
): { ids: Uint32Array; texts: string[]; counts: number[] } | undefined {
  const [missing, text] = [missingOf(column), textOf(column)];
  const idOf = new Map<string | number, number>();
  const [ids, texts, counts]: [Uint32Array, string[], number[]] = [new Uint32Array(rows.length), [], []];
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    // Of what a table has coded, the code stands for the text.
    const key = missing(row) ? '' : column.kind === 'category' ? column.codes[row] : text(row);
    let id = idOf.get(key);
    if (id === undefined) {
      id = texts.push(key === '' ? '' : text(row)) - 1;
      idOf.set(key, id);
      counts.push(0);
      if (column.kind === 'text' && texts.length > MOST_CATEGORIES) return undefined;
    }
    ids[i] = id;
    counts[id]++;
  }
  return { ids, texts, counts };
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
  for (let i = 0; i < codes.length; i++) codes[i] = to[codes[i]];
  return { name, codes, labels: kept.map((code) => labels[code]) };
}

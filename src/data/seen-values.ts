import { z } from 'zod';
import { missingOf } from './column-values.js';
import { type CategoryColumn, findColumn, type NumberColumn, type Table } from './table.js';

/** Metadata entry of a model: what its columns held in the rows that it was trained on. */
export const SEEN_KEY = 'ballast.seen';

/** A column with more categories is not described by them. */
const MOST_CATEGORIES = 1000;

const seenColumn = z.strictObject({
  column: z.string(),
  /** Whether a row had no value. */
  missing: z.boolean(),
  /** Of numbers: the smallest and the largest. */
  range: z.tuple([z.number(), z.number()]).optional(),
  /** Of categories: each that there was. */
  categories: z.array(z.string()).optional(),
});

/** What a column held in the rows that a model was trained on. */
export type SeenColumn = z.infer<typeof seenColumn>;

/** What columns of numbers and of categories hold in some rows; others, and those that are empty there, are left out. */
export function seenValues(table: Table, columns: readonly string[], rows: Uint32Array): SeenColumn[] {
  return columns.flatMap((name) => {
    const column = findColumn(table, name);
    if (column?.kind !== 'number' && column?.kind !== 'category') return [];
    const values = column.kind === 'number' ? rangeOf(column, rows) : categoriesOf(column, rows);
    return values === undefined ? [] : [{ column: name, missing: rows.some(missingOf(column)), ...values }];
  });
}

function rangeOf({ values }: NumberColumn, rows: Uint32Array): Pick<SeenColumn, 'range'> | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const value = values[row];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { range: [low, high] } : undefined;
}

function categoriesOf(
  { codes, dictionary }: CategoryColumn,
  rows: Uint32Array,
): Pick<SeenColumn, 'categories'> | undefined {
  const found = new Set<string>();
  for (const row of rows) {
    const code = codes[row];
    if (code >= 0 && dictionary[code] !== '') found.add(dictionary[code]);
  }
  return found.size > 0 && found.size <= MOST_CATEGORIES ? { categories: [...found].sort() } : undefined;
}

/** Reads the metadata entry; undefined where it is not what {@link seenValues} writes. */
export function parseSeen(text: string): SeenColumn[] | undefined {
  try {
    return z.array(seenColumn).parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

import { z } from 'zod';
import { int, ints, string, strings } from '../../graph/model.js';
import { textOf, typeError } from '../column-values.js';
import type { FeatureOptions } from '../options.js';
import { requireColumn } from '../roles.js';
import type { Column, Table } from '../table.js';
import type { Feature, FeatureBlock, FeatureWriter, RawInput, Unfit } from './feature-block.js';
import type { NodeList } from './node-list.js';

/**
 * One-hot categories: a feature for each category that is kept, one for missing where training rows miss it, and a last
 * one for everything else: rare, unseen, and (where training rows miss nothing) missing values.
 */
export const categoryEncodingSchema = z.strictObject({
  column: z.string(),
  input: z.string(),
  /** Sorted by code units. */
  categories: z.array(z.string()),
  missing: z.boolean(),
});

type CategoryEncoding = z.infer<typeof categoryEncodingSchema>;

/**
 * Keeps the categories that occur in at least `minimumRows` training rows, the most frequent `limit` of them (ties: first
 * in order). As scikit-learn's OneHotEncoder with min_frequency, max_categories and handle_unknown='infrequent_if_exist'.
 */
export function fitCategory(
  column: Column,
  input: string,
  rows: Uint32Array,
  { limit, minimumRows }: FeatureOptions['categories'],
): CategoryEncoding | Unfit {
  const counts = countTexts(column, rows);
  const missing = counts.get('') ?? 0;
  counts.delete('');
  if (counts.size === 0) return 'empty';
  const kept = [...counts]
    .filter(([, count]) => count >= minimumRows)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, limit);
  const other = rows.length - missing - kept.reduce((sum, [, count]) => sum + count, 0);
  const occurring = kept.length + (missing > 0 ? 1 : 0) + (other > 0 ? 1 : 0);
  if (occurring < 2) return 'constant';
  return { column: column.name, input, categories: kept.map(([category]) => category).sort(), missing: missing > 0 };
}

export function categoryBlock(encoding: CategoryEncoding): FeatureBlock {
  const { column, categories, missing } = encoding;
  const labels = [...categories, ...(missing ? ['(missing)'] : []), '(other)'];
  const features: Feature[] = labels.map((label) => ({ name: `${column}=${label}`, column }));
  return {
    features,
    writer: (table) => bindCategory(encoding, table),
    nodes: (list) => categoryNodes(encoding, features.length, list),
  };
}

export function categoryInput({ column, input }: CategoryEncoding): RawInput {
  return { name: input, column, type: 'string', shape: [1] };
}

/** How often each text occurs; '' is missing. */
export function countTexts(column: Column, rows: Uint32Array): Map<string, number> {
  const counts = new Map<string, number>();
  if (column.kind !== 'category') {
    const text = textOf(column);
    for (const row of rows) {
      const value = text(row);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return counts;
  }
  const { codes, dictionary } = column;
  const byCode = new Float64Array(dictionary.length + 1);
  for (const row of rows) byCode[codes[row] + 1]++;
  byCode.forEach((count, code) => {
    const value = code === 0 ? '' : dictionary[code - 1];
    if (count > 0) counts.set(value, (counts.get(value) ?? 0) + count);
  });
  return counts;
}

/** Index of each text: categories in order, then missing, then other. */
function indexOfText({ categories, missing }: CategoryEncoding): (text: string) => number {
  const index = new Map(categories.map((category, position) => [category, position]));
  if (missing) index.set('', categories.length);
  const other = categories.length + (missing ? 1 : 0);
  return (text) => index.get(text) ?? other;
}

function bindCategory(encoding: CategoryEncoding, table: Table): FeatureWriter {
  const column = requireColumn(table, encoding.column, 'the feature column');
  if (column.kind === 'array' || column.kind === 'time') throw typeError(column, 'categories', 'the feature');
  const indexOf = indexOfText(encoding);
  if (column.kind !== 'category') {
    const text = textOf(column);
    return (rows, from, to, out, width, offset) => {
      for (let i = from; i < to; i++) out[i * width - from * width + offset + indexOf(text(rows[i]))] = 1;
    };
  }
  const { codes, dictionary } = column;
  const ofCode = Int32Array.from(['', ...dictionary], indexOf);
  return (rows, from, to, out, width, offset) => {
    for (let i = from, at = offset; i < to; i++, at += width) out[at + ofCode[codes[rows[i]] + 1]] = 1;
  };
}

function categoryNodes({ input, categories, missing }: CategoryEncoding, width: number, list: NodeList): string {
  const keys = missing ? [...categories, ''] : categories;
  const index = list.ml('LabelEncoder', [input], {
    keys_strings: strings(keys),
    values_int64s: ints(keys.map((_, position) => position)),
    default_int64: int(width - 1),
    default_string: string(''),
  });
  const oneHot = list.ml('OneHotEncoder', [index], {
    cats_int64s: ints(Array.from({ length: width }, (_, position) => position)),
    zeros: int(1),
  });
  return list.op('Flatten', [oneHot], { axis: int(1) });
}

import type { CategoryColumn, Column, TextColumn } from '../table.js';
import { byCodePoint } from './glob.js';

/** Most distinct strings that are still taken as categories. */
export const MAXIMUM_CATEGORIES = 10_000;

/** So few distinct, short strings are categories however seldom they repeat. */
const FEW = 20;
const SHORT = 64;

const INSTANT = /^(\d{4}-\d{2})(-\d{2})?(?:[T ](\d{2}:\d{2})(:\d{2})?(?:[.,](\d{1,9}))?(?:Z|([+-]\d{2}):?(\d{2})?)?)?$/;

/**
 * Whether strings are categories or free text. Categories: at most 10,000 distinct ones that occur twice or more on
 * average, or at most 20 distinct ones of at most 64 characters.
 */
function areCategories(dictionary: readonly string[], rows: number): boolean {
  const distinct = dictionary.length;
  if (distinct > MAXIMUM_CATEGORIES) return false;
  return distinct <= rows / 2 || (distinct <= FEW && dictionary.every((entry) => entry.length <= SHORT));
}

/**
 * A column of encoded strings in its final form: a category column (dictionary sorted: as numbers if all are, else by
 * code point; blanks around entries removed), instants where all are written so (ISO 8601), or free text.
 *
 * @param codes per row the index in `dictionary`, -1 where missing
 */
export function stringColumn(
  name: string,
  codes: Int32Array,
  dictionary: readonly string[],
  missing: ReadonlySet<string>,
  wanted: 'category' | 'text' | undefined,
): Column {
  if (wanted === 'text') return textOf(name, codes, dictionary, missing);
  const category = categoryOf(name, codes, dictionary, missing);
  if (wanted === 'category') return category;
  const { dictionary: entries } = category;
  const instants = instantsOf(entries);
  if (instants !== undefined) {
    return { kind: 'time', name, values: Float64Array.from(category.codes, (code) => instants[code] ?? Number.NaN) };
  }
  return areCategories(entries, codes.length) ? category : textOf(name, codes, dictionary, missing);
}

/**
 * Milliseconds since the epoch of months, dates and times in ISO 8601 (UTC where no zone is given; NaN for ''), or
 * undefined if there are none or some text is no such instant.
 */
export function instantsOf(texts: readonly string[]): Float64Array | undefined {
  const values = new Float64Array(texts.length).fill(Number.NaN);
  let found = 0;
  for (const [index, text] of texts.entries()) {
    if (text === '') continue;
    values[index] = parseInstant(text);
    if (Number.isNaN(values[index])) return undefined;
    found++;
  }
  return found === 0 ? undefined : values;
}

function parseInstant(text: string): number {
  const parts = INSTANT.exec(text);
  if (parts === null) return Number.NaN;
  const [, month, day = '-01', time = '00:00', seconds = ':00', fraction = '0', hours = '+00', minutes = '00'] = parts;
  return Date.parse(`${month}${day}T${time}${seconds}.${fraction.slice(0, 3)}${hours}:${minutes}`);
}

function textOf(
  name: string,
  codes: Int32Array,
  dictionary: readonly string[],
  missing: ReadonlySet<string>,
): TextColumn {
  const texts = dictionary.map((entry) => (missing.has(entry.trim()) ? '' : entry));
  return { kind: 'text', name, values: Array.from(codes, (code) => texts[code] ?? '') };
}

/** Encoded strings with blanks removed, missing ones as -1, unused entries dropped, and the dictionary sorted. */
export function categoryOf(
  name: string,
  codes: Int32Array,
  dictionary: readonly string[],
  missing: ReadonlySet<string> = new Set(),
): CategoryColumn {
  const used = new Uint8Array(dictionary.length);
  for (const code of codes) if (code >= 0) used[code] = 1;
  const kept = new Set<string>();
  dictionary.forEach((entry, code) => {
    const trimmed = entry.trim();
    if (used[code] === 1 && !missing.has(trimmed)) kept.add(trimmed);
  });
  const sorted = sortCategories([...kept]);
  const position = new Map(sorted.map((entry, index) => [entry, index]));
  const recoded = Int32Array.from(dictionary, (entry) => position.get(entry.trim()) ?? -1);
  return { kind: 'category', name, codes: codes.map((code) => (code < 0 ? -1 : recoded[code])), dictionary: sorted };
}

/** Category column of one string a row. */
export function encodeCategories(name: string, values: readonly string[]): CategoryColumn {
  const index = new Map<string, number>();
  const codes = Int32Array.from(values, (value) => {
    const code = index.get(value) ?? index.size;
    if (code === index.size) index.set(value, code);
    return code;
  });
  return categoryOf(name, codes, [...index.keys()], new Set(['']));
}

function sortCategories(entries: string[]): string[] {
  const numeric = entries.every((entry) => isNumberText(entry));
  return entries.sort((a, b) => (numeric ? Number(a) - Number(b) || byCodePoint(a, b) : byCodePoint(a, b)));
}

/** Whether the text is a decimal number. */
export function isNumberText(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
}

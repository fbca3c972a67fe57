import type { DelimitedOptions } from './options.js';
import { isNumberText } from './strings.js';

/** How a delimited file is written. */
export interface Dialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
  readonly header: boolean;
  /** Fields of the first record. */
  readonly first: readonly string[];
}

/** Candidates; where two divide every record alike, the rarer character in prose is the delimiter. */
const DELIMITERS = ['\t', ';', '|', ','];

/** Records that are looked at. */
const RECORDS = 1000;

/** Longer fields, or fields of more words, are no column names. */
const NAME_LENGTH = 64;
const NAME_WORDS = 6;

/**
 * Finds delimiter, quoting and header of a file from its beginning.
 *
 * Delimiter: the candidate that divides most records into the same number (>= 2) of fields. Quote: `"`, doubled to
 * escape it (RFC 4180); none in TSV files, unless every name of the first line is quoted. Header: see {@link hasHeader}.
 *
 * @param text beginning of the file, after skipped lines
 * @param complete whether that is the whole file
 */
export function findDialect(
  text: string,
  complete: boolean,
  tabs: boolean,
  options: DelimitedOptions,
  header: boolean | undefined,
  missing: ReadonlySet<string>,
): Dialect {
  const quote = options.quote ?? (tabs && !quotedNames(text) ? '' : '"');
  const delimiter = options.delimiter ?? (tabs ? '\t' : findDelimiter(text, complete, quote));
  const records = splitRecords(text, complete, delimiter, quote);
  const [first = [], ...rest] = records;
  return {
    delimiter,
    quote,
    escape: quote === '' ? '' : (options.escape ?? quote),
    first,
    header: header ?? hasHeader(first, rest, missing),
  };
}

function quotedNames(text: string): boolean {
  const line = /^[^\r\n]*/.exec(text)?.[0] ?? '';
  return line !== '' && line.split('\t').every((field) => /^"[^"]*"$/.test(field));
}

function findDelimiter(text: string, complete: boolean, quote: string): string {
  let best = ',';
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const records = splitRecords(text, complete, delimiter, quote);
    const counts = new Map<number, number>();
    for (const record of records)
      if (record.length > 1) counts.set(record.length, (counts.get(record.length) ?? 0) + 1);
    const share = Math.max(0, ...counts.values()) / Math.max(1, records.length);
    if (share > most) {
      best = delimiter;
      most = share;
    }
  }
  return best;
}

/** The first records of the text; blank lines, and a last record that may be cut off, are left out. */
function splitRecords(text: string, complete: boolean, delimiter: string, quote: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  for (let at = 0; at < text.length && records.length < RECORDS; ) {
    const { field, end } = fieldAt(text, at, delimiter, quote);
    record.push(field);
    if (end >= text.length && !complete) break;
    at = end + 1;
    if (text[end] === delimiter) {
      if (at >= text.length) record.push('');
      else continue;
    }
    if (record.length > 1 || field.trim() !== '') records.push(record);
    record = [];
  }
  return records;
}

/** The field that starts at `start`, and where the delimiter, line break or end after it is. */
function fieldAt(text: string, start: number, delimiter: string, quote: string): { field: string; end: number } {
  let first = start;
  while (delimiter !== ' ' && text[first] === ' ') first++;
  if (quote === '' || text[first] !== quote) {
    const end = boundary(text, start, delimiter);
    return { field: text.slice(start, end), end };
  }
  let field = '';
  for (let from = first + 1; ; ) {
    const closing = text.indexOf(quote, from);
    if (closing < 0) return { field: field + text.slice(from), end: text.length };
    field += text.slice(from, closing);
    if (text[closing + 1] !== quote) return { field, end: boundary(text, closing + 1, delimiter) };
    field += quote;
    from = closing + 2;
  }
}

function boundary(text: string, from: number, delimiter: string): number {
  let end = from;
  while (end < text.length && text[end] !== delimiter && text[end] !== '\n' && text[end] !== '\r') end++;
  return end;
}

type FieldKind = 'missing' | 'number' | 'typed' | 'string';

function kindOf(field: string, missing: ReadonlySet<string>): FieldKind {
  const text = field.trim();
  if (missing.has(text)) return 'missing';
  if (isNumberText(text)) return 'number';
  if (/^(true|false)$/i.test(text) || /^\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4})?([ T].*)?$/.test(text)) return 'typed';
  return 'string';
}

/**
 * Whether the first record names the columns. If some column holds nothing but numbers, dates or booleans and its first
 * field is a word: yes, unless other first fields are numbers that do not count up (as the names of pixels do). If every
 * column is of words: yes if the first fields differ, each reads like a name, and none recurs below itself.
 */
function hasHeader(
  first: readonly string[],
  rest: readonly (readonly string[])[],
  missing: ReadonlySet<string>,
): boolean {
  const names = first.map((field) => field.trim());
  const kinds = names.map((name) => kindOf(name, missing));
  const numbers = names.filter((_, column) => kinds[column] === 'number');
  if (numbers.length > 0 && !countUp(numbers)) return false;
  let votes = 0;
  for (let column = 0; column < names.length; column++) {
    if (kinds[column] !== 'string') continue;
    const below = rest.map((record) => kindOf(record[column] ?? '', missing)).filter((kind) => kind !== 'missing');
    if (below.length > 0 && below.every((kind) => kind !== 'string')) votes++;
  }
  const distinct = new Set(names).size === names.length;
  // Words above numbers are names even where two of them are alike, which is an error of its own.
  if (votes > 0) return distinct || kinds.every((kind) => kind === 'string');
  if (!distinct) return false;
  return names.every((name, column) => {
    if (kinds[column] === 'missing') return column === 0;
    const nameLike = name.length <= NAME_LENGTH && name.split(/\s+/).length <= NAME_WORDS && kinds[column] === 'string';
    return nameLike && rest.every((record) => record[column]?.trim() !== name);
  });
}

function countUp(numbers: readonly string[]): boolean {
  return numbers.length > 1 && numbers.every((text, index) => Number(text) === Number(numbers[0]) + index);
}

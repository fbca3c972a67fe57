import { basename } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { BallastError } from '../../errors.js';
import type { Budget } from './budget.js';
import { columnNames, requireColumns } from './column-names.js';
import { countLines } from './count-lines.js';
import { identifier, list, literal } from './database.js';
import { type Dialect, findDialect } from './dialect.js';
import { MISSING, type ReadOptions } from './options.js';
import { beginning, plainText } from './plain-text.js';
import type { Scratch } from './scratch.js';

/** Rows by which types are inferred first; a file that contradicts them is inferred as a whole. */
export const SAMPLE_ROWS = 20_480;

/** Bytes that the engine reads at a time: a quarter of its default, since several are held at once. */
const BUFFER_BYTES = 8_000_000;

/** Delimited files of one layout, and how they are written. */
export interface Plan {
  readonly files: readonly string[];
  readonly dialect: Dialect;
  readonly names: readonly string[];
  readonly place: string;
  readonly options: ReadOptions;
  readonly budget: Budget;
  readonly capacity: number;
}

/** What was inferred of columns. */
export interface Sniffed {
  readonly types: string[];
  /** Whether the engine has to look for missing values beside the empty field; that costs a third of its time. */
  readonly markers: boolean;
  readonly dateFormat: string | null;
  readonly timestampFormat: string | null;
}

/** Finds how files are written and what their columns are called, which have to be the same in all. */
export async function planDelimited(
  files: readonly string[],
  tabs: boolean,
  place: string,
  options: ReadOptions,
  budget: Budget,
  scratch: Scratch,
): Promise<Plan> {
  const plain: string[] = [];
  for (const file of files) plain.push(await plainText(file, options.delimited?.encoding ?? 'utf-8', budget, scratch));
  const missing = new Set(options.missing ?? MISSING);
  const given = options.header;
  const header = typeof given === 'boolean' ? given : given === undefined ? undefined : false;
  let plan: Plan | undefined;
  for (const [index, file] of plain.entries()) {
    const { text, complete } = await beginning(file, files[index], options.delimited?.skip ?? 0);
    const dialect = findDialect(text, complete, tabs, options.delimited ?? {}, header, missing);
    const names = columnNames(dialect, options, files[index]);
    if (plan === undefined) plan = { files: plain, dialect, names, place, options, budget, capacity: 0 };
    else requireSameLayout(plan, names, dialect, files[0], files[index]);
  }
  if (plan === undefined) throw new BallastError('there is no file', { code: 'DATA_NOT_FOUND', place });
  requireColumns(plan.names, options, place);
  return { ...plan, capacity: await countLines(plain) };
}

/**
 * The type as which the engine is to parse a column of an inferred type. It would round a later 1.5 in a column of
 * integers, and overlook a later time zone, without a word; so integers are parsed as fractional numbers and examined
 * here, and instants with their zone (UTC where there is none).
 */
export function parsedAs(type: string, { timestampFormat }: Sniffed): string {
  if (type === 'BIGINT') return 'DOUBLE';
  return type === 'TIMESTAMP' && timestampFormat === null ? 'TIMESTAMPTZ' : type;
}

function dialectArguments(plan: Plan, markers: boolean): string {
  const { dialect } = plan;
  const missing = (plan.options.missing ?? MISSING).filter((text) => markers || text === '');
  // Blanks after a delimiter are common ("a, NA"), and the engine compares fields as they are.
  const spellings = missing.flatMap((text) => (text === '' ? [text] : [text, ` ${text}`]));
  const possible = spellings.filter((text) => !text.includes(dialect.delimiter));
  return [
    `delim = ${literal(dialect.delimiter)}`,
    `quote = ${literal(dialect.quote)}`,
    `escape = ${literal(dialect.escape)}`,
    `header = ${dialect.header}`,
    `skip = ${plan.options.delimited?.skip ?? 0}`,
    `nullstr = ${list(possible)}`,
    `compression = 'none'`,
    `comment = ''`,
    `buffer_size = ${BUFFER_BYTES}`,
  ].join(', ');
}

export function readCall(plan: Plan, columns: readonly { name: string; type: string }[], sniffed?: Sniffed): string {
  const types = columns.map(({ name, type }) => `${literal(name)}: ${literal(type)}`).join(', ');
  const date = sniffed?.dateFormat ?? null;
  const timestamp = sniffed?.timestampFormat ?? null;
  const formats =
    (date === null ? '' : `, dateformat = ${literal(date)}`) +
    (timestamp === null ? '' : `, timestampformat = ${literal(timestamp)}`);
  return `read_csv(${list(plan.files)}, auto_detect = false, ${dialectArguments(plan, sniffed?.markers ?? false)}, columns = {${types}}${formats})`;
}

/** Infers the columns' types from the first rows; missing values other than empty fields are looked for where they change them. */
export async function sniffBeginning(connection: DuckDBConnection, plan: Plan): Promise<Sniffed> {
  const sniffed = await sniff(connection, plan, SAMPLE_ROWS, false);
  if (!sniffed.types.includes('VARCHAR')) return sniffed;
  const marked = await sniff(connection, plan, SAMPLE_ROWS, true);
  return String(marked.types) === String(sniffed.types) ? sniffed : marked;
}

/** Infers the columns' types from so many rows of every file; -1: all. */
export async function sniff(
  connection: DuckDBConnection,
  plan: Plan,
  rows: number,
  markers: boolean,
): Promise<Sniffed> {
  let merged: Sniffed | undefined;
  for (const file of plan.files) {
    const one = await sniffFile(connection, plan, file, rows, markers);
    if (merged === undefined) merged = one;
    else {
      for (const [index, type] of one.types.entries()) merged.types[index] = commonType(merged.types[index], type);
    }
  }
  return merged ?? { types: [], markers, dateFormat: null, timestampFormat: null };
}

async function sniffFile(
  connection: DuckDBConnection,
  plan: Plan,
  file: string,
  rows: number,
  markers: boolean,
): Promise<Sniffed> {
  const format = plan.options.delimited?.timeFormat;
  const formats = format === undefined ? '' : `, dateformat = ${literal(format)}, timestampformat = ${literal(format)}`;
  const query =
    `SELECT list_transform(Columns, lambda c: c.type) AS types, DateFormat, TimestampFormat ` +
    `FROM sniff_csv(${literal(file)}, ${dialectArguments(plan, markers)}, sample_size = ${rows}${formats})`;
  try {
    const [row] = (await connection.runAndReadAll(query)).getRowObjectsJson();
    const types = Array.isArray(row.types) ? row.types.map(String) : [];
    if (types.length !== plan.names.length) throw new Error(`${types.length} columns were inferred`);
    await keepWords(connection, { ...plan, files: [file] }, rows, markers, types);
    const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
    return {
      types,
      markers,
      dateFormat: format ?? text(row.DateFormat),
      timestampFormat: format ?? text(row.TimestampFormat),
    };
  } catch (error) {
    // The engine's inference says only that it failed; a plain reading says in which line.
    const strings = plan.names.map((name) => ({ name, type: 'VARCHAR' }));
    await connection.run(`SELECT count(COLUMNS(*)) FROM ${readCall({ ...plan, files: [file] }, strings)}`);
    throw error;
  }
}

/**
 * The engine takes yes and no, t and f, on and off for booleans, too. Such a column stays one of words, so that its
 * classes are called what the file calls them and the exported model takes the same words.
 */
async function keepWords(
  connection: DuckDBConnection,
  plan: Plan,
  rows: number,
  markers: boolean,
  types: string[],
): Promise<void> {
  const booleans = plan.names.map((_, index) => index).filter((index) => types[index] === 'BOOLEAN');
  if (booleans.length === 0) return;
  const strings = plan.names.map((name) => ({ name, type: 'VARCHAR' }));
  const call = readCall(plan, strings, { types: [], markers, dateFormat: null, timestampFormat: null });
  const columns = booleans.map((index) => identifier(plan.names[index]));
  const tests = columns.map((column) => `bool_and(lower(trim(${column})) IN ('true', 'false', '0', '1'))`);
  const sample = `SELECT ${columns.join(', ')} FROM ${call}${rows < 0 ? '' : ` LIMIT ${rows}`}`;
  const [row] = (await connection.runAndReadAll(`SELECT ${tests.join(', ')} FROM (${sample})`)).getRowsJS();
  booleans.forEach((index, position) => {
    if (row[position] === false) types[index] = 'VARCHAR';
  });
}

function commonType(a: string, b: string): string {
  if (a === b) return a;
  const numbers = new Set(['BIGINT', 'DOUBLE']);
  return numbers.has(a) && numbers.has(b) ? 'DOUBLE' : 'VARCHAR';
}

function requireSameLayout(plan: Plan, names: readonly string[], dialect: Dialect, first: string, file: string): void {
  const same = names.length === plan.names.length && names.every((name, index) => name === plan.names[index]);
  if (same && dialect.header === plan.dialect.header && dialect.delimiter === plan.dialect.delimiter) return;
  throw new BallastError(`the columns differ from those of ${basename(first)}`, {
    code: 'DATA_LAYOUT_DIFFERS',
    place: file,
    value: names.slice(0, 20).join(', '),
    remedy: 'Read files of one layout at a time.',
  });
}

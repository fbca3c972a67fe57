import type { DuckDBConnection } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { derive, QuantileSketch } from '../../numeric/index.js';
import type { Table } from '../table.js';
import { Budget } from './budget.js';
import { readParquetRelation } from './columnar.js';
import { identifier, list, withDatabase } from './database.js';
import { engineFault } from './duckdb-fault.js';
import { streamRows } from './stream-rows.js';
import { MAXIMUM_CATEGORIES } from './strings.js';

/** What is kept of a Parquet file of any size: memory does not grow with its rows. */
export interface ParquetSummary {
  readonly rows: number;
  readonly numbers: ReadonlyMap<string, { readonly sketch: QuantileSketch; readonly missing: number }>;
  readonly categories: ReadonlyMap<string, { readonly counts: ReadonlyMap<string, number>; readonly missing: number }>;
  /** Columns of other types, by name. */
  readonly others: ReadonlyMap<string, string>;
  /** Some of the rows, drawn at random. */
  readonly sample: Table;
}

/** Columns that are streamed at a time, so that a chunk stays small. */
const COLUMNS_AT_ONCE = 64;
/** Categories kept a column, the most frequent ones; the rest are counted together under {@link REST}. */
const MOST_CATEGORIES = 1000;
/** The name of all rarer categories together. */
export const REST = '(others)';

/**
 * Reads Parquet files of one layout once, numbers into sketches and categories into counts.
 *
 * @param sampleRows rows of the sample
 * @throws BallastError as reading a table does
 */
export async function summarizeParquet(
  files: readonly string[],
  place: string,
  { sampleRows, seed = 1, tell }: { sampleRows: number; seed?: number; tell?: (line: string) => void },
): Promise<ParquetSummary> {
  try {
    return await withDatabase(files, undefined, async (connection) => {
      const from = `read_parquet(${list(files)})`;
      const described = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`)).getRowObjectsJson();
      const columns = described.map((row) => ({ name: String(row.column_name), type: String(row.column_type) }));
      const numeric = columns.filter(({ type }) => NUMBERS.test(type)).map(({ name }) => name);
      const text = columns.filter(({ type }) => CATEGORIES.test(type)).map(({ name }) => name);
      const others = columns.filter(({ type }) => !NUMBERS.test(type) && !CATEGORIES.test(type));
      const [[count]] = (await connection.runAndReadAll(`SELECT CAST(count(*) AS DOUBLE) FROM ${from}`)).getRowsJS();
      const rows = Number(count);
      const numbers = new Map<string, { sketch: QuantileSketch; missing: number }>();
      for (let at = 0; at < numeric.length; at += COLUMNS_AT_ONCE) {
        tell?.(`${place}: columns ${at + 1} to ${Math.min(numeric.length, at + COLUMNS_AT_ONCE)} of ${numeric.length}`);
        const part = await sketchColumns(connection, from, numeric.slice(at, at + COLUMNS_AT_ONCE), seed);
        for (const [name, sketch] of part) numbers.set(name, { sketch, missing: rows - sketch.count });
      }
      const categories = new Map<string, { counts: Map<string, number>; missing: number }>();
      const texts = await textColumns(connection, from, text);
      for (const name of text.filter((each) => !texts.has(each)))
        categories.set(name, await countCategories(connection, from, name, rows));
      const unread = new Map([
        ...others.map(({ name, type }) => [name, TIMES.test(type) ? 'time' : type] as const),
        ...[...texts].map((name) => [name, 'text'] as const),
      ]);
      const sampled = `(SELECT * FROM ${from} USING SAMPLE reservoir(${sampleRows} ROWS) REPEATABLE (${seed}))`;
      const sample = await readParquetRelation(connection, sampled, place, new Budget(undefined));
      return { rows, numbers, categories, others: unread, sample };
    });
  } catch (error) {
    throw engineFault(error, place);
  }
}

const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|REAL|DECIMAL.*)$/;
const CATEGORIES = /^(VARCHAR|BOOLEAN|ENUM.*)$/;

const TIMES = /^(DATE|TIMESTAMP)/;

/** Columns with more different words than categories may have, by an estimate that needs little memory. */
async function textColumns(connection: DuckDBConnection, from: string, names: readonly string[]): Promise<Set<string>> {
  if (names.length === 0) return new Set();
  const counts = names.map((name) => `CAST(approx_count_distinct(${identifier(name)}) AS DOUBLE)`).join(', ');
  const [row] = (await connection.runAndReadAll(`SELECT ${counts} FROM ${from}`)).getRowsJS();
  return new Set(names.filter((_, i) => Number(row[i]) > MAXIMUM_CATEGORIES));
}

async function sketchColumns(
  connection: DuckDBConnection,
  from: string,
  names: readonly string[],
  seed: number,
): Promise<Map<string, QuantileSketch>> {
  const sketches = names.map((name) => new QuantileSketch(derive(seed, 'parquet sketch', name)));
  const expressions = names.map((name) => `coalesce(CAST(${identifier(name)} AS DOUBLE), CAST('NaN' AS DOUBLE))`);
  await streamRows(connection, from, expressions, (chunk, rows) => {
    for (const [column, sketch] of sketches.entries()) {
      const bytes = duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk, column), 8 * rows);
      sketch.add(new Float64Array(bytes.buffer, bytes.byteOffset, rows));
    }
  });
  return new Map(names.map((name, i) => [name, sketches[i]]));
}

async function countCategories(
  connection: DuckDBConnection,
  from: string,
  name: string,
  rows: number,
): Promise<{ counts: Map<string, number>; missing: number }> {
  const column = identifier(name);
  const query = `SELECT CAST(${column} AS VARCHAR), CAST(count(*) AS DOUBLE) FROM ${from} WHERE ${column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${MOST_CATEGORIES}`;
  const counts = new Map(
    (await connection.runAndReadAll(query))
      .getRowsJS()
      .map(([text, count]): [string, number] => [String(text), Number(count)]),
  );
  const [[present]] = (
    await connection.runAndReadAll(`SELECT CAST(count(${column}) AS DOUBLE) FROM ${from}`)
  ).getRowsJS();
  const rest = Number(present) - [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (rest > 0) counts.set(REST, (counts.get(REST) ?? 0) + rest);
  return { counts, missing: rows - Number(present) };
}

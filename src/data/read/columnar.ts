import { stat } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { BallastError } from '../../errors.js';
import type { Table } from '../table.js';
import type { Budget } from './budget.js';
import { requireColumns, wantedType } from './column-names.js';
import { countLines } from './count-lines.js';
import { copyToParquet, list, withDatabase } from './database.js';
import { engineFault } from './duckdb-fault.js';
import { fileFault } from './faults.js';
import { gunzipToFile } from './gunzip.js';
import { WideInteger } from './number-accumulator.js';
import type { ReadOptions } from './options.js';
import { readRelation } from './relation.js';
import type { Scratch } from './scratch.js';

/** Bytes of the largest object of a line. */
const LARGEST_OBJECT = 64 << 20;

/** Reads Parquet files of one layout as one table, in the order given. */
export async function readParquet(
  files: readonly string[],
  place: string,
  options: ReadOptions,
  budget: Budget,
): Promise<Table> {
  return readFiles(files, place, options, (connection) =>
    readColumns(connection, `read_parquet(${list(files)})`, place, options, budget, undefined),
  );
}

/**
 * Reads files of JSON objects, one a line, as one table. Columns are the keys in order of first occurrence; a key that
 * an object lacks is missing. Types come from all lines.
 */
export async function readJsonLines(
  files: readonly string[],
  place: string,
  options: ReadOptions,
  budget: Budget,
  scratch: Scratch,
): Promise<Table> {
  const { plain, from } = await jsonLines(files, place, scratch, budget.left);
  const lines = await countLines(plain);
  return readFiles(plain, place, options, (connection) => readColumns(connection, from, place, options, budget, lines));
}

/**
 * Writes files of JSON objects, one a line, of any size as one temporary Parquet file: memory is bounded, the disk holds what is written.
 *
 * @throws BallastError as reading a table does
 */
export async function jsonLinesAsParquet(files: readonly string[], place: string, scratch: Scratch): Promise<string> {
  const { plain, from } = await jsonLines(files, place, scratch, Number.POSITIVE_INFINITY);
  const target = await scratch.path('rows.parquet');
  await readFiles([...plain, target], place, {}, (connection) =>
    copyToParquet(connection, `SELECT * FROM ${from}`, target),
  );
  return target;
}

/** The files as plain text, and the call that reads them. */
async function jsonLines(
  files: readonly string[],
  place: string,
  scratch: Scratch,
  bytes: number,
): Promise<{ readonly plain: readonly string[]; readonly from: string }> {
  const plain: string[] = [];
  for (const file of files) {
    plain.push(/\.gz$/i.test(file) ? await gunzipToFile(file, scratch, bytes) : file);
  }
  await requireContent(plain, place);
  // Types from a sample would not do: a later 1.5 in a column of integers would be rounded without a word.
  const from =
    `read_json(${list(plain)}, format = 'newline_delimited', records = true, sample_size = -1, ` +
    `maximum_object_size = ${LARGEST_OBJECT}, compression = 'uncompressed', union_by_name = true)`;
  return { plain, from };
}

/** Reads what a query over Parquet gives as a table, through a connection that is open. */
export function readParquetRelation(
  connection: DuckDBConnection,
  from: string,
  place: string,
  budget: Budget,
): Promise<Table> {
  return readColumns(connection, from, place, {}, budget, undefined);
}

async function requireContent(files: readonly string[], place: string): Promise<void> {
  for (const file of files) {
    const { size } = await stat(file).catch((error: unknown) => {
      throw fileFault(error, file);
    });
    if (size > 0) return;
  }
  throw new BallastError('the file is empty', { code: 'DATA_EMPTY', place });
}

async function readFiles<Read>(
  files: readonly string[],
  place: string,
  options: ReadOptions,
  read: (connection: DuckDBConnection) => Promise<Read>,
): Promise<Read> {
  try {
    return await withDatabase(files, options.threads, read);
  } catch (error) {
    throw engineFault(error, place);
  }
}

async function readColumns(
  connection: DuckDBConnection,
  from: string,
  place: string,
  options: ReadOptions,
  budget: Budget,
  lines: number | undefined,
): Promise<Table> {
  const described = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`)).getRowObjectsJson();
  const found = described.map((row) => ({ name: String(row.column_name), type: String(row.column_type) }));
  const names = found.map(({ name }) => name);
  if (names.length === 0) throw new BallastError('there are no columns', { code: 'DATA_EMPTY', place });
  requireColumns(names, options, place);
  const capacity = lines ?? (await countRows(connection, from));
  const wide = new Set<string>();
  for (;;) {
    try {
      const columns = found.map(({ name, type }) => {
        const wanted = wantedType(options, name);
        // Casting to VARCHAR keeps every digit; whether that makes categories or text is decided as for strings.
        return wanted === undefined && wide.has(name)
          ? { name, source: name, type: 'VARCHAR', wanted }
          : { name, source: name, type, wanted };
      });
      const read = await readRelation(connection, {
        from,
        columns,
        place,
        rounded: options.precision === 'float32',
        missing: new Set(),
        budget: budget.again(),
        timeFormat: options.delimited?.timeFormat,
        target: options.target,
        capacity,
      });
      return read.table;
    } catch (error) {
      if (!(error instanceof WideInteger)) throw error;
      wide.add(error.column);
    }
  }
}

async function countRows(connection: DuckDBConnection, from: string): Promise<number> {
  const [[count]] = (await connection.runAndReadAll(`SELECT CAST(count(*) AS DOUBLE) FROM ${from}`)).getRowsJS();
  return Number(count);
}

import type { DuckDBConnection } from '@duckdb/node-api';
import { BallastError } from '../../errors.js';
import type { Table } from '../table.js';
import type { Budget } from './budget.js';
import { requireColumns, wantedType } from './column-names.js';
import { countLines } from './count-lines.js';
import { list, withDatabase } from './database.js';
import { engineFault, isInferenceFault } from './duckdb-fault.js';
import { gunzipToFile } from './gunzip.js';
import { WideInteger } from './number-accumulator.js';
import type { ReadOptions } from './options.js';
import { readRelation } from './relation.js';
import type { Scratch } from './scratch.js';

/** Objects by which the columns of JSON lines are inferred first. */
const SAMPLE_ROWS = 20_480;

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
 * an object lacks is missing. Types come from the first 20,480 lines, and from all where a later one contradicts them.
 */
export async function readJsonLines(
  files: readonly string[],
  place: string,
  options: ReadOptions,
  budget: Budget,
  scratch: Scratch,
): Promise<Table> {
  const plain: string[] = [];
  for (const file of files) {
    plain.push(/\.gz$/i.test(file) ? await gunzipToFile(file, scratch, budget.left) : file);
  }
  const lines = await countLines(plain);
  const call = (rows: number) =>
    `read_json(${list(plain)}, format = 'newline_delimited', records = true, sample_size = ${rows}, ` +
    `maximum_object_size = 67108864, compression = 'uncompressed', union_by_name = true)`;
  return readFiles(plain, place, options, async (connection) => {
    try {
      return await readColumns(connection, call(SAMPLE_ROWS), place, options, budget, lines);
    } catch (error) {
      if (!isInferenceFault(error)) throw error;
      const message = 'types were inferred from all lines, since later lines contradict the first ones';
      options.notice?.({ code: 'TYPES_REINFERRED', message, count: 1 });
      return readColumns(connection, call(-1), place, options, budget, lines);
    }
  });
}

async function readFiles(
  files: readonly string[],
  place: string,
  options: ReadOptions,
  read: (connection: DuckDBConnection) => Promise<Table>,
): Promise<Table> {
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

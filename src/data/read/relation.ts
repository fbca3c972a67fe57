import type { DuckDBConnection } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { BallastError } from '../../errors.js';
import type { Table } from '../table.js';
import type { Accumulator } from './accumulator.js';
import { ArrayAccumulator } from './array-accumulator.js';
import type { Budget } from './budget.js';
import { identifier } from './database.js';
import { NumberAccumulator, TimeAccumulator } from './number-accumulator.js';
import type { ColumnType } from './options.js';
import { streamRows } from './stream-rows.js';
import { StringAccumulator } from './string-accumulator.js';

/** A column of a relation: its name in the table, its name in the query, its type there, and the type asked for. */
export interface RelationColumn {
  readonly name: string;
  readonly source: string;
  readonly type: string;
  readonly wanted: ColumnType | undefined;
}

/** Something that can be selected from, such as a call of `read_csv`. */
export interface Relation {
  readonly from: string;
  readonly columns: readonly RelationColumn[];
  readonly place: string;
  readonly rounded: boolean;
  readonly missing: ReadonlySet<string>;
  readonly budget: Budget;
  /** strptime format of columns that are to be instants and are strings. */
  readonly timeFormat: string | undefined;
  /** Column that is a category if it holds strings. */
  readonly target: string | undefined;
  /** Likely number of rows, as a bound. */
  readonly capacity: number;
}

/** What reading a relation gave, with the columns whose type looks wrong now that all rows are known. */
export interface RelationRead {
  readonly table: Table;
  /** Columns taken as strings that hold nothing but numbers. */
  readonly numbersAsStrings: readonly string[];
  /** Columns taken as fractional numbers that hold nothing but integers, some beyond 2^53. */
  readonly identifiersAsNumbers: readonly string[];
}

/**
 * Streams a relation into columns, chunk by chunk: the engine converts and reads in its own threads, vectors are copied
 * as typed arrays, and no row object is ever made. Memory: the columns, one block, and the engine's buffers.
 */
export async function readRelation(connection: DuckDBConnection, relation: Relation): Promise<RelationRead> {
  const accumulators = await Promise.all(relation.columns.map((column) => accumulatorOf(connection, relation, column)));
  const expressions = accumulators.flatMap((accumulator) => accumulator.expressions);
  const rows = await streamRows(connection, relation.from, expressions, (chunk, count) => {
    let next = 0;
    for (const accumulator of accumulators) {
      const vectors = accumulator.expressions.map(() => duckdb.data_chunk_get_vector(chunk, next++));
      accumulator.add(vectors, count);
    }
  });
  if (rows === 0) throw new BallastError('there are no rows', { code: 'DATA_EMPTY', place: relation.place });
  const numbersAsStrings: string[] = [];
  const identifiersAsNumbers: string[] = [];
  accumulators.forEach((accumulator, index) => {
    const { name, wanted } = relation.columns[index];
    if (wanted !== undefined) return;
    if (accumulator instanceof StringAccumulator && accumulator.looksLikeNumbers) numbersAsStrings.push(name);
    if (accumulator instanceof NumberAccumulator && accumulator.looksLikeIdentifiers) identifiersAsNumbers.push(name);
  });
  const columns = accumulators.map((accumulator) => accumulator.finish());
  return { table: { rows, columns }, numbersAsStrings, identifiersAsNumbers };
}

type Family = 'float' | 'integer' | 'boolean' | 'string' | 'instant' | 'clock' | 'list' | 'nested';

function familyOf(type: string): Family {
  if (/\[\d*\]$/.test(type)) return 'list';
  if (/^(STRUCT|MAP|UNION|BLOB|BIT|INTERVAL|GEOMETRY|VARIANT)\b/.test(type)) return 'nested';
  if (/^(FLOAT|REAL|DOUBLE)$/.test(type)) return 'float';
  if (/^DECIMAL/.test(type)) return /,0\)$/.test(type) ? 'integer' : 'float';
  if (/INT|BIGNUM/.test(type)) return 'integer';
  if (type === 'BOOLEAN') return 'boolean';
  if (/^(DATE|TIMESTAMP)/.test(type)) return 'instant';
  if (/^TIME/.test(type)) return 'clock';
  return 'string';
}

const INFERRED: Readonly<Record<Exclude<Family, 'list' | 'nested'>, ColumnType | undefined>> = {
  float: 'number',
  integer: 'integer',
  boolean: 'boolean',
  instant: 'time',
  clock: 'number',
  string: undefined,
};

async function accumulatorOf(
  connection: DuckDBConnection,
  relation: Relation,
  column: RelationColumn,
): Promise<Accumulator> {
  const { name, wanted } = column;
  const { place, budget, missing } = relation;
  const capacity = Math.min(relation.capacity, Math.floor(budget.left / 4));
  const source = identifier(column.source);
  const family = familyOf(column.type);
  if (family === 'list' && wanted === undefined) return listAccumulator(connection, relation, column, capacity);
  if ((family === 'nested' || family === 'list') && wanted !== 'text' && wanted !== 'category') {
    throw new BallastError(`the column ${name} is nested (${column.type})`, {
      code: 'DATA_TYPE_UNSUPPORTED',
      place,
      remedy: 'Flatten it, leave it out, or read it as text.',
    });
  }
  const type = wanted ?? (family === 'nested' || family === 'list' ? 'text' : INFERRED[family]);
  switch (type) {
    case 'number':
    case 'integer':
    case 'boolean':
      return new NumberAccumulator({
        name,
        type: type === 'number' ? 'float' : type,
        expression: numberExpression(source, family, type, place, name),
        rounded: relation.rounded,
        demanded: wanted !== undefined,
        place,
        budget,
        capacity,
      });
    case 'time':
      return new TimeAccumulator(name, timeExpression(source, family, relation, name), place, budget, capacity);
    case 'category':
    case 'text':
    case undefined:
      return new StringAccumulator({
        name,
        expression: source,
        wanted: type ?? (name === relation.target ? 'category' : undefined),
        missing,
        place,
        budget,
        capacity,
      });
    default:
      return type satisfies never;
  }
}

function numberExpression(source: string, family: Family, type: ColumnType, place: string, name: string): string {
  if (family === 'instant') throw unsuited(place, name, 'instants', type);
  if (family === 'clock') return `(epoch_us(CAST(${source} AS TIME)) / 1e6)`;
  if (family === 'boolean') return `CAST(${source} AS TINYINT)`;
  if (family !== 'string') return source;
  const text = `trim(CAST(${source} AS VARCHAR))`;
  if (type !== 'boolean') return text;
  return (
    `CASE WHEN lower(${text}) IN ('true', 't', 'yes', 'y', '1') THEN 1 ` +
    `WHEN lower(${text}) IN ('false', 'f', 'no', 'n', '0') THEN 0 ELSE CAST(CAST(${text} AS BOOLEAN) AS TINYINT) END`
  );
}

function timeExpression(source: string, family: Family, relation: Relation, name: string): string {
  if (family === 'instant') return milliseconds(source);
  if (family !== 'string') throw unsuited(relation.place, name, 'numbers', 'time');
  const text = `trim(CAST(${source} AS VARCHAR))`;
  if (relation.timeFormat !== undefined) {
    return milliseconds(`strptime(${text}, '${relation.timeFormat.replaceAll("'", "''")}')`);
  }
  return milliseconds(`CAST(${text} AS TIMESTAMPTZ)`);
}

function milliseconds(instant: string): string {
  return `(CAST(epoch_us(${instant}) AS DOUBLE) / 1000)`;
}

function unsuited(place: string, name: string, found: string, wanted: ColumnType): BallastError {
  return new BallastError(`the column ${name} holds ${found} and cannot be read as ${wanted}`, {
    code: 'DATA_TYPE',
    place,
    remedy: 'Give the column another type.',
  });
}

/** Lists of numbers, all of one length, become an array column. */
async function listAccumulator(
  connection: DuckDBConnection,
  relation: Relation,
  { name, source, type }: RelationColumn,
  capacity: number,
): Promise<Accumulator> {
  const { place, budget, from } = relation;
  const element = familyOf(type.replace(/\[\d*\]$/, ''));
  const quoted = identifier(source);
  const length = type.endsWith('[]') ? `len(${quoted})` : `array_length(${quoted})`;
  const query = `SELECT CAST(min(${length}) AS INTEGER), CAST(max(${length}) AS INTEGER), count(*) = count(${quoted}) FROM ${from}`;
  const [[least, most, complete]] = (await connection.runAndReadAll(query)).getRowsJS();
  const numbers = element === 'float' || element === 'integer' || element === 'boolean';
  if (!numbers || typeof most !== 'number' || least !== most || most === 0 || complete !== true) {
    throw new BallastError(
      `the column ${name} is of lists (${type})${numbers ? ' of unequal length, or with missing ones' : ''}`,
      {
        code: 'DATA_TYPE_UNSUPPORTED',
        place,
        remedy: 'Lists become features if they are numbers of one length; else read the column as text.',
      },
    );
  }
  return new ArrayAccumulator(name, quoted, most, place, budget, capacity);
}

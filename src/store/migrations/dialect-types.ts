import { type ColumnDataType, type RawBuilder, sql } from 'kysely';

/** The two databases a store can live in. */
export type DatabaseKind = 'sqlite' | 'postgres';

/** Column types and table options that are spelled differently in the two databases. */
export interface DialectTypes {
  /** 64-bit integer. */
  readonly integer: ColumnDataType;
  /** IEEE 754 binary64. */
  readonly double: ColumnDataType;
  /** Unicode text, compared byte by byte in both databases. */
  readonly text: RawBuilder<unknown>;
  readonly bytes: ColumnDataType;
  /** Ends `create table`: strict typing where it is not the rule. */
  readonly table: RawBuilder<unknown>;
  /** Ends `create table` of a table that is read by ranges of its primary key. */
  readonly clusteredTable: RawBuilder<unknown>;
}

/** The {@link DialectTypes} of a database. */
export function dialectTypes(kind: DatabaseKind): DialectTypes {
  return kind === 'sqlite' ? SQLITE : POSTGRES;
}

const SQLITE: DialectTypes = {
  integer: 'integer',
  double: 'real',
  text: sql`text`,
  bytes: 'blob',
  table: sql`strict`,
  clusteredTable: sql`strict, without rowid`,
};

const POSTGRES: DialectTypes = {
  integer: 'bigint',
  double: 'double precision',
  text: sql`text collate "C"`,
  bytes: 'bytea',
  table: sql``,
  clusteredTable: sql``,
};

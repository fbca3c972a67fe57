import type { CreateTableBuilder } from 'kysely';
import type { DatabaseKind, DialectTypes } from './dialect-types.js';

/** Adds a primary key the database numbers in ascending order and never reuses. */
export function withKey<Name extends string, Key extends string>(
  builder: CreateTableBuilder<Name, never>,
  key: Key,
  { integer }: DialectTypes,
  kind: DatabaseKind,
): CreateTableBuilder<Name, Key> {
  return builder.addColumn(key, integer, (column) =>
    kind === 'sqlite' ? column.primaryKey().autoIncrement() : column.primaryKey().generatedAlwaysAsIdentity(),
  );
}

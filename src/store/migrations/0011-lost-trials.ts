import type { Kysely } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';

/** Counts how often the worker of a trial died at it. */
export async function addLostTrials(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const { integer } = dialectTypes(kind);
  await db.schema
    .alterTable('trial')
    .addColumn('lost', integer, (column) => column.notNull().defaultTo(0))
    .execute();
}

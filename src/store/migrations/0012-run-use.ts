import type { Kysely } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';

/** What an answer took of the process that gave it. */
export async function addRunUse(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const { double, text } = dialectTypes(kind);
  await db.schema.alterTable('observation').addColumn('run_ms', double).execute();
  await db.schema.alterTable('observation').addColumn('memory', text).execute();
}

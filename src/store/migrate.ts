import { readFileSync } from 'node:fs';
import { type Kysely, Migrator, sql } from 'kysely';
import { BallastError } from '../errors.js';
import type { DatabaseKind } from './migrations/dialect-types.js';
import { MIGRATION_NAMES, migrationsFor } from './migrations/index.js';
import type { StoreSchema } from './schema.js';

const MIGRATION_TABLE = 'kysely_migration';

/**
 * Brings a store's tables to this version of Ballast, or leaves them if they are. Several processes may do so at once:
 * one does it, the others wait.
 *
 * @param place where the store is, for messages
 * @throws BallastError `STORE_NEWER` when a newer version of Ballast has changed the tables; nothing is then written
 */
export async function migrate(db: Kysely<StoreSchema>, kind: DatabaseKind, place: string): Promise<void> {
  const done = await doneMigrations(db, kind);
  const unknown = done.filter((name) => !MIGRATION_NAMES.includes(name));
  if (unknown.length > 0) throw newer(unknown, await writerVersion(db), place);
  if (done.length === MIGRATION_NAMES.length) return;
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrationsFor(kind) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  await db
    .insertInto('store_info')
    .values({ key: 'ballast_version', value: ballastVersion() })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: ballastVersion() }))
    .execute();
}

async function doneMigrations(db: Kysely<StoreSchema>, kind: DatabaseKind): Promise<string[]> {
  const { rows: tables } =
    kind === 'sqlite'
      ? await sql`select name from sqlite_master where type = 'table' and name = ${MIGRATION_TABLE}`.execute(db)
      : await sql`select 1 where to_regclass(${MIGRATION_TABLE}) is not null`.execute(db);
  if (tables.length === 0) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(MIGRATION_TABLE)} order by name`.execute(
    db,
  );
  return rows.map(({ name }) => name);
}

/** The version of Ballast that changed the tables last. */
async function writerVersion(db: Kysely<StoreSchema>): Promise<string> {
  const row = await db.selectFrom('store_info').select('value').where('key', '=', 'ballast_version').executeTakeFirst();
  return row?.value ?? 'an unknown version';
}

function newer(unknown: readonly string[], writer: string, place: string): BallastError {
  const known = MIGRATION_NAMES.at(-1);
  return new BallastError(
    `The store was written by a newer Ballast (${writer}): it has changes up to ${unknown.at(-1)}, ` +
      `while this Ballast (${ballastVersion()}) knows them up to ${known}`,
    { code: 'STORE_NEWER', place, remedy: 'Update Ballast, or choose another store.' },
  );
}

function ballastVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(version);
}

import { type Kysely, sql } from 'kysely';
import type { StoreContext } from '../context.js';
import type { StoreSchema } from '../schema.js';

/** Rewriting the file is worth it from so many free bytes, and so large a share of it, on. */
const LEAST_BYTES = 4 << 20;
const LEAST_SHARE = 0.1;

/**
 * Gives the free pages of a SQLite file back to the disk: all of it or nothing, whenever the process ends. Writers wait meanwhile, about a second
 * for 300 MB. PostgreSQL's autovacuum does it by itself, and uses the room again.
 *
 * @returns bytes
 */
export async function compact({ db, kind }: StoreContext): Promise<number> {
  if (kind !== 'sqlite') return 0;
  const [page, free, before] = [
    await pragma(db, 'page_size'),
    await pragma(db, 'freelist_count'),
    await pragma(db, 'page_count'),
  ];
  if (free * page < LEAST_BYTES || free < before * LEAST_SHARE) return 0;
  await sql`vacuum`.execute(db);
  await sql`pragma wal_checkpoint(truncate)`.execute(db);
  return (before - (await pragma(db, 'page_count'))) * page;
}

async function pragma(db: Kysely<StoreSchema>, name: 'page_size' | 'page_count' | 'freelist_count'): Promise<number> {
  const { rows } = await sql<Record<string, number>>`pragma ${sql.raw(name)}`.execute(db);
  return Number(rows[0]?.[name]);
}

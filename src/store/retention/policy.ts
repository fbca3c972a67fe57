import type { Kysely } from 'kysely';
import { BallastError } from '../../errors.js';
import { decodeJson, encodeJson } from '../json.js';
import type { StoreSchema } from '../schema.js';
import type { RetentionPolicy } from './types.js';

const DAY_MS = 24 * 3_600_000;
const KEY = 'retention';

/** What is kept unless something else is declared: runs and their files for ever. */
export const DEFAULT_RETENTION: RetentionPolicy = {
  rows: 1_000_000,
  rowsMs: 30 * DAY_MS,
  minutesMs: 2 * DAY_MS,
  windowsMs: 400 * DAY_MS,
  sketchesMs: 90 * DAY_MS,
  runsMs: null,
  artifactsMs: null,
  artifactBytes: null,
  deletedMs: 30 * DAY_MS,
};

/** Limits that may be absent. */
const OPTIONAL: ReadonlySet<string> = new Set([
  'runsMs',
  'artifactsMs',
  'artifactBytes',
] satisfies (keyof RetentionPolicy)[]);

/** The policy that was declared, with the defaults for what was not. */
export async function readPolicy(db: Kysely<StoreSchema>): Promise<RetentionPolicy> {
  const row = await db.selectFrom('store_info').select('value').where('key', '=', KEY).executeTakeFirst();
  return { ...DEFAULT_RETENTION, ...(row === undefined ? {} : (decodeJson(row.value) as Partial<RetentionPolicy>)) };
}

/** Keeps a policy. @throws BallastError `RETENTION_INVALID` */
export async function writePolicy(db: Kysely<StoreSchema>, policy: RetentionPolicy): Promise<void> {
  for (const [name, value] of Object.entries(policy)) {
    const fine = value === null ? OPTIONAL.has(name) : Number.isFinite(value) && value > 0;
    if (!fine || !Object.hasOwn(DEFAULT_RETENTION, name)) throw invalid(name, value);
  }
  const value = encodeJson(policy, 'retention policy');
  await db
    .insertInto('store_info')
    .values({ key: KEY, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute();
}

function invalid(name: string, value: unknown): BallastError {
  return new BallastError('A limit of what is kept is a number above 0', {
    code: 'RETENTION_INVALID',
    place: name,
    value,
    remedy: `There are ${Object.keys(DEFAULT_RETENTION).join(', ')}; ${[...OPTIONAL].join(', ')} may be null, for ever.`,
  });
}

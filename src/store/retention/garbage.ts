import { type Kysely, sql } from 'kysely';
import { batches } from '../batches.js';
import type { StoreContext } from '../context.js';
import type { StoreSchema } from '../schema.js';
import { runsOfVersions } from './holds.js';
import type { Collected } from './types.js';

/** How long a temporary file must lie untouched before its writer counts as dead. */
const TEMPORARY_FILE_LIFE_MS = 24 * 3_600_000;
/** Contents removed per transaction: other writers wait while their files are removed. */
const CONTENTS_PER_TRANSACTION = 100;

/** Removes for good what was deleted before a time (ms since epoch) and is not needed, and contents without a name. */
export async function collectGarbage(context: StoreContext, before: number): Promise<Collected> {
  let runs = 0;
  // One by one: removing a run with many points takes a while, and others write between two runs.
  for (const id of await removableRuns(context.db, before)) {
    const { numDeletedRows } = await context.db
      .deleteFrom('run')
      .where('id', '=', id)
      .where('deleted_at', '<=', before)
      .executeTakeFirstOrThrow();
    runs += Number(numDeletedRows);
  }
  await adoptStrayContents(context);
  const { contents, bytes } = await removeUnnamedContents(context);
  const temporary = await context.folder.removeTemporary(TEMPORARY_FILE_LIFE_MS);
  return { runs, contents, temporaryFiles: temporary.files, bytes: bytes + temporary.bytes };
}

/** Runs that were deleted before a time and that no version needs. */
export async function removableRuns(db: Kysely<StoreSchema>, before: number): Promise<string[]> {
  const due = await db.selectFrom('run').select('id').where('deleted_at', '<=', before).execute();
  if (due.length === 0) return [];
  const held = await runsOfVersions(db);
  return due.map(({ id }) => id).filter((id) => !held.has(id));
}

/** Enters contents whose writer died before its transaction was done, so that they are treated as all others. */
async function adoptStrayContents({ db, folder }: StoreContext): Promise<void> {
  const found: { sha256: string; size: number }[] = [];
  for await (const content of folder.list()) found.push(content);
  for (const batch of batches(found)) {
    await db
      .insertInto('blob')
      .values(batch.map((content) => ({ ...content, created_at: Date.now() })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/**
 * Removes contents that no artifact names. Whoever stores an artifact locks its content's row until both are committed;
 * here the rows are locked first and looked at again, so that no content is removed that is being named.
 */
async function removeUnnamedContents({ db, folder }: StoreContext): Promise<{ contents: number; bytes: number }> {
  let [contents, bytes] = [0, 0];
  for (;;) {
    const removed = await db.transaction().execute(async (transaction) => {
      const unnamed = await transaction
        .selectFrom('blob')
        .where(({ not }) => not(isNamed))
        .select('blob.sha256')
        .orderBy('blob.sha256')
        .limit(CONTENTS_PER_TRANSACTION)
        .execute();
      const candidates = unnamed.map(({ sha256 }) => sha256);
      if (candidates.length === 0) return [];
      await transaction
        .updateTable('blob')
        .set(({ ref }) => ({ size: ref('size') }))
        .where('sha256', 'in', candidates)
        .execute();
      const rows = await transaction
        .deleteFrom('blob')
        .where('sha256', 'in', candidates)
        .where(({ not }) => not(isNamed))
        .returning('sha256')
        .execute();
      for (const { sha256 } of rows) bytes += await folder.remove(sha256);
      return rows;
    });
    if (removed.length === 0) return { contents, bytes };
    contents += removed.length;
  }
}

/** The condition that a run, a logged model or a version of a registered one names the content. */
export const isNamed = sql<boolean>`(exists (select 1 from artifact a where a.sha256 = blob.sha256)
  or exists (select 1 from logged_model_artifact a where a.sha256 = blob.sha256)
  or exists (select 1 from model_version_file a where a.sha256 = blob.sha256))`;

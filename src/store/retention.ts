import { sql } from 'kysely';
import { BallastError } from '../errors.js';
import { insertAudit } from './audit.js';
import { batches } from './batches.js';
import type { StoreContext } from './context.js';
import { requireRun, runNotFound, shownStatus } from './run-rows.js';
import type { RetentionStore, StoreProblem } from './types.js';

/** How long a temporary file must lie untouched before its writer counts as dead. */
const TEMPORARY_FILE_LIFE_MS = 24 * 3_600_000;
/** Contents removed per transaction: other writers wait while their files are removed. */
const CONTENTS_PER_TRANSACTION = 100;

/** The {@link RetentionStore} part of a store. */
export function retentionStore(context: StoreContext): RetentionStore {
  const { db, actor, folder } = context;
  return {
    async deleteRun(runId) {
      await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .selectFrom('run')
          .select(['name', 'deleted_at', 'status', 'host', 'pid', 'process_started', 'heartbeat_at'])
          .where('id', '=', runId)
          .executeTakeFirst();
        if (row === undefined) throw runNotFound(runId);
        if (row.deleted_at !== null) return;
        if (row.host !== null && shownStatus(row) === 'running') throw atWork(runId);
        await transaction.updateTable('run').set({ deleted_at: Date.now() }).where('id', '=', runId).execute();
        await insertAudit(transaction, {
          actor,
          action: 'run.delete',
          subject: `runs:/${runId}`,
          details: { name: row.name },
        });
      });
    },

    async restoreRun(runId) {
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId, { deletedToo: true });
        const { numUpdatedRows } = await transaction
          .updateTable('run')
          .set({ deleted_at: null })
          .where('id', '=', runId)
          .where('deleted_at', 'is not', null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return;
        await insertAudit(transaction, { actor, action: 'run.restore', subject: `runs:/${runId}` });
      });
    },

    async collectGarbage({ deletedForSeconds = 0 } = {}) {
      const runs = await removeDeletedRuns(context, Date.now() - deletedForSeconds * 1000);
      await adoptStrayContents(context);
      const { contents, bytes } = await removeUnnamedContents(context);
      const temporary = await folder.removeTemporary(TEMPORARY_FILE_LIFE_MS);
      const collected = { runs, contents, temporaryFiles: temporary.files, bytes: bytes + temporary.bytes };
      await insertAudit(db, { actor, action: 'store.collect-garbage', subject: 'store', details: collected });
      return collected;
    },

    async verify() {
      return [...(await databaseProblems(context)), ...(await contentProblems(context))];
    },
  };
}

/** Removes runs deleted before a time (ms since epoch), each with all it logged, and returns how many. */
async function removeDeletedRuns({ db }: StoreContext, before: number): Promise<number> {
  const due = await db.selectFrom('run').select('id').where('deleted_at', '<=', before).execute();
  let removed = 0;
  // One by one: removing a run with many points takes a while, and others write between two runs.
  for (const { id } of due) {
    const { numDeletedRows } = await db
      .deleteFrom('run')
      .where('id', '=', id)
      .where('deleted_at', '<=', before)
      .executeTakeFirstOrThrow();
    removed += Number(numDeletedRows);
  }
  return removed;
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
const isNamed = sql<boolean>`(exists (select 1 from artifact a where a.sha256 = blob.sha256)
  or exists (select 1 from logged_model_artifact a where a.sha256 = blob.sha256)
  or exists (select 1 from model_version_file a where a.sha256 = blob.sha256))`;

async function databaseProblems({ db, kind }: StoreContext): Promise<StoreProblem[]> {
  if (kind !== 'sqlite') return [];
  const structure = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db);
  const references = await sql<{ table: string }>`pragma foreign_key_check`.execute(db);
  return [
    ...structure.rows
      .filter((row) => row.integrity_check !== 'ok')
      .map((row) => ({ kind: 'database', subject: 'structure', message: row.integrity_check }) as const),
    ...references.rows.map(
      ({ table }) => ({ kind: 'database', subject: table, message: 'a row belongs to nothing' }) as const,
    ),
  ];
}

async function contentProblems({ db, folder }: StoreContext): Promise<StoreProblem[]> {
  const named = await db.selectFrom('blob').where(isNamed).select(['sha256', 'size']).orderBy('sha256').execute();
  const problems: StoreProblem[] = [];
  for (const { sha256, size } of named) {
    try {
      for await (const _piece of folder.read(sha256, size));
    } catch (error) {
      if (!(error instanceof BallastError)) throw error;
      const kind = error.code === 'ARTIFACT_MISSING' ? 'missing' : 'corrupt';
      problems.push({ kind, subject: sha256, message: error.message });
    }
  }
  return problems;
}

function atWork(runId: string): BallastError {
  return new BallastError('This run is still at work', {
    code: 'RUN_AT_WORK',
    kind: 'conflict',
    place: `runs:/${runId}`,
    remedy: 'Stop it before deleting it.',
  });
}

import { BallastError } from '../../errors.js';
import { insertAudit } from '../audit.js';
import type { StoreContext } from '../context.js';
import { requireRun, runNotFound, shownStatus } from '../run-rows.js';

/** Hides a run. @throws BallastError `RUN_AT_WORK`, `RUN_NOT_FOUND` */
export async function deleteRun({ db, actor }: StoreContext, runId: string): Promise<void> {
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
}

/** Undoes {@link deleteRun}. */
export async function restoreRun({ db, actor }: StoreContext, runId: string): Promise<void> {
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
}

function atWork(runId: string): BallastError {
  return new BallastError('This run is still at work', {
    code: 'RUN_AT_WORK',
    kind: 'conflict',
    place: `runs:/${runId}`,
    remedy: 'Stop it before deleting it.',
  });
}

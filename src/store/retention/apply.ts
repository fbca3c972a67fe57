import { BallastError } from '../../errors.js';
import { insertAudit } from '../audit.js';
import type { StoreContext } from '../context.js';
import { prune } from '../observations/prune.js';
import { compact } from './compact.js';
import { deleteRun } from './deleted-runs.js';
import { expiredRuns, expireRecords, strip, wouldFree } from './expire.js';
import { collectGarbage, removableRuns } from './garbage.js';
import { heldModels } from './holds.js';
import { readPolicy } from './policy.js';
import type { Expired, RetentionPolicy } from './types.js';

/** What {@link RetentionStore.applyRetention} does. */
export async function applyRetention(
  context: StoreContext,
  options: { readonly policy?: RetentionPolicy; readonly now?: number; readonly dryRun?: boolean } = {},
): Promise<Expired> {
  const { db, actor } = context;
  const { policy = await readPolicy(db), now = Date.now(), dryRun = false } = options;
  const held = await heldModels(db);
  const observations = await prune(db, policy, { now, dryRun, held });
  const records = await expireRecords(db, now - policy.windowsMs, { dryRun });
  const expired = await expiredRuns(db, policy, now);
  const done = dryRun
    ? await foretell(context, expired, now - policy.deletedMs)
    : await remove(context, expired, now - policy.deletedMs);
  const removed = { observations, records, ...done };
  if (!dryRun) await insertAudit(db, { actor, action: 'store.retention', subject: 'store', details: removed });
  const models = [...held.values()].map(({ since, ...hold }) => ({ ...hold, since: new Date(since) }));
  return { ...removed, held: { runs: expired.held, models } };
}

type Removed = Omit<Expired, 'observations' | 'records' | 'held'>;
type ExpiredRuns = Awaited<ReturnType<typeof expiredRuns>>;

async function foretell({ db }: StoreContext, { runs, stripped }: ExpiredRuns, before: number): Promise<Removed> {
  const removed = await removableRuns(db, before);
  const freed = await wouldFree(db, { stripped, removed });
  return { runs: runs.length, removedRuns: removed.length, databaseBytes: 0, ...freed };
}

async function remove(context: StoreContext, { runs, stripped }: ExpiredRuns, before: number): Promise<Removed> {
  let deleted = 0;
  for (const run of runs) if (await deletedNow(context, run)) deleted++;
  const artifacts = await strip(context.db, stripped);
  const { runs: removedRuns, contents, bytes } = await collectGarbage(context, before);
  return { runs: deleted, artifacts, removedRuns, contents, bytes, databaseBytes: await compact(context) };
}

/** Deletes a run, unless it was taken up again meanwhile. */
async function deletedNow(context: StoreContext, run: string): Promise<boolean> {
  try {
    await deleteRun(context, run);
    return true;
  } catch (error) {
    if (error instanceof BallastError && (error.code === 'RUN_AT_WORK' || error.code === 'RUN_NOT_FOUND')) return false;
    throw error;
  }
}

import { sql } from 'kysely';
import { BallastError } from '../../errors.js';
import { insertAudit } from '../audit.js';
import type { StoreContext } from '../context.js';
import { applyRetention } from './apply.js';
import { deleteRun, restoreRun } from './deleted-runs.js';
import { collectGarbage, isNamed } from './garbage.js';
import { readPolicy, writePolicy } from './policy.js';
import type { RetentionStore, StoreProblem } from './types.js';

/** The {@link RetentionStore} part of a store. */
export function retentionStore(context: StoreContext): RetentionStore {
  const { db, actor } = context;
  return {
    deleteRun: (runId) => deleteRun(context, runId),

    restoreRun: (runId) => restoreRun(context, runId),

    async collectGarbage({ deletedForSeconds = 0 } = {}) {
      const collected = await collectGarbage(context, Date.now() - deletedForSeconds * 1000);
      await insertAudit(db, { actor, action: 'store.collect-garbage', subject: 'store', details: collected });
      return collected;
    },

    retentionPolicy: () => readPolicy(db),

    async declareRetention(changes) {
      return db.transaction().execute(async (transaction) => {
        const policy = { ...(await readPolicy(transaction)), ...changes };
        await writePolicy(transaction, policy);
        await insertAudit(transaction, {
          actor,
          action: 'store.declare-retention',
          subject: 'store',
          details: changes,
        });
        return policy;
      });
    },

    applyRetention: (options) => applyRetention(context, options),

    async verify() {
      return [...(await databaseProblems(context)), ...(await contentProblems(context))];
    },
  };
}

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

import type { StoreContext } from './context.js';
import { decodeJson, encodeJson } from './json.js';
import { requireRun } from './run-rows.js';
import { checkName } from './text.js';
import type { EvaluationStore } from './types.js';

/** The {@link EvaluationStore} part of a store. */
export function evaluationStore({ db }: StoreContext): EvaluationStore {
  return {
    async putEvaluation(runId, stage, record) {
      checkName(stage, 'stage');
      const values = { record: encodeJson(record, `evaluation "${stage}"`), created_at: Date.now() };
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        await transaction
          .insertInto('evaluation')
          .values({ run_id: runId, stage, ...values })
          .onConflict((conflict) => conflict.columns(['run_id', 'stage']).doUpdateSet(values))
          .execute();
      });
    },

    async getEvaluations(runId) {
      await requireRun(db, runId, { deletedToo: true });
      const rows = await db
        .selectFrom('evaluation')
        .select(['stage', 'record', 'created_at'])
        .where('run_id', '=', runId)
        .orderBy('created_at')
        .orderBy('stage')
        .execute();
      return rows.map(({ stage, record, created_at }) => ({
        stage,
        record: decodeJson(record),
        createdAt: new Date(created_at),
      }));
    },
  };
}

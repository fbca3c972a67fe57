import { randomBytes } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import { BallastError } from '../../errors.js';
import { insertAudit } from '../audit.js';
import type { StoreContext } from '../context.js';
import { decodeJson, encodeJson } from '../json.js';
import { checkName, storableText } from '../text.js';
import type { RolloutTable } from './schema.js';
import type { NewRolloutDecision, RolloutStore, StoredRollout } from './types.js';

/** The {@link RolloutStore} part of a store. */
export function rolloutStore({ db, actor }: StoreContext): RolloutStore {
  type Transaction = Parameters<Parameters<ReturnType<typeof db.transaction>['execute']>[0]>[0];

  const addDecisions = async (
    transaction: Transaction,
    { id, model }: { id: string; model: string },
    decisions: readonly NewRolloutDecision[],
  ): Promise<void> => {
    const { last } = await transaction
      .selectFrom('rollout_decision')
      .select((eb) => eb.fn.max('number').as('last'))
      .where('rollout_id', '=', id)
      .executeTakeFirstOrThrow();
    let number = Number(last ?? 0);
    for (const { at, kind, step, reason, by, evidence } of decisions) {
      number++;
      const values = { rollout_id: id, number, at: Math.round(at), kind, step, reason: storableText(reason) };
      await transaction
        .insertInto('rollout_decision')
        .values({ ...values, decided_by: storableText(by), evidence: encodeJson(evidence, `decision of ${id}`) })
        .execute();
      const details = { rollout: id, step, reason, by };
      await insertAudit(transaction, { actor, action: `rollout.${kind}`, subject: `models:/${model}`, details });
    }
  };

  const underWay = async (transaction: Transaction, model: string): Promise<BallastError> => {
    const open = await transaction
      .selectFrom('rollout')
      .select(['id', 'phase', 'candidate'])
      .where('model', '=', model)
      .where('closed_at', 'is', null)
      .executeTakeFirst();
    return new BallastError('A rollout of this model is under way', {
      code: 'ROLLOUT_UNDER_WAY',
      kind: 'conflict',
      place: model,
      ...(open === undefined ? {} : { value: `${open.id}: version ${open.candidate}, ${open.phase}` }),
      remedy: `Wait for it, or end it: ballast rollout abort ${open?.id ?? model}`,
    });
  };

  return {
    async createRollout({ model, baseline, candidate, phase, config, state }, decisions) {
      checkName(model, 'model name');
      const id = `ro-${randomBytes(6).toString('hex')}`;
      const now = Date.now();
      await db.transaction().execute(async (transaction) => {
        await transaction
          .updateTable('rollout')
          .set({ closed_at: now })
          .where('model', '=', model)
          .where('phase', '=', 'complete')
          .where('closed_at', 'is', null)
          .execute();
        const begun = await transaction
          .insertInto('rollout')
          .values({
            ...{ id, model, baseline, candidate, phase, revision: 1 },
            config: encodeJson(config, 'rollout config'),
            state: encodeJson(state, 'rollout state'),
            ...{ created_at: now, created_by: actor, closed_at: null },
          })
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst();
        if (begun === undefined) throw await underWay(transaction, model);
        await addDecisions(transaction, { id, model }, decisions);
      });
      return this.getRollout(id);
    },

    async changeRollout(id, revision, { phase, state, decisions, look, close }) {
      return db.transaction().execute(async (transaction) => {
        const changed = await transaction
          .updateTable('rollout')
          .set({
            phase,
            state: encodeJson(state, 'rollout state'),
            revision: revision + 1,
            ...(close ? { closed_at: Date.now() } : {}),
          })
          .where('id', '=', id)
          .where('revision', '=', revision)
          .returning(['model'])
          .executeTakeFirst();
        if (changed === undefined) return undefined;
        await addDecisions(transaction, { id, model: changed.model }, decisions);
        if (look !== undefined) {
          const { number, at, step, slis } = look;
          await transaction
            .insertInto('rollout_look')
            .values({ rollout_id: id, number, at: Math.round(at), step, slis: encodeJson(slis, 'look') })
            .execute();
        }
        return revision + 1;
      });
    },

    async getRollout(id) {
      const row = await db.selectFrom('rollout').selectAll().where('id', '=', id).executeTakeFirst();
      if (row !== undefined) return toRollout(row);
      throw new BallastError('There is no such rollout', {
        code: 'ROLLOUT_NOT_FOUND',
        kind: 'not-found',
        value: id,
        remedy: 'ballast rollout status lists them',
      });
    },

    async listRollouts({ model, open = false, limit = 100 } = {}) {
      let query = db.selectFrom('rollout').selectAll().orderBy('created_at', 'desc').orderBy('id').limit(limit);
      if (model !== undefined) query = query.where('model', '=', model);
      if (open) query = query.where('closed_at', 'is', null);
      return (await query.execute()).map(toRollout);
    },

    async rolloutDecisions(id) {
      const rows = await db
        .selectFrom('rollout_decision')
        .selectAll()
        .where('rollout_id', '=', id)
        .orderBy('number')
        .execute();
      return rows.map(({ number, at, kind, step, reason, decided_by, evidence }) => ({
        ...{ number, at, kind, step, reason, by: decided_by },
        evidence: decodeJson(evidence),
      }));
    },

    async rolloutLooks(id, most = 500) {
      const { total } = await db
        .selectFrom('rollout_look')
        .select((eb) => eb.fn.countAll().as('total'))
        .where('rollout_id', '=', id)
        .executeTakeFirstOrThrow();
      const every = Math.max(1, Math.ceil(Number(total) / most));
      const rows = await db
        .selectFrom('rollout_look')
        .selectAll()
        .where('rollout_id', '=', id)
        .where(sql<boolean>`number % ${every} = 0`)
        .orderBy('number')
        .execute();
      return rows.map(({ number, at, step, slis }) => ({ number, at, step, slis: decodeJson(slis) }));
    },
  };
}

function toRollout(row: Selectable<RolloutTable>): StoredRollout {
  return {
    id: row.id,
    model: row.model,
    baseline: row.baseline,
    candidate: row.candidate,
    phase: row.phase,
    config: decodeJson(row.config),
    state: decodeJson(row.state),
    revision: row.revision,
    createdAt: new Date(row.created_at),
    createdBy: row.created_by,
    closedAt: row.closed_at === null ? undefined : new Date(row.closed_at),
  };
}

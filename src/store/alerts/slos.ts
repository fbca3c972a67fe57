import { BallastError } from '../../errors.js';
import { insertAudit } from '../audit.js';
import type { StoreContext } from '../context.js';
import { decodeJson, encodeJson } from '../json.js';
import { checkName, storableText } from '../text.js';
import type { AlertStore } from './types.js';

const MINUTE = 60_000;

/** Objectives and user-defined counts of the {@link AlertStore}. */
export function sloStore({
  db,
  actor,
}: StoreContext): Pick<AlertStore, 'putSlos' | 'removeSlo' | 'listSlos' | 'countSli' | 'sliCounts'> {
  return {
    async putSlos(model, slos, source) {
      checkName(model, 'model name');
      await db.transaction().execute(async (transaction) => {
        for (const { name, definition } of slos) {
          const values = {
            definition: encodeJson(definition, `objective ${name}`),
            source: storableText(source),
            updated_at: Date.now(),
            updated_by: actor,
          };
          await transaction
            .insertInto('slo')
            .values({ model, name: checkName(name, 'objective name'), ...values })
            .onConflict((conflict) => conflict.columns(['model', 'name']).doUpdateSet(values))
            .execute();
        }
        const details = { source, names: slos.map(({ name }) => name) };
        await insertAudit(transaction, { actor, action: 'slo.put', subject: `models:/${model}`, details });
      });
    },

    async removeSlo(model, name) {
      await db.transaction().execute(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('slo')
          .where('model', '=', model)
          .where('name', '=', name)
          .executeTakeFirstOrThrow();
        if (numDeletedRows === 0n) {
          throw new BallastError('This model keeps no such objective', {
            code: 'SLO_NOT_FOUND',
            kind: 'not-found',
            place: model,
            value: name,
            remedy: `ballast slo list ${model} shows its objectives.`,
          });
        }
        await insertAudit(transaction, {
          actor,
          action: 'slo.remove',
          subject: `models:/${model}`,
          details: { names: [name] },
        });
      });
    },

    async listSlos(model) {
      let query = db.selectFrom('slo').selectAll().orderBy('model').orderBy('name');
      if (model !== undefined) query = query.where('model', '=', model);
      return (await query.execute()).map((row) => ({
        model: row.model,
        name: row.name,
        definition: decodeJson(row.definition),
        source: row.source,
        updatedAt: new Date(row.updated_at),
        updatedBy: row.updated_by,
      }));
    },

    async countSli({ model, name, version, at, good, total }) {
      if (!(good >= 0 && total >= good && Number.isFinite(total) && Number.isFinite(at))) {
        throw new BallastError('Counts are at least 0, and no more are good than there are', {
          code: 'SLI_INVALID',
          place: name,
          value: { good, total },
        });
      }
      await db
        .insertInto('sli_count')
        .values({
          model: checkName(model, 'model name'),
          name: checkName(name, 'SLI name'),
          version: storableText(version),
          at: Math.floor(at / MINUTE) * MINUTE,
          good,
          total,
        })
        .onConflict((conflict) =>
          conflict.columns(['model', 'at', 'name', 'version']).doUpdateSet((eb) => ({
            good: eb('sli_count.good', '+', good),
            total: eb('sli_count.total', '+', total),
          })),
        )
        .execute();
    },

    async sliCounts(model, { from, to }) {
      return db
        .selectFrom('sli_count')
        .selectAll()
        .where('model', '=', model)
        .where('at', '>=', from)
        .where('at', '<', to)
        .orderBy('at')
        .execute();
    },
  };
}

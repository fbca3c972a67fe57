import type { Kysely } from 'kysely';
import { BallastError } from '../../errors.js';
import { insertAudit } from '../audit.js';
import type { StoreContext } from '../context.js';
import { archived, requireModelRow, requireVersionRow } from '../registry/rows.js';
import type { StoreSchema } from '../schema.js';
import { checkName, storableText } from '../text.js';
import type { Traffic, TrafficShare, TrafficStore } from './types.js';

/** Weights are sums of shares such as 0.05 and 0.95. */
const ROUNDING = 1e-9;

/** The {@link TrafficStore} part of a store. */
export function trafficStore({ db, actor }: StoreContext): TrafficStore {
  return {
    async setTraffic(model, { shares, stickyKey, reason, replaces }) {
      checkShares(model, shares);
      return db.transaction().execute(async (transaction) => {
        const { id } = await requireModelRow(transaction, model);
        for (const { version } of shares) {
          const { state } = await requireVersionRow(transaction, model, version);
          if (state === 'archived') throw archived(model, version);
        }
        const before = await transaction
          .selectFrom('model_traffic')
          .select('revision')
          .where('model_id', '=', id)
          .executeTakeFirst();
        const present = before?.revision ?? 0;
        if (replaces !== undefined && replaces !== present) throw changed(model, replaces, present);
        const row = {
          revision: present + 1,
          sticky_key: stickyKey === undefined ? null : checkName(stickyKey, 'sticky key'),
          reason: storableText(reason),
          updated_at: Date.now(),
          updated_by: actor,
        };
        // Two that found the same revision: the later of them writes nothing.
        const written = await transaction
          .insertInto('model_traffic')
          .values({ model_id: id, ...row })
          .onConflict((conflict) =>
            conflict.column('model_id').doUpdateSet(row).where('model_traffic.revision', '=', present),
          )
          .executeTakeFirst();
        if (written.numInsertedOrUpdatedRows === 0n) throw changed(model, present, present + 1);
        await transaction.deleteFrom('model_traffic_share').where('model_id', '=', id).execute();
        if (shares.length > 0) {
          await transaction
            .insertInto('model_traffic_share')
            .values(shares.map(({ version, role, weight }) => ({ model_id: id, version, role, weight })))
            .execute();
        }
        await insertAudit(transaction, {
          actor,
          action: 'model.traffic',
          subject: `models:/${model}`,
          details: { shares, stickyKey: stickyKey ?? null, reason, revision: row.revision },
        });
        const [traffic] = await read(transaction, [{ id, name: model }]);
        if (traffic === undefined) throw new Error('what was written is there');
        return traffic;
      });
    },

    async getTraffic(model) {
      const [traffic] = await read(db, [await requireModelRow(db, model)]);
      return traffic;
    },

    async servedModels(names) {
      if (names.length === 0) return [];
      const models = await db
        .selectFrom('registered_model')
        .select(['id', 'name'])
        .where('name', 'in', [...names])
        .execute();
      if (models.length === 0) return [];
      const aliases = await db
        .selectFrom('model_alias')
        .selectAll()
        .where(
          'model_id',
          'in',
          models.map(({ id }) => id),
        )
        .execute();
      const traffic = await read(db, models);
      return models.map(({ id, name }) => ({
        model: name,
        aliases: Object.fromEntries(
          aliases.filter((alias) => alias.model_id === id).map((alias) => [alias.name, alias.version]),
        ),
        traffic: traffic.find(({ model }) => model === name),
      }));
    },
  };
}

async function read(
  db: Kysely<StoreSchema>,
  models: readonly { readonly id: number; readonly name: string }[],
): Promise<Traffic[]> {
  const ids = models.map(({ id }) => id);
  const rows = await db
    .selectFrom('model_traffic')
    .leftJoin('model_traffic_share', 'model_traffic_share.model_id', 'model_traffic.model_id')
    .selectAll('model_traffic')
    .select(['version', 'role', 'weight'])
    .where('model_traffic.model_id', 'in', ids)
    .orderBy('version')
    .execute();
  return models.flatMap(({ id, name }) => {
    const own = rows.filter((row) => row.model_id === id);
    const [first] = own;
    if (first === undefined) return [];
    const shares = own.flatMap(({ version, role, weight }) =>
      version === null || role === null || weight === null ? [] : [{ version, role, weight }],
    );
    return [
      {
        model: name,
        shares,
        stickyKey: first.sticky_key ?? undefined,
        revision: first.revision,
        reason: first.reason,
        updatedAt: new Date(first.updated_at),
        updatedBy: first.updated_by,
      },
    ];
  });
}

function checkShares(model: string, shares: readonly TrafficShare[]): void {
  if (shares.length === 0) return;
  const invalid = (message: string, value: unknown): BallastError =>
    new BallastError(message, {
      code: 'TRAFFIC_INVALID',
      place: `models:/${model}`,
      value,
      remedy: 'Give each version once: one is live, and the weights of all but shadows add up to 1.',
    });
  const twice = shares.find(({ version }, i) => shares.findIndex((other) => other.version === version) < i);
  if (twice !== undefined) throw invalid('A version has two shares of the traffic', twice.version);
  const odd = shares.find(({ weight }) => !(weight >= 0 && weight <= 1));
  if (odd !== undefined) throw invalid('A share of the traffic is from 0 to 1', odd.weight);
  const live = shares.filter(({ role }) => role === 'live').map(({ version }) => version);
  if (live.length !== 1) throw invalid('One version of a model is live', live);
  const sum = shares.reduce((total, { role, weight }) => total + (role === 'shadow' ? 0 : weight), 0);
  if (Math.abs(sum - 1) > ROUNDING) throw invalid('The shares of the traffic do not add up to 1', sum);
}

function changed(model: string, expected: number, present: number): BallastError {
  return new BallastError('The traffic was changed meanwhile', {
    code: 'TRAFFIC_CHANGED',
    kind: 'conflict',
    place: `models:/${model}`,
    value: { expected, present },
    remedy: 'Read it again and decide on what it is now.',
  });
}

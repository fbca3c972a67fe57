import type { Kysely } from 'kysely';
import type { StoreContext } from '../context.js';
import { decodeJson } from '../json.js';
import { heldModels } from '../retention/holds.js';
import type { StoreSchema } from '../schema.js';
import { LABELS } from './heads.js';
import { ingest, joinLabels } from './labels.js';
import { prune } from './prune.js';
import { writeBatch } from './record.js';
import { toBytes, toObservation } from './rows.js';
import type { ObservationStore, StoredObservation } from './types.js';
import { toWindow } from './windows.js';

/** The {@link ObservationStore} part of a store. */
export function observationStore({ db, kind }: StoreContext): ObservationStore {
  return {
    async recordObservations(batch) {
      await writeBatch({ db, kind }, batch);
      await joinLabels(
        db,
        batch.observations.map(({ id, beside }) => beside ?? id),
      );
    },

    ingestLabels: (labels) => ingest(db, labels),

    observationsAfter: (model, cursor, limit) => after(db, model, { column: 'sequence', cursor, limit }),

    labelledAfter: (model, cursor, limit) => after(db, model, { column: 'label_sequence', cursor, limit }),

    async observationsBetween(model, { from, to, version, role, labelled, limit = 1000 }) {
      const rows = await db
        .selectFrom('observation')
        .selectAll()
        .where('model', '=', model)
        .$if(from !== undefined, (query) => query.where('at', '>=', from ?? 0))
        .$if(to !== undefined, (query) => query.where('at', '<', to ?? 0))
        .$if(version !== undefined, (query) => query.where('version', '=', version ?? ''))
        .$if(role !== undefined, (query) => query.where('role', '=', role ?? 'live'))
        .$if(labelled === true, (query) => query.where('label', 'is not', null))
        .$if(labelled === false, (query) => query.where('label', 'is', null))
        .orderBy('at', 'desc')
        .orderBy('sequence', 'desc')
        .limit(limit)
        .execute();
      return rows.map(toObservation);
    },

    async windowsOf(model, { from, to, version, role, slice } = {}) {
      const rows = await db
        .selectFrom('observation_window')
        .selectAll()
        .where('model', '=', model)
        .$if(from !== undefined, (query) => query.where('start', '>=', from ?? 0))
        .$if(to !== undefined, (query) => query.where('start', '<', to ?? 0))
        .$if(version !== undefined, (query) => query.where('version', '=', version ?? ''))
        .$if(role !== undefined, (query) => query.where('role', '=', role ?? 'live'))
        .$if(slice !== undefined, (query) => query.where('slice', '=', slice ?? ''))
        .orderBy('start')
        .orderBy('version')
        .orderBy('role')
        .orderBy('slice')
        .execute();
      return rows.map(toWindow);
    },

    async sketchesOf(model, { from, to, version, role } = {}) {
      const rows = await db
        .selectFrom('observation_sketch')
        .selectAll()
        .where('model', '=', model)
        .$if(from !== undefined, (query) => query.where('start', '>=', from ?? 0))
        .$if(to !== undefined, (query) => query.where('start', '<', to ?? 0))
        .$if(version !== undefined, (query) => query.where('version', '=', version ?? ''))
        .$if(role !== undefined, (query) => query.where('role', '=', role ?? 'live'))
        .orderBy('start')
        .orderBy('name')
        .execute();
      return rows.map(({ name, content, ...row }) => ({ ...row, column: name, content: toBytes(content) }));
    },

    async observedModels() {
      const rows = await db
        .selectFrom('observed_model')
        .select('model')
        .where('model', '!=', LABELS)
        .orderBy('model')
        .execute();
      return rows.map(({ model }) => model);
    },

    async labelHistory(id) {
      const rows = await db
        .selectFrom('observation_label')
        .selectAll()
        .where('prediction_id', '=', id)
        .orderBy('known_at')
        .orderBy('sequence')
        .execute();
      return rows.map(({ label, known_at, source }) => ({
        ...{ id, knownAt: known_at, source },
        label: decodeJson(label) as string | number,
      }));
    },

    pruneObservations: async (kept, now = Date.now()) => prune(db, kept, { now, held: await heldModels(db) }),
  };
}

/** A model's rows beyond a place of one of the two sequences: as they were observed, or as their labels came. */
async function after(
  db: Kysely<StoreSchema>,
  model: string,
  {
    column,
    cursor,
    limit = 1000,
  }: { column: 'sequence' | 'label_sequence'; cursor: number; limit?: number | undefined },
): Promise<StoredObservation[]> {
  const rows = await db
    .selectFrom('observation')
    .selectAll()
    .where('model', '=', model)
    .where(column, '>', cursor)
    .orderBy(column)
    .limit(limit)
    .execute();
  return rows.map(toObservation);
}

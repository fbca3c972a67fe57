import type { Kysely } from 'kysely';
import type { StoreSchema } from '../schema.js';
import { LABELS, takeTurn } from './heads.js';
import { joinLabels } from './labels.js';
import type { KeptObservations, PrunedObservations } from './types.js';
import { rollWindows } from './windows.js';

/** For so long a batch may be tried again. */
const BATCH_MS = 24 * 3_600_000;

/** Labels of predictions that have none, where a process ended between writing them and joining them. */
async function joinForgotten(db: Kysely<StoreSchema>): Promise<void> {
  const rows = await db
    .selectFrom('observation_label')
    .innerJoin('observation', 'observation.answer_id', 'observation_label.prediction_id')
    .select('observation_label.prediction_id')
    .distinct()
    .where('observation_label.superseded', '=', 0)
    .where('observation.label', 'is', null)
    .execute();
  await joinLabels(
    db,
    rows.map(({ prediction_id }) => prediction_id),
  );
}

/** Removes what is older, or more, than is to be kept: a model at a time, so that others write between. */
export async function prune(
  db: Kysely<StoreSchema>,
  { rows, rowsMs, minutesMs, windowsMs, sketchesMs }: KeptObservations,
  now: number,
): Promise<PrunedObservations> {
  const removed = { rows: 0, labels: 0, minutes: 0, windows: 0, sketches: 0 };
  const models = await db.selectFrom('observed_model').select('model').where('model', '!=', LABELS).execute();
  for (const { model } of models) {
    await db.transaction().execute(async (transaction) => {
      const { lastSequence, rolledUntil } = await takeTurn(transaction, model);
      const old = await transaction
        .deleteFrom('observation')
        .where('model', '=', model)
        .where(({ or, eb }) => or([eb('sequence', '<=', lastSequence - rows), eb('at', '<', now - rowsMs)]))
        .executeTakeFirstOrThrow();
      removed.rows += Number(old.numDeletedRows);
      removed.minutes += await rollWindows(transaction, model, now - minutesMs, rolledUntil);
      const windows = await transaction
        .deleteFrom('observation_window')
        .where('model', '=', model)
        .where('start', '<', now - windowsMs)
        .executeTakeFirstOrThrow();
      removed.windows += Number(windows.numDeletedRows);
      const sketches = await transaction
        .deleteFrom('observation_sketch')
        .where('model', '=', model)
        .where('start', '<', now - sketchesMs)
        .executeTakeFirstOrThrow();
      removed.sketches += Number(sketches.numDeletedRows);
    });
  }
  await joinForgotten(db);
  const labels = await db
    .deleteFrom('observation_label')
    .where('received_at', '<', now - rowsMs)
    .executeTakeFirstOrThrow();
  await db
    .deleteFrom('observation_batch')
    .where('at', '<', now - BATCH_MS)
    .execute();
  return { ...removed, labels: Number(labels.numDeletedRows) };
}

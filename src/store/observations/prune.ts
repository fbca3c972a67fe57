import type { ExpressionBuilder, Kysely, SelectQueryBuilder } from 'kysely';
import type { StoreSchema } from '../schema.js';
import { HOUR_MS, MINUTE_MS } from './counts.js';
import { LABELS, takeTurn } from './heads.js';
import { joinLabels } from './labels.js';
import type { KeptObservations, PrunedObservations } from './types.js';
import { rolledBefore, rollWindows } from './windows.js';

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

/** Rows removed at once: others write between. */
const ROWS_AT_ONCE = 20_000;

interface PruneOptions {
  /** ms since the epoch. */
  readonly now: number;
  /** Only count. */
  readonly dryRun?: boolean;
  /** Models whose observations since a time are needed, whatever their age and number. */
  readonly held: ReadonlyMap<string, { readonly since: number }>;
}

/** Removes what is older, or more, than is to be kept: some rows of a model at a time, so that others write between. */
export async function prune(
  db: Kysely<StoreSchema>,
  kept: KeptObservations,
  { now, dryRun = false, held }: PruneOptions,
): Promise<PrunedObservations> {
  const sum = { rows: 0, minutes: 0, windows: 0, sketches: 0 };
  const models = await db.selectFrom('observed_model').select('model').where('model', '!=', LABELS).execute();
  for (const { model } of models) {
    const bounds = { kept, now, needed: held.get(model)?.since ?? Number.MAX_SAFE_INTEGER };
    const removed = dryRun ? await countOld(db, model, bounds) : await removeOld(db, model, bounds);
    for (const name of ['rows', 'minutes', 'windows', 'sketches'] as const) sum[name] += removed[name];
  }
  const labelsBefore = Math.min(now - kept.rowsMs, ...[...held.values()].map(({ since }) => since));
  if (dryRun) {
    const labels = db.selectFrom('observation_label').where('received_at', '<', labelsBefore);
    return { ...sum, labels: await countOf(labels) };
  }
  await joinForgotten(db);
  const { numDeletedRows } = await db
    .deleteFrom('observation_label')
    .where('received_at', '<', labelsBefore)
    .executeTakeFirstOrThrow();
  await db
    .deleteFrom('observation_batch')
    .where('at', '<', now - BATCH_MS)
    .execute();
  return { ...sum, labels: Number(numDeletedRows) };
}

interface Bounds {
  readonly kept: KeptObservations;
  readonly now: number;
  /** Observations since then are needed. */
  readonly needed: number;
}

type Removed = Omit<PrunedObservations, 'labels'>;

const windowsBefore = ({ kept, now, needed }: Bounds): number => Math.min(now - kept.windowsMs, needed - HOUR_MS);
const sketchesBefore = ({ kept, now, needed }: Bounds): number => Math.min(now - kept.sketchesMs, needed - HOUR_MS);

/** The condition that a row of a model is older, or one of more, than is to be kept. */
const tooOld =
  (lastSequence: number, { kept, now, needed }: Bounds) =>
  ({ and, or, eb }: ExpressionBuilder<StoreSchema, 'observation'>) =>
    and([
      or([eb('sequence', '<=', lastSequence - kept.rows), eb('at', '<', now - kept.rowsMs)]),
      eb('at', '<', needed),
    ]);

async function removeOld(db: Kysely<StoreSchema>, model: string, bounds: Bounds): Promise<Removed> {
  let [rows, some] = [0, 0];
  do {
    some = await db.transaction().execute(async (transaction) => {
      const { lastSequence } = await takeTurn(transaction, model);
      const { numDeletedRows } = await transaction
        .deleteFrom('observation')
        .where('model', '=', model)
        .where('sequence', 'in', (query) =>
          query
            .selectFrom('observation')
            .select('sequence')
            .where('model', '=', model)
            .where(tooOld(lastSequence, bounds))
            .limit(ROWS_AT_ONCE),
        )
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    });
    rows += some;
  } while (some === ROWS_AT_ONCE);
  return db.transaction().execute(async (transaction) => {
    const { rolledUntil } = await takeTurn(transaction, model);
    const minutes = await rollWindows(transaction, model, bounds.now - bounds.kept.minutesMs, rolledUntil);
    const windows = await transaction
      .deleteFrom('observation_window')
      .where('model', '=', model)
      .where('start', '<', windowsBefore(bounds))
      .executeTakeFirstOrThrow();
    const sketches = await transaction
      .deleteFrom('observation_sketch')
      .where('model', '=', model)
      .where('start', '<', sketchesBefore(bounds))
      .executeTakeFirstOrThrow();
    return {
      ...{ rows, minutes },
      windows: Number(windows.numDeletedRows),
      sketches: Number(sketches.numDeletedRows),
    };
  });
}

async function countOld(db: Kysely<StoreSchema>, model: string, bounds: Bounds): Promise<Removed> {
  const head = await db
    .selectFrom('observed_model')
    .select(['last_sequence', 'rolled_until'])
    .where('model', '=', model)
    .executeTakeFirstOrThrow();
  const windows = db.selectFrom('observation_window').where('model', '=', model);
  const sketches = db.selectFrom('observation_sketch').where('model', '=', model);
  const rolled = rolledBefore(bounds.now - bounds.kept.minutesMs, head.rolled_until);
  return {
    rows: await countOf(
      db.selectFrom('observation').where('model', '=', model).where(tooOld(head.last_sequence, bounds)),
    ),
    minutes: await countOf(windows.where('ms', '=', MINUTE_MS).where('start', '<', rolled)),
    windows: await countOf(windows.where('start', '<', windowsBefore(bounds))),
    sketches: await countOf(sketches.where('start', '<', sketchesBefore(bounds))),
  };
}

async function countOf<Tables extends keyof StoreSchema>(
  query: SelectQueryBuilder<StoreSchema, Tables, object>,
): Promise<number> {
  const { count } = await query.select(({ fn }) => fn.countAll().as('count')).executeTakeFirstOrThrow();
  return Number(count);
}

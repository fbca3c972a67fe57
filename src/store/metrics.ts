import type { ExpressionBuilder, Kysely } from 'kysely';
import { BallastError } from '../errors.js';
import { batches } from './batches.js';
import type { StoreContext } from './context.js';
import { requireRun } from './run-rows.js';
import type { MetricPointTable, StoreSchema } from './schema.js';
import { checkName } from './text.js';
import type { MetricPoint, MetricStore, NewMetricPoint } from './types.js';

type PointRow = Omit<MetricPointTable, 'series_id'>;

/** The {@link MetricStore} part of a store. */
export function metricStore({ db }: StoreContext): MetricStore {
  return {
    async logMetrics(runId, points) {
      if (points.length === 0) return;
      const rows = toRows(points);
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        const ids = await seriesIds(transaction, runId, [...new Set(rows.map(({ name }) => name))].sort());
        for (const batch of batches(rows)) {
          await transaction
            .insertInto('metric_point')
            .values(batch.map(({ name, ...row }) => ({ series_id: idOf(ids, name), ...row })))
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
      });
    },

    async metricHistory(runId, name) {
      await requireRun(db, runId, { deletedToo: true });
      let query = db
        .selectFrom('metric_series')
        .innerJoin('metric_point', 'metric_point.series_id', 'metric_series.id')
        .where('metric_series.run_id', '=', runId)
        .select(['name', 'step', 'timestamp', 'value', 'is_nan'])
        .orderBy('name')
        .orderBy('step')
        .orderBy('timestamp')
        .orderBy('value');
      if (name !== undefined) query = query.where('metric_series.name', '=', name);
      return (await query.execute()).map(toPoint);
    },

    async latestMetrics(runId) {
      await requireRun(db, runId, { deletedToo: true });
      const rows = await db
        .selectFrom('metric_series')
        .where('run_id', '=', runId)
        .where(({ exists, selectFrom }) =>
          exists(selectFrom('metric_point').select('step').whereRef('series_id', '=', 'metric_series.id')),
        )
        .select('name')
        .select((builder) => [
          latestOf(builder, 'step').as('step'),
          latestOf(builder, 'timestamp').as('timestamp'),
          latestOf(builder, 'value').as('value'),
          latestOf(builder, 'is_nan').as('is_nan'),
        ])
        .orderBy('name')
        .execute();
      return rows.map(toPoint);
    },
  };
}

/** Removes the points of a run after a step. */
export async function removeLaterPoints(db: Kysely<StoreSchema>, runId: string, step: number): Promise<void> {
  checkInteger(step, 'step');
  await db
    .deleteFrom('metric_point')
    .where('series_id', 'in', db.selectFrom('metric_series').select('id').where('run_id', '=', runId))
    .where('step', '>', step)
    .execute();
}

/** A column of a series' last point in the order of the points' primary key: one look-up, whatever their number. */
function latestOf<Column extends keyof PointRow>(
  { selectFrom }: ExpressionBuilder<StoreSchema, 'metric_series'>,
  column: Column,
) {
  return selectFrom('metric_point')
    .select(column)
    .whereRef('series_id', '=', 'metric_series.id')
    .orderBy('step', 'desc')
    .orderBy('timestamp', 'desc')
    .orderBy('value', 'desc')
    .orderBy('is_nan', 'desc')
    .limit(1)
    .$asScalar()
    .$notNull();
}

function toRows(points: readonly NewMetricPoint[]): (PointRow & { name: string })[] {
  const now = Date.now();
  return points.map(({ name, value, step = 0, timestamp = now }) => {
    checkName(name, 'metric name');
    checkInteger(step, 'step');
    checkInteger(timestamp, 'timestamp');
    if (typeof value !== 'number') {
      throw new BallastError('The value of a metric must be a number', { code: 'METRIC_INVALID', place: name, value });
    }
    const isNan = Number.isNaN(value);
    // SQLite does not keep the sign of zero; adding 0 drops it everywhere.
    return { name, step, timestamp, value: isNan ? 0 : value + 0, is_nan: isNan ? 1 : 0 };
  });
}

/**
 * The ids of a run's metrics, which are created where they are new.
 *
 * @param names each once, in ascending order, so that two writers lock them in the same order
 */
async function seriesIds(
  db: Kysely<StoreSchema>,
  runId: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const ids = new Map<string, number>();
  const find = async (wanted: readonly string[]) => {
    const rows = await db
      .selectFrom('metric_series')
      .select(['id', 'name'])
      .where('run_id', '=', runId)
      .where('name', 'in', wanted)
      .execute();
    for (const { id, name } of rows) ids.set(name, id);
  };
  for (const batch of batches(names)) {
    await find(batch);
    const missing = batch.filter((name) => !ids.has(name));
    if (missing.length === 0) continue;
    await db
      .insertInto('metric_series')
      .values(missing.map((name) => ({ run_id: runId, name })))
      .onConflict((conflict) => conflict.columns(['run_id', 'name']).doNothing())
      .execute();
    await find(missing);
  }
  return ids;
}

function idOf(ids: ReadonlyMap<string, number>, name: string): number {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`metric ${name} has no series`);
  return id;
}

function toPoint({ name, step, timestamp, value, is_nan }: PointRow & { name: string }): MetricPoint {
  return { name, step, value: is_nan === 1 ? Number.NaN : value, timestamp };
}

function checkInteger(value: number, what: string): void {
  if (Number.isSafeInteger(value)) return;
  throw new BallastError(`The ${what} of a metric must be an integer`, { code: 'METRIC_INVALID', place: what, value });
}

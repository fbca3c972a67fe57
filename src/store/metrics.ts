import { type Kysely, sql } from 'kysely';
import { BallastError } from '../errors.js';
import { batches } from './batches.js';
import type { StoreContext } from './context.js';
import { requireRun } from './run-rows.js';
import type { MetricPointTable, StoreSchema } from './schema.js';
import { checkName } from './text.js';
import type { MetricPoint, MetricStore, NewMetricPoint } from './types.js';

type PointRow = Omit<MetricPointTable, 'series_id'>;

/** The columns of a metric's latest point under the names of a point's. */
export const LATEST_COLUMNS = [
  'name',
  'latest_step as step',
  'latest_timestamp as timestamp',
  'latest_value as value',
  'latest_is_nan as is_nan',
] as const;

/** The {@link MetricStore} part of a store. */
export function metricStore({ db }: StoreContext): MetricStore {
  return {
    async logMetrics(runId, points) {
      if (points.length === 0) return;
      const rows = toRows(points);
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        await insertPoints(transaction, runId, rows);
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
        .where('latest_step', 'is not', null)
        .select(LATEST_COLUMNS)
        .orderBy('name')
        .execute();
      return rows.map(toPoint);
    },
  };
}

/** Writes points of a run, in the transaction of the caller, who has checked the run. */
export async function insertPoints(
  db: Kysely<StoreSchema>,
  runId: string,
  rows: readonly (PointRow & { name: string })[],
): Promise<void> {
  const ids = await seriesIds(db, runId, latestOf(rows));
  for (const batch of batches(rows)) {
    await db
      .insertInto('metric_point')
      .values(batch.map(({ name, ...row }) => ({ series_id: idOf(ids, name), ...row })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** Removes the points of a run after a step. */
export async function removeLaterPoints(db: Kysely<StoreSchema>, runId: string, step: number): Promise<void> {
  checkInteger(step, 'step');
  const series = db
    .selectFrom('metric_series')
    .select('id')
    .where('run_id', '=', runId)
    .where('latest_step', '>', step);
  await db.deleteFrom('metric_point').where('series_id', 'in', series).where('step', '>', step).execute();
  const last = (
    column: string,
  ) => sql`(select ${sql.ref(column)} from metric_point p where p.series_id = metric_series.id
    order by p.step desc, p.timestamp desc, p.value desc, p.is_nan desc limit 1)`;
  await sql`update metric_series set latest_timestamp = ${last('timestamp')}, latest_value = ${last('value')},
    latest_is_nan = ${last('is_nan')}, latest_step = ${last('step')}
    where run_id = ${runId} and latest_step > ${step}`.execute(db);
}

/** The last of each metric's points, by name in ascending order, so that two writers lock the series in the same order. */
function latestOf(rows: readonly (PointRow & { name: string })[]): (PointRow & { name: string })[] {
  const latest = new Map<string, PointRow & { name: string }>();
  for (const row of rows) {
    const known = latest.get(row.name);
    if (known === undefined || isLater(row, known)) latest.set(row.name, row);
  }
  return [...latest.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The order of the points' primary key. */
function isLater(a: PointRow, b: PointRow): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  if (a.value !== b.value) return a.value > b.value;
  return a.is_nan > b.is_nan;
}

/** Checked points as the database keeps them. */
export function toRows(points: readonly NewMetricPoint[]): (PointRow & { name: string })[] {
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

/** The ids of a run's metrics, which are created where they are new; their latest points are brought up to date. */
async function seriesIds(
  db: Kysely<StoreSchema>,
  runId: string,
  latest: readonly (PointRow & { name: string })[],
): Promise<ReadonlyMap<string, number>> {
  const ids = new Map<string, number>();
  for (const batch of batches(latest)) {
    await db
      .insertInto('metric_series')
      .values(
        batch.map(({ name, step, timestamp, value, is_nan }) => ({
          run_id: runId,
          name,
          latest_step: step,
          latest_timestamp: timestamp,
          latest_value: value,
          latest_is_nan: is_nan,
        })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['run_id', 'name'])
          .doUpdateSet(({ ref }) => ({
            latest_step: ref('excluded.latest_step'),
            latest_timestamp: ref('excluded.latest_timestamp'),
            latest_value: ref('excluded.latest_value'),
            latest_is_nan: ref('excluded.latest_is_nan'),
          }))
          .where(
            sql<boolean>`metric_series.latest_step is null or
            (excluded.latest_step, excluded.latest_timestamp, excluded.latest_value, excluded.latest_is_nan) >
            (metric_series.latest_step, metric_series.latest_timestamp, metric_series.latest_value, metric_series.latest_is_nan)`,
          ),
      )
      .execute();
    const rows = await db
      .selectFrom('metric_series')
      .select(['id', 'name'])
      .where('run_id', '=', runId)
      .where(
        'name',
        'in',
        batch.map(({ name }) => name),
      )
      .execute();
    for (const { id, name } of rows) ids.set(name, id);
  }
  return ids;
}

function idOf(ids: ReadonlyMap<string, number>, name: string): number {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`metric ${name} has no series`);
  return id;
}

type Nullable<Row> = { [Key in keyof Row]: Row[Key] | null };

/** A point as its readers know it. The columns of a latest point are null only together, and such rows are not selected. */
export function toPoint({ name, step, timestamp, value, is_nan }: Nullable<PointRow> & { name: string }): MetricPoint {
  return { name, step: step ?? 0, value: is_nan === 1 ? Number.NaN : (value ?? 0), timestamp: timestamp ?? 0 };
}

function checkInteger(value: number, what: string): void {
  if (Number.isSafeInteger(value)) return;
  throw new BallastError(`The ${what} of a metric must be an integer`, { code: 'METRIC_INVALID', place: what, value });
}

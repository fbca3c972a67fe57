import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import { batches } from '../batches.js';
import type { StoreContext } from '../context.js';
import { toPoint } from '../metrics.js';
import { checkLimit } from '../run-queries.js';
import type { StoreSchema } from '../schema.js';
import { compareNumber, compareText, refused } from '../search/compare.js';
import { type Clause, parseFilter, parseOrder } from '../search/filter.js';
import type { LoggedModel, LoggedModelQuery, ModelMetric } from './types.js';

const DEFAULT_LIMIT = 50;
const LARGEST_LIMIT = 5000;

/** Models by id, in the order of the ids; those that do not exist are left out. */
export async function loggedModelsOf(
  db: Kysely<StoreSchema>,
  ids: readonly string[],
  { deletedToo = false } = {},
): Promise<LoggedModel[]> {
  const found = new Map<string, LoggedModel>();
  for (const batch of batches(ids)) {
    let query = db.selectFrom('logged_model').selectAll().where('id', 'in', batch);
    if (!deletedToo) query = query.where('deleted_at', 'is', null);
    const params = await texts(db, 'logged_model_parameter', batch);
    const tags = await texts(db, 'logged_model_tag', batch);
    const metrics = await metricsOf(db, batch);
    for (const row of await query.execute()) {
      found.set(row.id, {
        id: row.id,
        experimentId: row.experiment_id,
        sourceRunId: row.source_run_id ?? undefined,
        name: row.name,
        modelType: row.model_type,
        status: row.status,
        createdAt: new Date(row.created_at),
        updatedAt: new Date(row.updated_at),
        params: params.get(row.id) ?? {},
        tags: tags.get(row.id) ?? {},
        metrics: metrics.get(row.id) ?? [],
      });
    }
  }
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** Models that a filter lets through. */
export async function searchLoggedModels(
  { db, kind }: StoreContext,
  query: LoggedModelQuery,
): Promise<{ models: LoggedModel[]; more: boolean }> {
  const { experimentIds, filter = '', datasets = [], orderBy = [], limit = DEFAULT_LIMIT, offset = 0 } = query;
  checkLimit(limit, LARGEST_LIMIT);
  if (experimentIds.length === 0) return { models: [], more: false };
  let select = db
    .selectFrom('logged_model')
    .select('id')
    .where('experiment_id', 'in', experimentIds)
    .where('deleted_at', 'is', null);
  for (const clause of parseFilter(filter)) {
    select = select.where(condition(clause));
  }
  for (const { field, ascending, datasetName, datasetDigest } of orderBy) {
    const on =
      datasetName === undefined ? [] : [{ name: datasetName, ...(datasetDigest && { digest: datasetDigest }) }];
    select = select.orderBy(orderColumn(field, on), (order) => (ascending ? order.asc() : order.desc()).nullsLast());
  }
  const rows = await select
    .orderBy('created_at', 'desc')
    .orderBy('sequence', 'desc')
    .limit(limit + 1)
    .offset(offset)
    .execute();
  const page = rows.slice(0, limit).map(({ id }) => id);
  return { models: await loggedModelsOf(db, page), more: rows.length > limit };

  function condition(clause: Clause): RawBuilder<SqlBool> {
    switch (clause.entity) {
      case 'metrics':
      case 'metric':
        return sql`exists (select 1 from logged_model_metric m where m.model_id = logged_model.id and m.name = ${clause.key}
          and m.is_nan = 0 and ${onDatasets(datasets)} and ${compareNumber(sql`m.value`, clause)})`;
      case 'params':
      case 'param':
        return ofTexts('logged_model_parameter', clause);
      case 'tags':
      case 'tag':
        return ofTexts('logged_model_tag', clause);
      default: {
        const { type, column } = attributeOf(clause);
        return type === 'text' ? compareText(kind, column, clause) : compareNumber(column, clause);
      }
    }
  }

  function ofTexts(table: string, clause: Clause): RawBuilder<SqlBool> {
    const named = sql`from ${sql.table(table)} t where t.model_id = logged_model.id and t.name = ${clause.key}`;
    if (clause.comparator === 'IS NULL') return sql`not exists (select 1 ${named})`;
    if (clause.comparator === 'IS NOT NULL') return sql`exists (select 1 ${named})`;
    return sql`exists (select 1 ${named} and ${compareText(kind, sql`t.value`, clause)})`;
  }
}

function orderColumn(field: string, datasets: NonNullable<LoggedModelQuery['datasets']>): RawBuilder<unknown> {
  const key = parseOrder(field);
  if (key.entity === 'metrics' || key.entity === 'metric') {
    return sql`(select max(m.value) from logged_model_metric m where m.model_id = logged_model.id and m.is_nan = 0
      and m.name = ${key.key} and ${onDatasets(datasets)})`;
  }
  return attributeOf({ ...key, at: 1 }).column;
}

function onDatasets(datasets: NonNullable<LoggedModelQuery['datasets']>): RawBuilder<SqlBool> {
  if (datasets.length === 0) return sql`1 = 1`;
  const each = datasets.map(({ name, digest }) =>
    digest === undefined
      ? sql`m.dataset_name = ${name}`
      : sql`(m.dataset_name = ${name} and m.dataset_digest = ${digest})`,
  );
  return sql`(${sql.join(each, sql` or `)})`;
}

const ATTRIBUTES: ReadonlyMap<string, { type: 'text' | 'number'; column: RawBuilder<unknown> }> = new Map([
  ['name', { type: 'text' as const, column: sql`logged_model.name` }],
  ['model_id', { type: 'text' as const, column: sql`logged_model.id` }],
  ['model_type', { type: 'text' as const, column: sql`logged_model.model_type` }],
  ['status', { type: 'text' as const, column: sql`upper(logged_model.status)` }],
  ['source_run_id', { type: 'text' as const, column: sql`logged_model.source_run_id` }],
  ['creation_time', { type: 'number' as const, column: sql`logged_model.created_at` }],
  ['creation_timestamp', { type: 'number' as const, column: sql`logged_model.created_at` }],
  ['last_updated_timestamp', { type: 'number' as const, column: sql`logged_model.updated_at` }],
]);

function attributeOf({ entity, key, at }: Pick<Clause, 'entity' | 'key' | 'at'>) {
  const attribute = ATTRIBUTES.get(key);
  if (attribute === undefined || (entity !== undefined && !entity.startsWith('attribute'))) {
    throw refused({ key, at }, `a model has metrics, params, tags, ${[...ATTRIBUTES.keys()].join(', ')}`);
  }
  return attribute;
}

async function texts(
  db: Kysely<StoreSchema>,
  table: 'logged_model_parameter' | 'logged_model_tag',
  ids: readonly string[],
): Promise<Map<string, Record<string, string>>> {
  const rows = await db.selectFrom(table).selectAll().where('model_id', 'in', ids).orderBy('name').execute();
  const found = new Map<string, Record<string, string>>();
  for (const { model_id, name, value } of rows) {
    const own = found.get(model_id) ?? {};
    own[name] = value;
    found.set(model_id, own);
  }
  return found;
}

async function metricsOf(db: Kysely<StoreSchema>, ids: readonly string[]): Promise<Map<string, ModelMetric[]>> {
  const rows = await db
    .selectFrom('logged_model_metric')
    .selectAll()
    .where('model_id', 'in', ids)
    .orderBy('name')
    .orderBy('step')
    .orderBy('timestamp')
    .execute();
  const found = new Map<string, ModelMetric[]>();
  for (const row of rows) {
    const own = found.get(row.model_id) ?? [];
    own.push({
      ...toPoint(row),
      runId: row.run_id,
      datasetName: row.dataset_name === '' ? undefined : row.dataset_name,
      datasetDigest: row.dataset_digest === '' ? undefined : row.dataset_digest,
    });
    found.set(row.model_id, own);
  }
  return found;
}

import { type RawBuilder, sql } from 'kysely';
import { batches } from '../batches.js';
import type { StoreContext } from '../context.js';
import { decodeJson } from '../json.js';
import { LATEST_COLUMNS, toPoint } from '../metrics.js';
import { NAME_TAG, TAGS_OF_RECORD } from '../search/run-attributes.js';
import type { MetricPoint } from '../types.js';
import type { DatasetInput, RunDocument, RunModel } from './types.js';

interface Draft {
  params: string;
  tags: string;
  metrics: MetricPoint[];
  datasets: DatasetInput[];
  models: RunModel[];
}

/**
 * What was logged to runs. Parameters and tags come as JSON text that the database itself writes: a page of a thousand
 * runs has hundreds of thousands of them, and none becomes an object on its way to the client.
 */
export async function runDocuments(
  context: StoreContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, RunDocument>> {
  const drafts = new Map<string, Draft>();
  for (const batch of batches(ids)) {
    await readTexts(context, batch, drafts);
    await readMetrics(context, batch, drafts);
    await readInputs(context, batch, drafts);
  }
  return drafts;
}

/** A JSON array of `{"key": ..., "value": ...}` of what a subquery selects as `name` and `value`. */
function pairs({ kind }: StoreContext, from: RawBuilder<unknown>): RawBuilder<string | null> {
  return kind === 'sqlite'
    ? sql`(select json_group_array(json_object('key', name, 'value', value)) from (${from}))`
    : sql`(select json_agg(json_build_object('key', name, 'value', value))::text from (${from}) texts)`;
}

async function readTexts(context: StoreContext, ids: readonly string[], drafts: Map<string, Draft>): Promise<void> {
  const params = pairs(context, sql`select name, value from run_parameter where run_id = run.id order by name`);
  const recorded = [...TAGS_OF_RECORD].map(
    ([name, column]) => sql`union all select ${sql.lit(name)}, ${column} where ${column} is not null
      and not exists (select 1 from run_tag where run_id = run.id and name = ${sql.lit(name)})`,
  );
  const tags = pairs(
    context,
    sql`select name, value from run_tag where run_id = run.id
      union all select ${sql.lit(NAME_TAG)}, run.name ${sql.join(recorded, sql` `)} order by 1`,
  );
  const rows = await context.db
    .selectFrom('run')
    .select(['id', params.as('params'), tags.as('tags')])
    .where('id', 'in', ids)
    .execute();
  for (const row of rows) {
    drafts.set(row.id, { params: row.params ?? '[]', tags: row.tags ?? '[]', metrics: [], datasets: [], models: [] });
  }
}

async function readMetrics({ db }: StoreContext, ids: readonly string[], drafts: Map<string, Draft>): Promise<void> {
  const rows = await db
    .selectFrom('metric_series')
    .select('run_id')
    .select(LATEST_COLUMNS)
    .where('run_id', 'in', ids)
    .where('latest_step', 'is not', null)
    .orderBy('run_id')
    .orderBy('name')
    .execute();
  for (const row of rows) drafts.get(row.run_id)?.metrics.push(toPoint(row));
}

async function readInputs({ db }: StoreContext, ids: readonly string[], drafts: Map<string, Draft>): Promise<void> {
  const datasets = await db
    .selectFrom('run_dataset')
    .innerJoin('dataset', 'dataset.id', 'run_dataset.dataset_id')
    .selectAll()
    .where('run_id', 'in', ids)
    .orderBy('dataset_id')
    .execute();
  for (const row of datasets) {
    drafts.get(row.run_id)?.datasets.push({
      dataset: {
        name: row.name,
        digest: row.digest,
        sourceType: row.source_type,
        source: row.source,
        ...(row.schema === null ? {} : { schema: row.schema }),
        ...(row.profile === null ? {} : { profile: row.profile }),
      },
      // Written by logInputs from a value of this type.
      tags: decodeJson(row.tags) as Record<string, string>,
    });
  }
  const models = await db
    .selectFrom('run_model')
    .selectAll()
    .where('run_id', 'in', ids)
    .orderBy('run_id')
    .orderBy('model_id')
    .orderBy('step')
    .execute();
  for (const { run_id, model_id, direction, step } of models) {
    drafts.get(run_id)?.models.push({ modelId: model_id, direction, step });
  }
}

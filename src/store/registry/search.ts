import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { StoreContext } from '../context.js';
import { checkLimit } from '../run-queries.js';
import { compareNumber, compareText, refused } from '../search/compare.js';
import { type Clause, parseFilter, parseOrder } from '../search/filter.js';
import { toModels, toVersions } from './rows.js';
import type { ModelVersion, RegisteredModel, RegistryQuery } from './types.js';

const DEFAULT_LIMIT = 100;
const LARGEST_LIMIT = 10_000;

/** Clients leave prompts out of every search by this tag, and mean what has no such tag too. */
const PROMPT_TAG = 'mlflow.prompt.is_prompt';

type Column = { readonly type: 'text' | 'number'; readonly column: RawBuilder<unknown> };

const text = (column: RawBuilder<unknown>): Column => ({ type: 'text', column });
const number = (column: RawBuilder<unknown>): Column => ({ type: 'number', column });

const OF_MODELS: ReadonlyMap<string, Column> = new Map([
  ['name', text(sql`registered_model.name`)],
  ['owner', text(sql`registered_model.owner`)],
  ['criticality', text(sql`registered_model.criticality`)],
  ['timestamp', number(sql`registered_model.updated_at`)],
  ['last_updated_timestamp', number(sql`registered_model.updated_at`)],
  ['creation_timestamp', number(sql`registered_model.created_at`)],
]);

const OF_VERSIONS: ReadonlyMap<string, Column> = new Map([
  ['name', text(sql`registered_model.name`)],
  ['version_number', number(sql`model_version.version`)],
  ['version', number(sql`model_version.version`)],
  ['run_id', text(sql`model_version.run_id`)],
  ['source_path', text(sql`model_version.source`)],
  ['source', text(sql`model_version.source`)],
  ['current_stage', text(sql`model_version.stage`)],
  ['user_id', text(sql`model_version.created_by`)],
  ['regularizer_id', text(sql`model_version.regularizer_id`)],
  ['timestamp', number(sql`model_version.updated_at`)],
  ['last_updated_timestamp', number(sql`model_version.updated_at`)],
  ['creation_timestamp', number(sql`model_version.created_at`)],
]);

/** Models that a filter lets through, by name unless ordered otherwise. */
export async function searchModels(
  { db, kind }: StoreContext,
  { filter = '', orderBy = [], limit = DEFAULT_LIMIT, offset = 0 }: RegistryQuery,
): Promise<{ models: RegisteredModel[]; more: boolean }> {
  checkLimit(limit, LARGEST_LIMIT);
  let query = db.selectFrom('registered_model').selectAll();
  const tagged = sql`from registered_model_tag t where t.model_id = registered_model.id`;
  for (const clause of parseFilter(filter)) query = query.where(condition(clause, OF_MODELS, tagged, kind));
  for (const order of orderBy) {
    const key = parseOrder(order);
    query = query.orderBy(columnOf({ ...key, at: 1 }, OF_MODELS).column, key.ascending ? 'asc' : 'desc');
  }
  const rows = await query
    .orderBy('name')
    .limit(limit + 1)
    .offset(offset)
    .execute();
  return { models: await toModels(db, rows.slice(0, limit)), more: rows.length > limit };
}

/** Versions that a filter lets through, the newest first unless ordered otherwise. */
export async function searchVersions(
  { db, kind }: StoreContext,
  { filter = '', orderBy = [], limit = DEFAULT_LIMIT, offset = 0 }: RegistryQuery,
): Promise<{ versions: ModelVersion[]; more: boolean }> {
  checkLimit(limit, LARGEST_LIMIT);
  let query = db
    .selectFrom('model_version')
    .innerJoin('registered_model', 'registered_model.id', 'model_version.model_id')
    .selectAll('model_version')
    .select('registered_model.name');
  const tagged = sql`from model_version_tag t where t.model_id = model_version.model_id
    and t.version = model_version.version`;
  for (const clause of parseFilter(filter)) query = query.where(condition(clause, OF_VERSIONS, tagged, kind));
  for (const order of orderBy) {
    const key = parseOrder(order);
    query = query.orderBy(columnOf({ ...key, at: 1 }, OF_VERSIONS).column, key.ascending ? 'asc' : 'desc');
  }
  const rows = await query
    .orderBy('model_version.updated_at', 'desc')
    .orderBy('registered_model.name')
    .orderBy('model_version.version', 'desc')
    .limit(limit + 1)
    .offset(offset)
    .execute();
  return { versions: await toVersions(db, rows.slice(0, limit)), more: rows.length > limit };
}

function condition(
  clause: Clause,
  columns: ReadonlyMap<string, Column>,
  tagged: RawBuilder<unknown>,
  kind: StoreContext['kind'],
): RawBuilder<SqlBool> {
  if (clause.entity === 'tags' || clause.entity === 'tag') {
    const named = sql`${tagged} and t.name = ${clause.key}`;
    if (clause.key === PROMPT_TAG && clause.comparator === '!=') {
      return sql`not exists (select 1 ${named} and t.value = ${String(clause.value)})`;
    }
    if (clause.comparator === 'IS NULL') return sql`not exists (select 1 ${named})`;
    if (clause.comparator === 'IS NOT NULL') return sql`exists (select 1 ${named})`;
    return sql`exists (select 1 ${named} and ${compareText(kind, sql`t.value`, clause)})`;
  }
  const { type, column } = columnOf(clause, columns);
  return type === 'text' ? compareText(kind, column, clause) : compareNumber(column, clause);
}

function columnOf(
  { entity, key, at }: Pick<Clause, 'entity' | 'key' | 'at'>,
  columns: ReadonlyMap<string, Column>,
): Column {
  const column = columns.get(key);
  if (column !== undefined && (entity === undefined || entity.startsWith('attr'))) return column;
  throw refused({ key, at }, `there are ${[...columns.keys()].join(', ')} and tags, and not "${key}"`);
}

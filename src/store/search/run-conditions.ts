import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DatabaseKind } from '../migrations/dialect-types.js';
import { compareNumber, compareText, refused } from './compare.js';
import type { Clause, OrderKey } from './filter.js';
import { NAME_TAG, RUN_ATTRIBUTES, TAGS_OF_RECORD } from './run-attributes.js';
import { filterInvalid } from './tokens.js';

type Entity = 'metric' | 'parameter' | 'tag' | 'attribute' | 'dataset';

const ENTITIES: ReadonlyMap<string, Entity> = new Map([
  ['metric', 'metric'],
  ['metrics', 'metric'],
  ['parameter', 'parameter'],
  ['parameters', 'parameter'],
  ['param', 'parameter'],
  ['params', 'parameter'],
  ['tag', 'tag'],
  ['tags', 'tag'],
  ['attribute', 'attribute'],
  ['attributes', 'attribute'],
  ['attr', 'attribute'],
  ['run', 'attribute'],
  ['dataset', 'dataset'],
  ['datasets', 'dataset'],
]);

/** The condition on the table `run` that a clause means. @throws BallastError `FILTER_INVALID` */
export function runCondition(kind: DatabaseKind, clause: Clause): RawBuilder<SqlBool> {
  switch (entityOf(clause)) {
    case 'attribute':
      return attributeCondition(kind, clause);
    case 'metric':
      return sql`exists (select 1 from metric_series m where m.run_id = run.id and m.name = ${clause.key}
        and m.latest_is_nan = 0 and ${compareNumber(sql`m.latest_value`, clause)})`;
    case 'parameter':
      return textCondition(kind, 'run_parameter', clause);
    case 'tag':
      return tagCondition(kind, clause);
    case 'dataset':
      return datasetCondition(kind, clause);
  }
}

/** What a key orders runs by; null where a run has none of it. @throws BallastError `FILTER_INVALID` */
export function runOrder(key: OrderKey): RawBuilder<unknown> {
  const name = key.key;
  switch (entityOf({ ...key, at: 1 })) {
    case 'attribute':
      return attributeOf({ key: name, at: 1 }).column;
    case 'metric':
      return sql`(select case when latest_is_nan = 1 then null else latest_value end from metric_series
        where run_id = run.id and name = ${name})`;
    case 'parameter':
      return sql`(select value from run_parameter where run_id = run.id and name = ${name})`;
    case 'tag':
      return tagOf(name);
    case 'dataset':
      throw filterInvalid('order', name, 1, 'runs cannot be ordered by their data sets');
  }
}

function entityOf({ entity, key, at }: Pick<Clause, 'entity' | 'key' | 'at'>): Entity {
  if (entity === undefined) return 'attribute';
  const found = ENTITIES.get(entity);
  if (found !== undefined) return found;
  throw refused({ key, at }, `"${entity}" is none of metrics, params, tags, attributes, datasets`);
}

function attributeOf(clause: Pick<Clause, 'key' | 'at'>) {
  const attribute = RUN_ATTRIBUTES.get(clause.key);
  if (attribute !== undefined) return attribute;
  const known = [...RUN_ATTRIBUTES.keys()].filter((name) => /^[a-z_]+$/.test(name));
  throw refused(clause, `there is no attribute "${clause.key}"; there are ${known.join(', ')}`);
}

function attributeCondition(kind: DatabaseKind, clause: Clause): RawBuilder<SqlBool> {
  const { type, column } = attributeOf(clause);
  if (type === 'text') return compareText(kind, column, clause);
  // MLflow takes times in quotes too.
  const value = typeof clause.value === 'string' && clause.value !== '' ? Number(clause.value) : clause.value;
  return compareNumber(column, { ...clause, value });
}

function textCondition(kind: DatabaseKind, table: 'run_parameter' | 'run_tag', clause: Clause): RawBuilder<SqlBool> {
  const named = sql`from ${sql.table(table)} t where t.run_id = run.id and t.name = ${clause.key}`;
  if (clause.comparator === 'IS NULL') return sql`not exists (select 1 ${named})`;
  if (clause.comparator === 'IS NOT NULL') return sql`exists (select 1 ${named})`;
  return sql`exists (select 1 ${named} and ${compareText(kind, sql`t.value`, clause)})`;
}

function tagCondition(kind: DatabaseKind, clause: Clause): RawBuilder<SqlBool> {
  if (clause.key !== NAME_TAG && !TAGS_OF_RECORD.has(clause.key)) return textCondition(kind, 'run_tag', clause);
  const tag = tagOf(clause.key);
  if (clause.comparator === 'IS NULL') return sql`${tag} is null`;
  if (clause.comparator === 'IS NOT NULL') return sql`${tag} is not null`;
  return compareText(kind, tag, clause);
}

function tagOf(name: string): RawBuilder<unknown> {
  if (name === NAME_TAG) return sql`run.name`;
  const set = sql`(select value from run_tag where run_id = run.id and name = ${name})`;
  const recorded = TAGS_OF_RECORD.get(name);
  return recorded === undefined ? set : sql`coalesce(${set}, ${recorded})`;
}

function datasetCondition(kind: DatabaseKind, clause: Clause): RawBuilder<SqlBool> {
  const joined = sql`from run_dataset r join dataset d on d.id = r.dataset_id where r.run_id = run.id`;
  switch (clause.key) {
    case 'name':
    case 'digest':
      return sql`exists (select 1 ${joined} and ${compareText(kind, sql.ref(`d.${clause.key}`), clause)})`;
    case 'context': {
      const context =
        kind === 'sqlite'
          ? sql`json_extract(r.tags, '$."mlflow.data.context"')`
          : sql`(r.tags::json ->> 'mlflow.data.context')`;
      return sql`exists (select 1 ${joined} and ${compareText(kind, context, clause)})`;
    }
    default:
      throw refused(clause, `a data set has no "${clause.key}"; it has name, digest, context`);
  }
}

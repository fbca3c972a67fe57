import { type Kysely, sql } from 'kysely';
import { type DatabaseKind, type DialectTypes, dialectTypes } from './dialect-types.js';
import { withKey } from './with-key.js';

/** What clients of the tracking server log beyond a run's own record. What the columns mean stands in schema.ts. */
export async function addTracking(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const types = dialectTypes(kind);
  await widenExperiments(db, types);
  await keepLatestPoints(db, types);
  await createDatasets(db, types, kind);
  await createLoggedModels(db, types, kind);
}

async function widenExperiments(db: Kysely<unknown>, { integer, text, clusteredTable }: DialectTypes): Promise<void> {
  await db.schema.alterTable('experiment').addColumn('updated_at', integer).execute();
  await db.schema.alterTable('experiment').addColumn('deleted_at', integer).execute();
  await db.schema
    .createTable('experiment_tag')
    .addColumn('experiment_id', integer, (column) => column.notNull().references('experiment.id').onDelete('cascade'))
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('value', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('experiment_tag_key', ['experiment_id', 'name'])
    .modifyEnd(clusteredTable)
    .execute();
}

/** The last point of each metric stands with its series, so that lists and searches read no points. */
async function keepLatestPoints(db: Kysely<unknown>, { integer, double }: DialectTypes): Promise<void> {
  for (const [name, type] of [
    ['latest_step', integer],
    ['latest_timestamp', integer],
    ['latest_value', double],
    ['latest_is_nan', integer],
  ] as const) {
    await db.schema.alterTable('metric_series').addColumn(name, type).execute();
  }
  const latest = (
    column: string,
  ) => sql`(select ${sql.ref(column)} from metric_point p where p.series_id = metric_series.id
    order by p.step desc, p.timestamp desc, p.value desc, p.is_nan desc limit 1)`;
  await sql`update metric_series set latest_step = ${latest('step')}, latest_timestamp = ${latest('timestamp')},
    latest_value = ${latest('value')}, latest_is_nan = ${latest('is_nan')}`.execute(db);
}

async function createDatasets(db: Kysely<unknown>, types: DialectTypes, kind: DatabaseKind): Promise<void> {
  const { integer, text, table, clusteredTable } = types;
  await withKey(db.schema.createTable('dataset'), 'id', types, kind)
    .addColumn('experiment_id', integer, (column) => column.notNull().references('experiment.id').onDelete('cascade'))
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('digest', text, (column) => column.notNull())
    .addColumn('source_type', text, (column) => column.notNull())
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('schema', text)
    .addColumn('profile', text)
    .addUniqueConstraint('dataset_identity', ['experiment_id', 'name', 'digest'])
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('run_dataset')
    .addColumn('run_id', text, (column) => column.notNull().references('run.id').onDelete('cascade'))
    .addColumn('dataset_id', integer, (column) => column.notNull().references('dataset.id').onDelete('cascade'))
    .addColumn('tags', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('run_dataset_key', ['run_id', 'dataset_id'])
    .modifyEnd(clusteredTable)
    .execute();
}

async function createLoggedModels(db: Kysely<unknown>, types: DialectTypes, kind: DatabaseKind): Promise<void> {
  const { integer, double, text, table, clusteredTable } = types;
  await withKey(db.schema.createTable('logged_model'), 'sequence', types, kind)
    .addColumn('id', text, (column) => column.notNull().unique())
    .addColumn('experiment_id', integer, (column) => column.notNull().references('experiment.id').onDelete('cascade'))
    .addColumn('source_run_id', text, (column) => column.references('run.id').onDelete('set null'))
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('model_type', text, (column) => column.notNull())
    .addColumn('status', text, (column) => column.notNull().check(sql`status in ('pending', 'ready', 'failed')`))
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addColumn('deleted_at', integer)
    .modifyEnd(table)
    .execute();
  await db.schema
    .createIndex('logged_model_by_experiment')
    .on('logged_model')
    .columns(['experiment_id', 'sequence'])
    .execute();
  for (const name of ['logged_model_parameter', 'logged_model_tag']) {
    await db.schema
      .createTable(name)
      .addColumn('model_id', text, (column) => column.notNull().references('logged_model.id').onDelete('cascade'))
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('value', text, (column) => column.notNull())
      .addPrimaryKeyConstraint(`${name}_key`, ['model_id', 'name'])
      .modifyEnd(clusteredTable)
      .execute();
  }
  await db.schema
    .createTable('logged_model_metric')
    .addColumn('model_id', text, (column) => column.notNull().references('logged_model.id').onDelete('cascade'))
    .addColumn('run_id', text, (column) => column.notNull().references('run.id').onDelete('cascade'))
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('step', integer, (column) => column.notNull())
    .addColumn('timestamp', integer, (column) => column.notNull())
    .addColumn('value', double, (column) => column.notNull())
    .addColumn('is_nan', integer, (column) => column.notNull())
    .addColumn('dataset_name', text, (column) => column.notNull())
    .addColumn('dataset_digest', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('logged_model_metric_key', [
      'model_id',
      'run_id',
      'name',
      'dataset_name',
      'dataset_digest',
      'step',
      'timestamp',
      'value',
      'is_nan',
    ])
    .modifyEnd(clusteredTable)
    .execute();
  await db.schema
    .createTable('run_model')
    .addColumn('run_id', text, (column) => column.notNull().references('run.id').onDelete('cascade'))
    .addColumn('model_id', text, (column) => column.notNull().references('logged_model.id').onDelete('cascade'))
    .addColumn('direction', text, (column) => column.notNull().check(sql`direction in ('input', 'output')`))
    .addColumn('step', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('run_model_key', ['run_id', 'model_id', 'direction', 'step'])
    .modifyEnd(clusteredTable)
    .execute();
  await db.schema
    .createTable('logged_model_artifact')
    .addColumn('model_id', text, (column) => column.notNull().references('logged_model.id').onDelete('cascade'))
    .addColumn('path', text, (column) => column.notNull())
    .addColumn('sha256', text, (column) => column.notNull().references('blob.sha256'))
    .addColumn('media_type', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('logged_model_artifact_key', ['model_id', 'path'])
    .modifyEnd(table)
    .execute();
  await db.schema
    .createIndex('logged_model_artifact_by_content')
    .on('logged_model_artifact')
    .column('sha256')
    .execute();
}

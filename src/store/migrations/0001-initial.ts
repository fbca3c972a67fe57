import { type Kysely, sql } from 'kysely';
import { type DatabaseKind, type DialectTypes, dialectTypes } from './dialect-types.js';
import { withKey } from './with-key.js';

/** Makes every table of the first store version. What the columns mean stands in schema.ts. */
export async function createInitialTables(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const types = dialectTypes(kind);
  await createInfo(db, types);
  await createRuns(db, types, kind);
  await createMetrics(db, types, kind);
  await createArtifacts(db, types);
  await createData(db, types);
  await createHoldout(db, types);
  await createAudit(db, types, kind);
}

async function createInfo(db: Kysely<unknown>, { text, table }: DialectTypes): Promise<void> {
  await db.schema
    .createTable('store_info')
    .addColumn('key', text, (column) => column.primaryKey())
    .addColumn('value', text, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
}

async function createRuns(db: Kysely<unknown>, types: DialectTypes, kind: DatabaseKind): Promise<void> {
  const { integer, text, table, clusteredTable } = types;
  await withKey(db.schema.createTable('experiment'), 'id', types, kind)
    .addColumn('name', text, (column) => column.notNull().unique())
    .addColumn('created_at', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await withKey(db.schema.createTable('run'), 'sequence', types, kind)
    .addColumn('id', text, (column) => column.notNull().unique())
    .addColumn('experiment_id', integer, (column) => column.notNull().references('experiment.id'))
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('role', text)
    .addColumn('status', text, (column) =>
      column.notNull().check(sql`status in ('running', 'finished', 'failed', 'cancelled', 'diverged')`),
    )
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('seed', integer)
    .addColumn('dataset_name', text)
    .addColumn('data_version', text)
    .addColumn('regularizer_id', text)
    .addColumn('manifest', text, (column) => column.notNull())
    .addColumn('spec', text, (column) => column.notNull())
    .addColumn('environment', text, (column) => column.notNull())
    .addColumn('code_commit', text)
    .addColumn('parent_run_id', text, (column) => column.references('run.id').onDelete('set null'))
    .addColumn('group_id', text)
    .addColumn('started_at', integer, (column) => column.notNull())
    .addColumn('ended_at', integer)
    .addColumn('error', text)
    .addColumn('deleted_at', integer)
    .addColumn('host', text)
    .addColumn('pid', integer)
    .addColumn('process_started', text)
    .addColumn('heartbeat_at', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('run_by_experiment').on('run').columns(['experiment_id', 'sequence']).execute();
  await db.schema.createIndex('run_by_group').on('run').column('group_id').execute();
  await db.schema.createIndex('run_by_parent').on('run').column('parent_run_id').execute();
  for (const name of ['run_parameter', 'run_tag']) {
    await db.schema
      .createTable(name)
      .addColumn('run_id', text, (column) => column.notNull().references('run.id').onDelete('cascade'))
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('value', text, (column) => column.notNull())
      .addPrimaryKeyConstraint(`${name}_key`, ['run_id', 'name'])
      .modifyEnd(clusteredTable)
      .execute();
  }
  await db.schema
    .createTable('evaluation')
    .addColumn('run_id', text, (column) => column.notNull().references('run.id').onDelete('cascade'))
    .addColumn('stage', text, (column) => column.notNull())
    .addColumn('record', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('evaluation_key', ['run_id', 'stage'])
    .modifyEnd(table)
    .execute();
}

async function createMetrics(db: Kysely<unknown>, types: DialectTypes, kind: DatabaseKind): Promise<void> {
  const { integer, double, text, table, clusteredTable } = types;
  await withKey(db.schema.createTable('metric_series'), 'id', types, kind)
    .addColumn('run_id', text, (column) => column.notNull().references('run.id').onDelete('cascade'))
    .addColumn('name', text, (column) => column.notNull())
    .addUniqueConstraint('metric_series_name', ['run_id', 'name'])
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('metric_point')
    .addColumn('series_id', integer, (column) => column.notNull().references('metric_series.id').onDelete('cascade'))
    .addColumn('step', integer, (column) => column.notNull())
    .addColumn('timestamp', integer, (column) => column.notNull())
    .addColumn('value', double, (column) => column.notNull())
    .addColumn('is_nan', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('metric_point_key', ['series_id', 'step', 'timestamp', 'value', 'is_nan'])
    .modifyEnd(clusteredTable)
    .execute();
}

async function createArtifacts(db: Kysely<unknown>, { integer, text, table }: DialectTypes): Promise<void> {
  await db.schema
    .createTable('blob')
    .addColumn('sha256', text, (column) => column.primaryKey())
    .addColumn('size', integer, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('artifact')
    .addColumn('run_id', text, (column) => column.notNull().references('run.id').onDelete('cascade'))
    .addColumn('path', text, (column) => column.notNull())
    .addColumn('sha256', text, (column) => column.notNull().references('blob.sha256'))
    .addColumn('media_type', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('artifact_key', ['run_id', 'path'])
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('artifact_by_content').on('artifact').column('sha256').execute();
}

async function createData(db: Kysely<unknown>, { integer, text, table, clusteredTable }: DialectTypes): Promise<void> {
  await db.schema
    .createTable('data_version')
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('version', text, (column) => column.notNull())
    .addColumn('rows', integer, (column) => column.notNull())
    .addColumn('schema', text, (column) => column.notNull())
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('splits', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('data_version_key', ['name', 'version'])
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('lineage_edge')
    .addColumn('from_kind', text, (column) => column.notNull())
    .addColumn('from_id', text, (column) => column.notNull())
    .addColumn('to_kind', text, (column) => column.notNull())
    .addColumn('to_id', text, (column) => column.notNull())
    .addColumn('relation', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('lineage_edge_key', ['from_kind', 'from_id', 'to_kind', 'to_id', 'relation'])
    .modifyEnd(clusteredTable)
    .execute();
  await db.schema.createIndex('lineage_edge_to').on('lineage_edge').columns(['to_kind', 'to_id']).execute();
}

async function createHoldout(db: Kysely<unknown>, { integer, text, bytes, table }: DialectTypes): Promise<void> {
  await db.schema
    .createTable('holdout')
    .addColumn('dataset_name', text, (column) => column.primaryKey())
    .addColumn('version', integer, (column) => column.notNull())
    .addColumn('hashes', bytes, (column) => column.notNull())
    .addColumn('settings', text, (column) => column.notNull())
    .addColumn('generation', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('holdout_change')
    .addColumn('dataset_name', text, (column) => column.notNull())
    .addColumn('version', integer, (column) => column.notNull())
    .addColumn('generation', integer, (column) => column.notNull())
    .addColumn('rows', integer, (column) => column.notNull())
    .addColumn('added', integer, (column) => column.notNull())
    .addColumn('removed', integer, (column) => column.notNull())
    .addColumn('content', text, (column) => column.notNull())
    .addColumn('reason', text, (column) => column.notNull())
    .addColumn('actor', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('holdout_change_key', ['dataset_name', 'version'])
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('holdout_row_set')
    .addColumn('dataset_name', text, (column) => column.notNull())
    .addColumn('row_set', text, (column) => column.notNull())
    .addColumn('reads', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('holdout_row_set_key', ['dataset_name', 'row_set'])
    .modifyEnd(table)
    .execute();
  // No foreign key to runs: collecting a run must not lower the number of reads.
  await db.schema
    .createTable('holdout_read')
    .addColumn('dataset_name', text, (column) => column.notNull())
    .addColumn('row_set', text, (column) => column.notNull())
    .addColumn('number', integer, (column) => column.notNull())
    .addColumn('reader', text, (column) => column.notNull())
    .addColumn('command', text, (column) => column.notNull())
    .addColumn('actor', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('holdout_read_key', ['dataset_name', 'row_set', 'number'])
    .modifyEnd(table)
    .execute();
}

async function createAudit(db: Kysely<unknown>, types: DialectTypes, kind: DatabaseKind): Promise<void> {
  const { integer, text, table } = types;
  await withKey(db.schema.createTable('audit_event'), 'id', types, kind)
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('actor', text, (column) => column.notNull())
    .addColumn('action', text, (column) => column.notNull())
    .addColumn('subject', text, (column) => column.notNull())
    .addColumn('details', text, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('audit_event_by_subject').on('audit_event').columns(['subject', 'id']).execute();
  for (const name of ['audit_event', 'holdout_change', 'holdout_read']) await makeAppendOnly(db, name, kind);
}

/** Rows of this table can be added, and never changed or removed, whoever asks the database. */
async function makeAppendOnly(db: Kysely<unknown>, name: string, kind: DatabaseKind): Promise<void> {
  const message = `${name} is append-only`;
  if (kind === 'sqlite') {
    for (const verb of ['update', 'delete']) {
      await sql`create trigger ${sql.ref(`${name}_no_${verb}`)} before ${sql.raw(verb)} on ${sql.table(name)}
        begin select raise(abort, ${sql.lit(message)}); end`.execute(db);
    }
    return;
  }
  await sql`create function ${sql.ref(`${name}_refuse`)}() returns trigger language plpgsql as
    ${sql.lit(`begin raise exception '${message}'; end`)}`.execute(db);
  await sql`create trigger ${sql.ref(`${name}_append_only`)} before update or delete or truncate on ${sql.table(name)}
    for each statement execute function ${sql.ref(`${name}_refuse`)}()`.execute(db);
}

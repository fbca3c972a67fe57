import { type Kysely, sql } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';
import { withKey } from './with-key.js';

/** Registered models: versions with files of their own, aliases, tags, checklists. What columns mean: schema.ts. */
export async function addRegistry(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const types = dialectTypes(kind);
  const { integer, text, table, clusteredTable } = types;
  await withKey(db.schema.createTable('registered_model'), 'id', types, kind)
    .addColumn('name', text, (column) => column.notNull().unique())
    .addColumn('description', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addColumn('last_version', integer, (column) => column.notNull())
    .addColumn('owner', text)
    .addColumn('on_call', text)
    .addColumn('escalation', text)
    .addColumn('criticality', text)
    .addColumn('threat_model', text)
    .modifyEnd(table)
    .execute();
  const ofModel = <Name extends string>(name: Name) =>
    db.schema
      .createTable(name)
      .addColumn('model_id', integer, (column) =>
        column.notNull().references('registered_model.id').onDelete('cascade'),
      );
  await ofModel('registered_model_tag')
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('value', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('registered_model_tag_key', ['model_id', 'name'])
    .modifyEnd(clusteredTable)
    .execute();
  await ofModel('model_version')
    .addColumn('version', integer, (column) => column.notNull())
    .addColumn('description', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addColumn('created_by', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull().check(sql`state in ('ready', 'archived')`))
    .addColumn('stage', text, (column) => column.notNull())
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('run_id', text)
    .addColumn('run_link', text)
    .addColumn('logged_model_id', text)
    .addColumn('digest', text, (column) => column.notNull())
    .addColumn('onnx_path', text)
    .addColumn('onnx_sha256', text)
    .addColumn('regularizer_id', text)
    .addColumn('manifest', text, (column) => column.notNull())
    .addColumn('dataset_name', text)
    .addColumn('data_version', text)
    .addColumn('code_commit', text)
    .addPrimaryKeyConstraint('model_version_key', ['model_id', 'version'])
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('model_version_by_run').on('model_version').column('run_id').execute();
  const ofVersion = <Name extends string>(name: Name) =>
    db.schema
      .createTable(name)
      .addColumn('model_id', integer, (column) => column.notNull())
      .addColumn('version', integer, (column) => column.notNull())
      .addForeignKeyConstraint(
        `${name}_version`,
        ['model_id', 'version'],
        'model_version',
        ['model_id', 'version'],
        (constraint) => constraint.onDelete('cascade'),
      );
  await ofVersion('model_version_tag')
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('value', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('model_version_tag_key', ['model_id', 'version', 'name'])
    .modifyEnd(clusteredTable)
    .execute();
  await ofVersion('model_version_file')
    .addColumn('path', text, (column) => column.notNull())
    .addColumn('sha256', text, (column) => column.notNull().references('blob.sha256'))
    .addColumn('media_type', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('model_version_file_key', ['model_id', 'version', 'path'])
    .modifyEnd(clusteredTable)
    .execute();
  await db.schema.createIndex('model_version_file_by_content').on('model_version_file').column('sha256').execute();
  await ofVersion('model_alias')
    .addColumn('name', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('model_alias_key', ['model_id', 'name'])
    .modifyEnd(clusteredTable)
    .execute();
  await ofVersion('model_sign_off')
    .addColumn('item', text, (column) => column.notNull())
    .addColumn('actor', text, (column) => column.notNull())
    .addColumn('note', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('model_sign_off_key', ['model_id', 'version', 'item'])
    .modifyEnd(clusteredTable)
    .execute();
}

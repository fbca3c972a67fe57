import type { Kysely } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';
import { withKey } from './with-key.js';

/** What users report of answers, and which predictions were drawn to be labelled. What columns mean: observations/schema.ts. */
export async function addLabelWork(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const types = dialectTypes(kind);
  const { integer, double, text, table } = types;
  await withKey(db.schema.createTable('observation_report'), 'sequence', types, kind)
    .addColumn('prediction_id', text, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('note', text, (column) => column.notNull())
    .addColumn('reporter', text, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('report_by_prediction').on('observation_report').column('prediction_id').execute();
  await withKey(db.schema.createTable('label_sample'), 'id', types, kind)
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('method', text, (column) => column.notNull())
    .addColumn('population', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('label_sample_row')
    .addColumn('sample_id', integer, (column) => column.notNull().references('label_sample.id').onDelete('cascade'))
    .addColumn('prediction_id', text, (column) => column.notNull())
    .addColumn('probability', double, (column) => column.notNull())
    .addPrimaryKeyConstraint('label_sample_row_key', ['sample_id', 'prediction_id'])
    .modifyEnd(table)
    .execute();
}

import { type Kysely, sql } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';
import { withKey } from './with-key.js';

/** What production answered, labels, windows, sketches. What columns mean: observations/schema.ts. */
export async function addObservations(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const types = dialectTypes(kind);
  const { integer, double, text, bytes, table, clusteredTable } = types;
  await db.schema
    .createTable('observed_model')
    .addColumn('model', text, (column) => column.primaryKey())
    .addColumn('last_sequence', integer, (column) => column.notNull())
    .addColumn('last_label', integer, (column) => column.notNull())
    .addColumn('rolled_until', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('observation')
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('sequence', integer, (column) => column.notNull())
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('answer_id', text, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('version', text, (column) => column.notNull())
    .addColumn('regularizer_id', text, (column) => column.notNull())
    .addColumn('role', text, (column) => column.notNull().check(sql`role in ('live', 'candidate', 'shadow')`))
    .addColumn('status', text, (column) => column.notNull().check(sql`status in ('ok', 'rejected', 'failed')`))
    .addColumn('fault', text)
    .addColumn('latency_ms', double, (column) => column.notNull())
    .addColumn('features', text, (column) => column.notNull())
    .addColumn('prediction', text)
    .addColumn('scores', text)
    .addColumn('flags', text, (column) => column.notNull())
    .addColumn('metadata', text, (column) => column.notNull())
    .addColumn('slices', text, (column) => column.notNull())
    .addColumn('label', text)
    .addColumn('label_known_at', integer)
    .addColumn('label_source', text)
    .addColumn('label_sequence', integer)
    .addPrimaryKeyConstraint('observation_key', ['model', 'sequence'])
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('observation_by_answer').on('observation').column('answer_id').execute();
  await db.schema.createIndex('observation_by_time').on('observation').columns(['model', 'at']).execute();
  await db.schema
    .createIndex('observation_by_label')
    .on('observation')
    .columns(['model', 'label_sequence'])
    .where(sql.ref('label_sequence'), 'is not', null)
    .execute();
  await withKey(db.schema.createTable('observation_label'), 'sequence', types, kind)
    .addColumn('prediction_id', text, (column) => column.notNull())
    .addColumn('label', text, (column) => column.notNull())
    .addColumn('known_at', integer, (column) => column.notNull())
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('received_at', integer, (column) => column.notNull())
    .addColumn('superseded', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('label_by_prediction').on('observation_label').column('prediction_id').execute();
  await db.schema
    .createTable('observation_window')
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('start', integer, (column) => column.notNull())
    .addColumn('ms', integer, (column) => column.notNull())
    .addColumn('version', text, (column) => column.notNull())
    .addColumn('role', text, (column) => column.notNull())
    .addColumn('slice', text, (column) => column.notNull())
    .addColumn('regularizer_id', text, (column) => column.notNull())
    .addColumn('counts', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('observation_window_key', ['model', 'start', 'ms', 'version', 'role', 'slice'])
    .modifyEnd(clusteredTable)
    .execute();
  await db.schema
    .createTable('observation_sketch')
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('start', integer, (column) => column.notNull())
    .addColumn('ms', integer, (column) => column.notNull())
    .addColumn('version', text, (column) => column.notNull())
    .addColumn('role', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('content', bytes, (column) => column.notNull())
    .addPrimaryKeyConstraint('observation_sketch_key', ['model', 'start', 'ms', 'version', 'role', 'name'])
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('observation_batch')
    .addColumn('id', text, (column) => column.primaryKey())
    .addColumn('at', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
}

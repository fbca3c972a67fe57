import { type Kysely, sql } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';

/** Rollouts, their decisions, and the evidence at their looks. What columns mean: rollouts/schema.ts. */
export async function addRollouts(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const { integer, text, table, clusteredTable } = dialectTypes(kind);
  await db.schema
    .createTable('rollout')
    .addColumn('id', text, (column) => column.primaryKey())
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('baseline', text, (column) => column.notNull())
    .addColumn('candidate', text, (column) => column.notNull())
    .addColumn('phase', text, (column) => column.notNull())
    .addColumn('config', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('revision', integer, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('created_by', text, (column) => column.notNull())
    .addColumn('closed_at', integer)
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('rollout_by_model').on('rollout').columns(['model', 'created_at']).execute();
  // One at a time, whichever processes begin them.
  await db.schema
    .createIndex('rollout_under_way')
    .unique()
    .on('rollout')
    .column('model')
    .where(sql.ref('closed_at'), 'is', null)
    .execute();
  await db.schema
    .createTable('rollout_decision')
    .addColumn('rollout_id', text, (column) => column.notNull().references('rollout.id').onDelete('cascade'))
    .addColumn('number', integer, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('step', integer, (column) => column.notNull())
    .addColumn('reason', text, (column) => column.notNull())
    .addColumn('decided_by', text, (column) => column.notNull())
    .addColumn('evidence', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('rollout_decision_key', ['rollout_id', 'number'])
    .modifyEnd(clusteredTable)
    .execute();
  await db.schema
    .createTable('rollout_look')
    .addColumn('rollout_id', text, (column) => column.notNull().references('rollout.id').onDelete('cascade'))
    .addColumn('number', integer, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('step', integer, (column) => column.notNull())
    .addColumn('slis', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('rollout_look_key', ['rollout_id', 'number'])
    .modifyEnd(clusteredTable)
    .execute();
}

import type { Kysely } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';

/** Makes the tables of sweeps and of their trials. What the columns mean stands in schema.ts. */
export async function createSweepTables(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const { integer, double, text, table } = dialectTypes(kind);
  await db.schema
    .createTable('sweep')
    .addColumn('id', text, (column) => column.primaryKey())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('definition', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('seconds', double, (column) => column.notNull())
    .addColumn('result', text)
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('ended_at', integer)
    .addColumn('host', text)
    .addColumn('pid', integer)
    .addColumn('process_started', text)
    .addColumn('heartbeat_at', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('trial')
    .addColumn('sweep_id', text, (column) => column.notNull().references('sweep.id').onDelete('cascade'))
    .addColumn('number', integer, (column) => column.notNull())
    .addColumn('point', text, (column) => column.notNull())
    .addColumn('tag', text)
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('attempt', integer, (column) => column.notNull())
    .addColumn('run_id', text)
    .addColumn('worker', text)
    .addColumn('progress', text)
    .addColumn('outcome', text)
    .addColumn('heartbeat_at', integer, (column) => column.notNull())
    .addColumn('ended_at', integer)
    .addPrimaryKeyConstraint('trial_key', ['sweep_id', 'number'])
    .modifyEnd(table)
    .execute();
}

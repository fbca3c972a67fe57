import { type Kysely, sql } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';

/** How the requests of a model are divided among its versions. What columns mean: traffic/schema.ts. */
export async function addTraffic(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const { integer, double, text, table, clusteredTable } = dialectTypes(kind);
  await db.schema
    .createTable('model_traffic')
    .addColumn('model_id', integer, (column) =>
      column.primaryKey().references('registered_model.id').onDelete('cascade'),
    )
    .addColumn('revision', integer, (column) => column.notNull())
    .addColumn('sticky_key', text)
    .addColumn('reason', text, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addColumn('updated_by', text, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('model_traffic_share')
    .addColumn('model_id', integer, (column) => column.notNull())
    .addColumn('version', integer, (column) => column.notNull())
    .addColumn('role', text, (column) => column.notNull().check(sql`role in ('live', 'candidate', 'shadow')`))
    .addColumn('weight', double, (column) => column.notNull())
    .addPrimaryKeyConstraint('model_traffic_share_key', ['model_id', 'version'])
    .addForeignKeyConstraint(
      'model_traffic_share_version',
      ['model_id', 'version'],
      'model_version',
      ['model_id', 'version'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .modifyEnd(clusteredTable)
    .execute();
}

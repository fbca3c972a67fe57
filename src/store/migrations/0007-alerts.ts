import { type Kysely, sql } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';
import { withKey } from './with-key.js';

/** Objectives, alerts with their history and deliveries, silences. What columns mean: schema.ts. */
export async function addAlerts(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const types = dialectTypes(kind);
  const { integer, double, text, table, clusteredTable } = types;
  await db.schema
    .createTable('slo')
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('definition', text, (column) => column.notNull())
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addColumn('updated_by', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('slo_key', ['model', 'name'])
    .modifyEnd(clusteredTable)
    .execute();
  await db.schema
    .createTable('sli_count')
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('version', text, (column) => column.notNull())
    .addColumn('good', double, (column) => column.notNull())
    .addColumn('total', double, (column) => column.notNull())
    .addPrimaryKeyConstraint('sli_count_key', ['model', 'at', 'name', 'version'])
    .modifyEnd(clusteredTable)
    .execute();
  await db.schema
    .createTable('alert')
    .addColumn('fingerprint', text, (column) => column.primaryKey())
    .addColumn('model', text, (column) => column.notNull())
    .addColumn('rule', text, (column) => column.notNull())
    .addColumn('severity', text, (column) => column.notNull().check(sql`severity in ('page', 'ticket')`))
    .addColumn('state', text, (column) => column.notNull().check(sql`state in ('firing', 'resolved')`))
    .addColumn('labels', text, (column) => column.notNull())
    .addColumn('annotations', text, (column) => column.notNull())
    .addColumn('started_at', integer, (column) => column.notNull())
    .addColumn('seen_at', integer, (column) => column.notNull())
    .addColumn('resolved_at', integer)
    .addColumn('changes', text, (column) => column.notNull())
    .addColumn('suppressed_by', text)
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('alert_by_state').on('alert').columns(['state', 'started_at']).execute();
  await withKey(db.schema.createTable('alert_event'), 'id', types, kind)
    .addColumn('fingerprint', text, (column) => column.notNull().references('alert.fingerprint').onDelete('cascade'))
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('event', text, (column) => column.notNull())
    .addColumn('details', text, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema.createIndex('alert_event_by_alert').on('alert_event').column('fingerprint').execute();
  await db.schema
    .createTable('alert_delivery')
    .addColumn('fingerprint', text, (column) => column.notNull().references('alert.fingerprint').onDelete('cascade'))
    .addColumn('target', text, (column) => column.notNull())
    .addColumn('told', text, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('failures', integer, (column) => column.notNull())
    .addColumn('error', text)
    .addPrimaryKeyConstraint('alert_delivery_key', ['fingerprint', 'target'])
    .modifyEnd(table)
    .execute();
  await withKey(db.schema.createTable('silence'), 'id', types, kind)
    .addColumn('kind', text, (column) => column.notNull().check(sql`kind in ('silence', 'planned')`))
    .addColumn('matchers', text, (column) => column.notNull())
    .addColumn('starts_at', integer, (column) => column.notNull())
    .addColumn('ends_at', integer, (column) => column.notNull())
    .addColumn('reason', text, (column) => column.notNull())
    .addColumn('created_by', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('turn')
    .addColumn('name', text, (column) => column.primaryKey())
    .addColumn('at', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
}

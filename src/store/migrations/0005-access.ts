import { type Kysely, sql } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';

/** Who may use a server over the store, and what of it. */
export async function addAccess(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const { integer, text, table, clusteredTable } = dialectTypes(kind);
  await db.schema
    .createTable('app_user')
    .addColumn('name', text, (column) => column.primaryKey())
    .addColumn('role', text, (column) => column.notNull().check(sql`role in ('viewer', 'editor', 'deployer', 'admin')`))
    .addColumn('password', text)
    .addColumn('created_at', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('access_token')
    .addColumn('hash', text, (column) => column.primaryKey())
    .addColumn('user_name', text, (column) => column.notNull().references('app_user.name').onDelete('cascade'))
    .addColumn('label', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('expires_at', integer, (column) => column.notNull())
    .modifyEnd(table)
    .execute();
  await db.schema
    .createTable('access_grant')
    .addColumn('subject_kind', text, (column) => column.notNull().check(sql`subject_kind in ('experiment', 'model')`))
    .addColumn('subject_id', integer, (column) => column.notNull())
    .addColumn('user_name', text, (column) => column.notNull())
    .addColumn('permission', text, (column) =>
      column.notNull().check(sql`permission in ('none', 'read', 'edit', 'deploy', 'manage')`),
    )
    .addPrimaryKeyConstraint('access_grant_key', ['subject_kind', 'subject_id', 'user_name'])
    .modifyEnd(clusteredTable)
    .execute();
}

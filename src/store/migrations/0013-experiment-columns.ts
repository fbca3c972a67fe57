import { type Kysely, sql } from 'kysely';
import { type DatabaseKind, dialectTypes } from './dialect-types.js';

const SOURCES = [
  { kind: 'metric', table: 'metric_series' },
  { kind: 'param', table: 'run_parameter' },
] as const;

/**
 * The names of an experiment's metrics and parameters, kept as they are first logged: to find them among 10,000 runs of 1,000
 * takes longer than anybody waits for a page.
 */
export async function addExperimentColumns(db: Kysely<unknown>, kind: DatabaseKind): Promise<void> {
  const { integer, text, clusteredTable } = dialectTypes(kind);
  await db.schema
    .createTable('experiment_column')
    .addColumn('experiment_id', integer, (column) => column.notNull().references('experiment.id').onDelete('cascade'))
    .addColumn('kind', text, (column) => column.notNull().check(sql`kind in ('metric', 'param')`))
    .addColumn('name', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('experiment_column_key', ['experiment_id', 'kind', 'name'])
    .modifyEnd(clusteredTable)
    .execute();
  for (const { kind: column, table } of SOURCES) {
    await sql`insert into experiment_column (experiment_id, kind, name)
      select distinct run.experiment_id, ${sql.lit(column)}, logged.name
      from ${sql.table(table)} as logged join run on run.id = logged.run_id`.execute(db);
    await keepColumns(db, kind, column, table);
  }
}

/** Whatever is logged, by whichever way, is among the columns in the same transaction. */
async function keepColumns(db: Kysely<unknown>, kind: DatabaseKind, column: string, table: string): Promise<void> {
  const trigger = sql.id(`keep_${column}_column`);
  const keep = sql`insert into experiment_column (experiment_id, kind, name)
    select experiment_id, ${sql.lit(column)}, new.name from run where id = new.run_id
    on conflict do nothing`;
  if (kind === 'sqlite') {
    await sql`create trigger ${trigger} after insert on ${sql.table(table)} begin ${keep}; end`.execute(db);
    return;
  }
  await sql`create function ${trigger}() returns trigger language plpgsql as $$
    begin ${keep}; return null; end $$`.execute(db);
  await sql`create trigger ${trigger} after insert on ${sql.table(table)}
    for each row execute function ${trigger}()`.execute(db);
}

import type { DuckDBConnection } from '@duckdb/node-api';
import { Budget } from './budget.js';
import { copyToParquet, identifier, literal, withDatabase } from './database.js';
import { type Plan, parsedAs, planDelimited, readCall, type Sniffed, sniff, sniffBeginning } from './delimited-plan.js';
import { engineFault, isInferenceFault } from './duckdb-fault.js';
import type { Scratch } from './scratch.js';

/**
 * Writes comma- or tab-separated files of any size as one temporary Parquet file, whose columns can then be read one by one: memory
 * is bounded, the disk holds what is written. Types are inferred as they are of a table in memory, but whole numbers become
 * fractional ones.
 *
 * @throws BallastError as reading a table does
 */
export async function delimitedAsParquet(
  files: readonly string[],
  tabs: boolean,
  place: string,
  scratch: Scratch,
): Promise<string> {
  const plan = await planDelimited(files, tabs, place, {}, new Budget(Number.POSITIVE_INFINITY), scratch);
  const target = await scratch.path('rows.parquet');
  try {
    await withDatabase([...plan.files, target], undefined, (connection) => convert(connection, plan, target));
  } catch (error) {
    throw engineFault(error, place);
  }
  return target;
}

async function convert(connection: DuckDBConnection, plan: Plan, target: string): Promise<void> {
  try {
    const sniffed = await sniffBeginning(connection, plan);
    await write(connection, plan, sniffed, target);
    if (!(await hasNumbersAsStrings(connection, plan, sniffed, target))) return;
  } catch (error) {
    if (!isInferenceFault(error)) throw error;
  }
  // Later rows say otherwise than the first ones: types of all rows.
  await write(connection, plan, await sniff(connection, plan, -1, true), target);
}

async function write(connection: DuckDBConnection, plan: Plan, sniffed: Sniffed, target: string): Promise<void> {
  const columns = plan.names.map((name, i) => ({ name, type: parsedAs(sniffed.types[i], sniffed) }));
  await copyToParquet(connection, `SELECT * FROM ${readCall(plan, columns, sniffed)}`, target);
}

/** Whether a column that was taken for words, since its first rows are empty or odd, holds nothing but numbers. */
async function hasNumbersAsStrings(
  connection: DuckDBConnection,
  plan: Plan,
  { types }: Sniffed,
  target: string,
): Promise<boolean> {
  const words = plan.names.filter((_, i) => types[i] === 'VARCHAR').map(identifier);
  if (words.length === 0) return false;
  const tests = words.map((name) => `count(${name}) > 0 AND count(${name}) = count(TRY_CAST(${name} AS DOUBLE))`);
  const from = `read_parquet(${literal(target)})`;
  const [row] = (await connection.runAndReadAll(`SELECT ${tests.join(', ')} FROM ${from}`)).getRowsJS();
  return row.includes(true);
}

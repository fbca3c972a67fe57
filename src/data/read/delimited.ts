import type { DuckDBConnection } from '@duckdb/node-api';
import type { Table } from '../table.js';
import type { Budget } from './budget.js';
import { wantedType } from './column-names.js';
import { identifier, withDatabase } from './database.js';
import {
  type Plan,
  parsedAs,
  planDelimited,
  readCall,
  SAMPLE_ROWS,
  type Sniffed,
  sniff,
  sniffBeginning,
} from './delimited-plan.js';
import { engineFault, isInferenceFault } from './duckdb-fault.js';
import { WideInteger } from './number-accumulator.js';
import { type ColumnType, MISSING, type ReadOptions } from './options.js';
import { readRelation } from './relation.js';
import type { Scratch } from './scratch.js';

/**
 * Reads comma-, tab- or otherwise separated files of one layout as one table, in the order given. Types come from the
 * first 20,480 rows, and from all rows where a later one contradicts them.
 */
export async function readDelimited(
  files: readonly string[],
  tabs: boolean,
  place: string,
  options: ReadOptions,
  budget: Budget,
  scratch: Scratch,
): Promise<Table> {
  const plan = await planDelimited(files, tabs, place, options, budget, scratch);
  try {
    return await withDatabase(plan.files, options.threads, (connection) => readPlan(connection, plan));
  } catch (error) {
    throw engineFault(error, place);
  }
}

/** Columns of large whole numbers, once it is known whether they are identifiers or quantities. */
type Settled = Map<string, 'identifier' | 'quantity'>;

async function readPlan(connection: DuckDBConnection, plan: Plan): Promise<Table> {
  const settled: Settled = new Map();
  let sampled = true;
  let sniffed = await sniffBeginning(connection, plan);
  for (;;) {
    try {
      const read = await readTyped(connection, plan, sniffed, settled);
      const unsettled = (names: readonly string[]) => names.filter((name) => !settled.has(name));
      const late = sampled && read.table.rows > SAMPLE_ROWS && unsettled(read.numbersAsStrings).length > 0;
      if (!late) {
        const suspects = unsettled(read.identifiersAsNumbers);
        if (suspects.length === 0) return read.table;
        if (!(await settle(connection, plan, suspects, settled))) return read.table;
        continue;
      }
    } catch (error) {
      if (error instanceof WideInteger) {
        await settle(connection, plan, [error.column], settled);
        continue;
      }
      if (!sampled || !isInferenceFault(error)) throw error;
    }
    sampled = false;
    const message = 'types were inferred from all rows, since later rows contradict the first ones';
    plan.options.notice?.({ code: 'TYPES_REINFERRED', message, count: plan.names.length });
    sniffed = await sniff(connection, plan, -1, true);
  }
}

function readTyped(connection: DuckDBConnection, plan: Plan, sniffed: Sniffed, settled: Settled) {
  const { names, options, place, budget } = plan;
  const columns = names.map((name, index) => {
    const known = settled.get(name);
    const wanted = wantedType(options, name) ?? (known === 'quantity' ? 'number' : undefined);
    const inferred = known === 'identifier' ? 'VARCHAR' : sniffed.types[index];
    return { name, source: name, wanted, type: wanted === undefined ? inferred : wantedAs(wanted) };
  });
  return readRelation(connection, {
    from: readCall(
      plan,
      columns.map(({ name, type }) => ({ name, type: parsedAs(type, sniffed) })),
      sniffed,
    ),
    columns,
    place,
    rounded: options.precision === 'float32',
    missing: new Set(options.missing ?? MISSING),
    budget: budget.again(),
    timeFormat: options.delimited?.timeFormat,
    target: options.target,
    capacity: plan.capacity,
  });
}

function wantedAs(wanted: ColumnType): string {
  return wanted === 'number' || wanted === 'integer' ? 'DOUBLE' : 'VARCHAR';
}

/**
 * Finds out which columns of large whole numbers are written in digits alone, and so are identifiers, not quantities
 * such as 1e300; returns whether any is.
 */
async function settle(
  connection: DuckDBConnection,
  plan: Plan,
  names: readonly string[],
  settled: Settled,
): Promise<boolean> {
  const strings = plan.names.map((name) => ({ name, type: 'VARCHAR' }));
  const tests = names.map((name) => `bool_and(regexp_full_match(trim(${identifier(name)}), '[+-]?[0-9]+'))`);
  const query = `SELECT ${tests.join(', ')} FROM ${readCall(plan, strings)}`;
  const [row] = (await connection.runAndReadAll(query)).getRowsJS();
  for (const [index, name] of names.entries()) settled.set(name, row[index] === true ? 'identifier' : 'quantity');
  return row.includes(true);
}

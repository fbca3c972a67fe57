import { CompiledQuery, type Transaction } from 'kysely';
import type { StoreContext } from '../context.js';
import type { DatabaseKind } from '../migrations/dialect-types.js';
import type { StoreSchema } from '../schema.js';
import { takeTurn } from './heads.js';
import { toBytes, toRow } from './rows.js';
import type { ObservationTable } from './schema.js';
import type { ObservationBatch } from './types.js';
import { mergeWindows } from './windows.js';

/**
 * Rows of observations per statement. Between two statements whoever asks a server is answered: so few are written out in less than a
 * millisecond, and more would hardly be quicker.
 */
const ROWS_PER_STATEMENT = 50;

const COLUMNS = [
  ...[
    'model',
    'sequence',
    'id',
    'answer_id',
    'at',
    'version',
    'regularizer_id',
    'role',
    'status',
    'fault',
    'latency_ms',
    'run_ms',
    'memory',
  ],
  ...['features', 'prediction', 'scores', 'flags', 'metadata', 'slices'],
  ...['label', 'label_known_at', 'label_source', 'label_sequence'],
] as readonly (keyof ObservationTable)[];

/** Statements by their number of rows: written out by hand, for a tree of 4 000 values takes longer to build than to run. */
const statements = new Map<string, string>();

function insertion(kind: DatabaseKind, rows: number): string {
  const key = `${kind} ${rows}`;
  let text = statements.get(key);
  if (text === undefined) {
    let last = 0;
    const parameter = (): string => (kind === 'sqlite' ? '?' : `$${++last}`);
    const row = (): string => `(${COLUMNS.map(parameter).join(', ')})`;
    text = `insert into observation (${COLUMNS.map((name) => `"${name}"`).join(', ')}) values ${Array.from({ length: rows }, row).join(', ')}`;
    statements.set(key, text);
  }
  return text;
}

/** Writes a batch, once however often it is tried. */
export async function writeBatch(
  { db, kind }: Pick<StoreContext, 'db' | 'kind'>,
  { id, observations, windows, sketches }: ObservationBatch,
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const { numInsertedOrUpdatedRows } = await transaction
      .insertInto('observation_batch')
      .values({ id, at: Date.now() })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 0n) return;
    const models = new Set([...observations, ...windows, ...sketches].map(({ model }) => model));
    // In one order, so that two writers never wait for each other.
    for (const model of [...models].sort()) {
      const own = observations.filter((each) => each.model === model);
      const { lastSequence, rolledUntil } = await takeTurn(transaction, model, { sequence: own.length });
      for (let from = 0; from < own.length; from += ROWS_PER_STATEMENT) {
        const some = own.slice(from, from + ROWS_PER_STATEMENT);
        const values = some.flatMap((each, i) => {
          const row = toRow(each, lastSequence + 1 + from + i);
          return COLUMNS.map((name) => row[name]);
        });
        await transaction.executeQuery(CompiledQuery.raw(insertion(kind, some.length), values));
      }
      await mergeWindows(
        transaction,
        model,
        windows.filter((each) => each.model === model),
        rolledUntil,
      );
      await mergeSketches(
        transaction,
        sketches.filter((each) => each.model === model),
      );
    }
  });
}

async function mergeSketches(
  transaction: Transaction<StoreSchema>,
  sketches: ObservationBatch['sketches'],
): Promise<void> {
  for (const { merge, column, ...key } of sketches) {
    const place = { ...key, name: column };
    const present = await transaction
      .selectFrom('observation_sketch')
      .select('content')
      .where(({ and }) => and(place))
      .executeTakeFirst();
    const content = merge(present === undefined ? undefined : toBytes(present.content));
    await transaction
      .insertInto('observation_sketch')
      .values({ ...place, content })
      .onConflict((conflict) =>
        conflict.columns(['model', 'start', 'ms', 'version', 'role', 'name']).doUpdateSet({ content }),
      )
      .execute();
  }
}

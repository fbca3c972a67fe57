import type { Kysely } from 'kysely';
import { BallastError } from '../errors.js';
import { batches } from './batches.js';
import type { StoreContext } from './context.js';
import { requireRun } from './run-rows.js';
import type { StoreSchema } from './schema.js';
import { checkName, storableText } from './text.js';
import type { ParameterStore } from './types.js';

/** The {@link ParameterStore} part of a store. */
export function parameterStore({ db }: StoreContext): ParameterStore {
  async function read(table: 'run_parameter' | 'run_tag', runId: string): Promise<Record<string, string>> {
    await requireRun(db, runId, { deletedToo: true });
    const rows = await db
      .selectFrom(table)
      .select(['name', 'value'])
      .where('run_id', '=', runId)
      .orderBy('name')
      .execute();
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  return {
    getParams: (runId) => read('run_parameter', runId),
    getTags: (runId) => read('run_tag', runId),

    async logParams(runId, parameters) {
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        await insertParameters(transaction, runId, parameters);
      });
    },

    async setTags(runId, tags) {
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        await upsertTags(transaction, runId, tags);
      });
    },

    async removeTags(runId, names) {
      await requireRun(db, runId);
      for (const batch of batches(names)) {
        await db.deleteFrom('run_tag').where('run_id', '=', runId).where('name', 'in', batch).execute();
      }
    },
  };
}

/**
 * Records parameters, in the transaction of the caller, who has checked the run.
 *
 * @throws BallastError `PARAMETER_CHANGED`
 */
export async function insertParameters(
  db: Kysely<StoreSchema>,
  runId: string,
  parameters: Readonly<Record<string, string | number | boolean>>,
): Promise<void> {
  for (const batch of batches(toRows(runId, parameters, 'parameter name'))) {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('run_parameter')
      .values(batch)
      .onConflict((conflict) => conflict.columns(['run_id', 'name']).doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === BigInt(batch.length)) continue;
    const stored = await db
      .selectFrom('run_parameter')
      .select(['name', 'value'])
      .where('run_id', '=', runId)
      .where(
        'name',
        'in',
        batch.map(({ name }) => name),
      )
      .execute();
    const values = new Map(stored.map(({ name, value }) => [name, value]));
    const changed = batch.find(({ name, value }) => values.get(name) !== value);
    if (changed !== undefined) throw parameterChanged(runId, changed, values.get(changed.name));
  }
}

/** Sets tags, in the transaction of the caller, who has checked the run. */
export async function upsertTags(
  db: Kysely<StoreSchema>,
  runId: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  for (const batch of batches(toRows(runId, tags, 'tag name'))) {
    await db
      .insertInto('run_tag')
      .values(batch)
      .onConflict((conflict) =>
        conflict.columns(['run_id', 'name']).doUpdateSet(({ ref }) => ({ value: ref('excluded.value') })),
      )
      .execute();
  }
}

interface TextRow {
  run_id: string;
  name: string;
  value: string;
}

/** By name, so that two writers lock them in the same order. */
function toRows(runId: string, texts: Readonly<Record<string, string | number | boolean>>, what: string): TextRow[] {
  return Object.entries(texts)
    .map(([name, value]) => ({ run_id: runId, name: checkName(name, what), value: storableText(String(value)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function parameterChanged(runId: string, { name, value }: TextRow, stored: string | undefined): BallastError {
  return new BallastError(`The parameter "${name}" is already recorded as "${stored}"`, {
    code: 'PARAMETER_CHANGED',
    kind: 'conflict',
    place: `runs:/${runId}`,
    value,
    remedy: 'Record what changes as a metric or a tag, or start another run.',
  });
}

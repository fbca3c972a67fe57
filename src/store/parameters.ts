import { BallastError } from '../errors.js';
import { batches } from './batches.js';
import type { StoreContext } from './context.js';
import { requireRun } from './run-rows.js';
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
      const rows = toRows(runId, parameters, 'parameter name');
      if (rows.length === 0) return;
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        for (const batch of batches(rows)) {
          await transaction
            .insertInto('run_parameter')
            .values(batch)
            .onConflict((conflict) => conflict.columns(['run_id', 'name']).doNothing())
            .execute();
          const stored = await transaction
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
      });
    },

    async setTags(runId, tags) {
      const rows = toRows(runId, tags, 'tag name');
      if (rows.length === 0) return;
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        for (const batch of batches(rows)) {
          await transaction
            .insertInto('run_tag')
            .values(batch)
            .onConflict((conflict) =>
              conflict.columns(['run_id', 'name']).doUpdateSet(({ ref }) => ({ value: ref('excluded.value') })),
            )
            .execute();
        }
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

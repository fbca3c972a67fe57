import type { Kysely } from 'kysely';
import type { StoreContext } from './context.js';
import type { StoreSchema } from './schema.js';
import { checkName } from './text.js';
import type { Experiment, ExperimentStore } from './types.js';

/** The {@link ExperimentStore} part of a store. */
export function experimentStore({ db }: StoreContext): ExperimentStore {
  const select = () =>
    db
      .selectFrom('experiment')
      .leftJoin('run', (join) => join.onRef('run.experiment_id', '=', 'experiment.id').on('run.deleted_at', 'is', null))
      .select(['experiment.id', 'experiment.name', 'experiment.created_at'])
      .select(({ fn }) => fn.count<number>('run.id').as('runs'))
      .groupBy(['experiment.id', 'experiment.name', 'experiment.created_at']);

  return {
    async ensureExperiment(name) {
      const id = await experimentId(db, name);
      return toExperiment(await select().where('experiment.id', '=', id).executeTakeFirstOrThrow());
    },
    async listExperiments() {
      return (await select().orderBy('experiment.name').execute()).map(toExperiment);
    },
  };
}

/** The id of the experiment of this name, which is created when there is none. */
export async function experimentId(db: Kysely<StoreSchema>, name: string): Promise<number> {
  checkName(name, 'experiment name');
  const find = () => db.selectFrom('experiment').select('id').where('name', '=', name);
  const found = await find().executeTakeFirst();
  if (found !== undefined) return found.id;
  await db
    .insertInto('experiment')
    .values({ name, created_at: Date.now() })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  return (await find().executeTakeFirstOrThrow()).id;
}

function toExperiment(row: { id: number; name: string; created_at: number; runs: number }): Experiment {
  return { id: row.id, name: row.name, createdAt: new Date(row.created_at), runs: row.runs };
}

import { type Kysely, sql } from 'kysely';
import { shownStatus } from './run-rows.js';
import type { StoreSchema } from './schema.js';
import type { RunStore, TrainingOutcome } from './types.js';

const MINUTE = 60_000;
/** Trials are no trainings here: that some of them end badly is what a search is for. */
const TRIAL = 'trial';

/** What became of trainings: see {@link RunStore.trainingOutcomes}. */
export function trainingOutcomes(db: Kysely<StoreSchema>): RunStore['trainingOutcomes'] {
  const trainings = (experiment: string | undefined) => {
    const runs = db
      .selectFrom('run')
      .innerJoin('experiment', 'experiment.id', 'run.experiment_id')
      .where('run.kind', '!=', TRIAL);
    return experiment === undefined ? runs : runs.where('experiment.name', '=', experiment);
  };
  return async ({ from, to, experiment }) => {
    const minute = sql<number>`run.ended_at / ${sql.lit(MINUTE)}`;
    const ended = await trainings(experiment)
      .select(['experiment.name', 'run.status', minute.as('minute')])
      .select((eb) => eb.fn.countAll<number>().as('runs'))
      .where('run.status', 'in', ['finished', 'failed', 'diverged'])
      .where('run.ended_at', '>=', from)
      .where('run.ended_at', '<', to)
      .groupBy(['experiment.name', 'run.status', minute])
      .execute();
    // Whether a run is interrupted is decided here, not in the database.
    const silent = await trainings(experiment)
      .select(['experiment.name', 'run.status', 'run.host', 'run.pid', 'run.process_started', 'run.heartbeat_at'])
      .where('run.status', '=', 'running')
      .where('run.heartbeat_at', '>=', from)
      .where('run.heartbeat_at', '<', to)
      .execute();
    return sum([
      ...ended.map((row) => {
        const runs = Number(row.runs);
        const finished = row.status === 'finished';
        const at = Number(row.minute) * MINUTE;
        return { experiment: row.name, at, finished: finished ? runs : 0, failed: finished ? 0 : runs };
      }),
      ...silent
        .filter((row) => shownStatus(row) === 'interrupted')
        .map((row) => ({
          ...{ experiment: row.name, at: Math.floor(row.heartbeat_at / MINUTE) * MINUTE },
          ...{ finished: 0, failed: 1 },
        })),
    ]);
  };
}

/** One for each experiment and minute, in the order of time. */
function sum(all: readonly TrainingOutcome[]): TrainingOutcome[] {
  const minutes = new Map<string, TrainingOutcome>();
  for (const each of all) {
    const key = `${each.at} ${each.experiment}`;
    const before = minutes.get(key);
    minutes.set(key, {
      ...each,
      finished: each.finished + (before?.finished ?? 0),
      failed: each.failed + (before?.failed ?? 0),
    });
  }
  return [...minutes.values()].sort((a, b) => a.at - b.at);
}

import { evaluate } from '../../evaluation/evaluate.js';
import type { LedgerInput } from '../../evaluation/ledger.js';
import type { ModelVersion, Observation, Run, Store, StoredObservation } from '../../store/index.js';
import { modelOfRun } from '../../tuning/run-rows.js';
import { observedPredictions } from './observed-predictions.js';

const STAGES = [
  { stage: 'shadow', role: 'shadow' },
  { stage: 'canary', role: 'candidate' },
  { stage: 'production', role: 'live' },
] as const satisfies readonly { stage: LedgerInput['stage']; role: Observation['role'] }[];

/** Labelled answers of a stage that are looked at: the newest. */
const MOST_ROWS = 20_000;

/** The registered versions whose model a run made. */
export async function versionsOfRun(store: Store, run: Run): Promise<ModelVersion[]> {
  return (await store.searchVersions({ filter: `run_id = '${run.id}'` })).versions;
}

/** The classes of a run's model in the order of its scores; undefined where it answers numbers. */
export async function classesOfRun(store: Store, run: Run): Promise<readonly string[] | undefined> {
  const { ports } = await modelOfRun(store, run);
  return ports.task === 'classification' ? ports.classes : undefined;
}

/**
 * The stages of a run's model after it was trained, as far as labels came: as shadow, as candidate, in production. Slices are those of the
 * requests' metadata.
 */
export async function stagesOfProduction(store: Store, run: Run, primary: string): Promise<LedgerInput[]> {
  const versions = await versionsOfRun(store, run);
  if (versions.length === 0) return [];
  const classes = await classesOfRun(store, run);
  const stages: LedgerInput[] = [];
  for (const { stage, role } of STAGES) {
    const rows: StoredObservation[] = [];
    for (const { name, version } of versions) {
      const query = { version: String(version), role, labelled: true, limit: MOST_ROWS };
      rows.push(...(await store.observationsBetween(name, query)));
    }
    const observed = observedPredictions(rows, classes);
    if (observed === undefined) continue;
    const { predictions, slices } = observed;
    stages.push({ stage, evaluation: evaluate({ ...predictions, slices, primary, seed: 1 }) });
  }
  return stages;
}

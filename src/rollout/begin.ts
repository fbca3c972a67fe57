import { BallastError } from '../errors.js';
import type { Store, StoredObservation } from '../store/index.js';
import { type Rollout, startRollout } from './controller.js';
import { resolveRollout } from './resolve.js';
import { signalsOf } from './signals.js';
import { baselineVersion, parseOptions, specOf, versionNumber } from './subjects.js';

export interface AskedRollout {
  readonly model: string;
  readonly candidate: string;
  /** The version that is live; needed only where the store does not say which that is. */
  readonly baseline?: string;
  /** Over those of the candidate's spec. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Although there is no error budget left. */
  readonly force?: boolean;
  readonly now: number;
  readonly by: string;
}

/** Answers before the rollout that its bounds and medians are taken from. */
const RECENT = 2000;

/**
 * Begins a rollout of a registered version.
 *
 * @throws BallastError `MODEL_NOT_FOUND`, `VERSION_NOT_FOUND`, `ROLLOUT_SAME_VERSION`, `ROLLOUT_NO_BASELINE`,
 * `ROLLOUT_BASELINE_NOT_LIVE`, `ROLLOUT_NO_BUDGET`, `ROLLOUT_UNDER_WAY`, `ROLLOUT_OPTIONS`
 */
export async function beginRollout(store: Store, asked: AskedRollout): Promise<Rollout> {
  const { model, now, by } = asked;
  const candidate = await store.getVersion(model, versionNumber(asked.candidate));
  const baseline = await store.getVersion(model, await baselineVersion(store, model, asked.baseline));
  if (candidate.version === baseline.version) {
    throw new BallastError('The candidate is the version that is live already', {
      code: 'ROLLOUT_SAME_VERSION',
      place: model,
      value: candidate.version,
      remedy: 'Name another version with --candidate',
    });
  }
  const run = candidate.runId === undefined ? undefined : await specOf(store, candidate.runId);
  const options = parseOptions({ ...(run?.rollout ?? {}), ...asked.options });
  const signals = await signalsOf(store, model, String(candidate.version), now);
  if (signals.remaining <= 0 && asked.force !== true) {
    throw new BallastError('The error budget of this model is spent: no rollout until there is some again', {
      code: 'ROLLOUT_NO_BUDGET',
      kind: 'conflict',
      place: model,
      value: signals.remaining,
      remedy: `ballast slo status ${model} shows what spent it; --force begins nevertheless`,
    });
  }
  const recent = await answersOf(store, model, String(baseline.version), now);
  const config = resolveRollout(
    options,
    {
      model,
      candidate: String(candidate.version),
      baseline: String(baseline.version),
      startedAt: now,
      ...(run?.task === undefined ? {} : { task: run.task }),
    },
    recent,
  );
  return startRollout(store, config, { cursor: await endOf(store, model, now), by });
}

/** The latest answers of a version before now, labelled ones and others. */
async function answersOf(store: Store, model: string, version: string, now: number): Promise<StoredObservation[]> {
  const query = { to: now, version, limit: RECENT };
  const latest = await store.observationsBetween(model, query);
  const labelled = await store.observationsBetween(model, { ...query, labelled: true });
  const known = new Set(latest.map(({ sequence }) => sequence));
  return [...latest, ...labelled.filter(({ sequence }) => !known.has(sequence))].filter(
    ({ role }) => role !== 'shadow',
  );
}

/** The cursor behind everything that was observed before a moment. */
async function endOf(store: Store, model: string, now: number): Promise<{ observations: number; labels: number }> {
  const [last] = await store.observationsBetween(model, { to: now, limit: 1 });
  // Writing lags: what came a little before is read too, and passed over by its time.
  const observations = Math.max(0, (last?.sequence ?? 0) - RECENT);
  const labelled = await store.observationsBetween(model, { to: now, labelled: true, limit: 1 });
  return { observations, labels: Math.max(0, (labelled[0]?.label?.sequence ?? 0) - RECENT) };
}

import { BallastError } from '../errors.js';
import { type RolloutOptions, rolloutOptions } from '../spec/rollout-options.js';
import { isOfProduction, type Store } from '../store/index.js';

/** Options with their defaults. @throws BallastError `ROLLOUT_OPTIONS` */
export function parseOptions(value: unknown): RolloutOptions {
  const parsed = rolloutOptions.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BallastError(issue?.message ?? 'These are no options of a rollout', {
    code: 'ROLLOUT_OPTIONS',
    place: ['rollout', ...(issue?.path ?? [])].map(String).join('.'),
  });
}

/** The version that is live, or, where the store knows of none, the one that is named. */
export async function baselineVersion(store: Store, model: string, asked: string | undefined): Promise<number> {
  const named = asked === undefined ? undefined : versionNumber(asked);
  const live = await liveVersion(store, model);
  if (named !== undefined && live !== undefined && named !== live) {
    throw new BallastError('Another version is live: a rollout would move its users to the baseline at once', {
      code: 'ROLLOUT_BASELINE_NOT_LIVE',
      kind: 'conflict',
      place: '--baseline',
      value: named,
      remedy: `Version ${live} of ${model} is live. Leave --baseline out to compare with it`,
    });
  }
  const baseline = live ?? named;
  if (baseline !== undefined) return baseline;
  throw noBaseline(model);
}

export function noBaseline(model: string): BallastError {
  return new BallastError('No version of this model is live', {
    code: 'ROLLOUT_NO_BASELINE',
    place: model,
    remedy: `Name the baseline with --baseline, or give a version the alias champion: ballast models alias ${model}@champion VERSION`,
  });
}

/** Undefined where the store knows of none. */
export async function liveVersion(store: Store, model: string): Promise<number | undefined> {
  const shares = (await store.getTraffic(model))?.shares ?? [];
  const live = shares.find(({ role }) => role === 'live');
  if (live !== undefined) return live.version;
  const { aliases } = await store.getModel(model);
  return Object.entries(aliases).find(([name]) => isOfProduction(name))?.[1];
}

export function versionNumber(text: string): number {
  const version = Number(text);
  if (Number.isInteger(version) && version > 0) return version;
  throw new BallastError('A version is a number from 1', { code: 'USAGE', value: text });
}

/** What the spec says that a version was trained by; undefined where the run was collected since. */
export async function specOf(
  store: Store,
  runId: string,
): Promise<{ rollout?: Record<string, unknown>; task?: 'classification' | 'regression' } | undefined> {
  try {
    return (await store.getRun(runId)).spec as { rollout?: Record<string, unknown> };
  } catch (error) {
    // The run may have been collected since.
    if (error instanceof BallastError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

import { BallastError } from '../errors.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { prepareData } from '../spec/prepare.js';
import type { Run, Store } from '../store/types.js';
import type { TrainingEvent } from '../training/events.js';
import { DECISIVE_KEYS, describeEnvironment, type Environment } from './environment.js';
import { planRuns } from './plan.js';
import { loadResult } from './result-record.js';
import { specOfRun } from './run-rows.js';
import { problemOf, trainRun } from './train-run.js';
import { parameterHash } from './weights.js';

export interface Reproduction {
  readonly run: string;
  /** Whether every trained value has the same bytes. */
  readonly identical: boolean;
  /** What differs from the record: data, environment, outcome, bytes. */
  readonly differences: readonly string[];
}

/**
 * Trains a run again from its record alone and compares the bytes of all trained values.
 *
 * @throws BallastError where the record cannot be trained again (RUN_WITHOUT_SPEC, REPRODUCE_DATA_CHANGED)
 */
export async function reproduce(
  store: Store,
  runtime: Runtime,
  run: Run,
  options: { ballastVersion: string; onEvent?: (event: TrainingEvent) => void; signal?: AbortSignal },
): Promise<Reproduction> {
  if (run.kind === 'path') {
    throw new BallastError('this run is the path of a convex model, which is not trained step by step', {
      code: 'REPRODUCE_PATH',
      place: `runs:/${run.id}`,
      remedy: `Fit it again: ${(run.environment as Partial<Environment>).command ?? 'ballast path SPEC'}`,
    });
  }
  const resolved = specOfRun(run);
  const recorded = await loadResult(store, run.id);
  const data = await prepareData(resolved, { register: store.holdoutRegister('reproduce') });
  if (data.version !== run.dataVersion) {
    throw new BallastError(`the data is now ${data.version}, and the run was trained on ${run.dataVersion}`, {
      code: 'REPRODUCE_DATA_CHANGED',
      kind: 'conflict',
      place: `runs:/${run.id}`,
      remedy: 'Restore the data as it was',
    });
  }
  const plan = planRuns(resolved.spec, data, { ablate: recorded.role === 'ablation' }).find(
    ({ role, seed, fold, without }) =>
      role === recorded.role && seed === recorded.seed && fold === recorded.fold && without === recorded.without,
  );
  if (plan === undefined)
    throw new BallastError('the record does not say which run this is', { code: 'RUN_WITHOUT_SPEC' });
  const { problem } = await problemOf(resolved, data, plan);
  const result = await trainRun(problem, {
    runtime,
    signal: options.signal,
    resume: undefined,
    onEvent: async (event) => options.onEvent?.(event),
  });
  if (result.outcome === 'cancelled') {
    throw new BallastError('interrupted; nothing was recorded', { code: 'INTERRUPTED', kind: 'cancelled' });
  }
  const identical = parameterHash(result.graph) === recorded.parameterHash;
  const now = await describeEnvironment(runtime, resolved.spec.training, options.ballastVersion);
  const before = run.environment as Environment;
  const differences = [
    ...(identical ? [] : ['trained values have other bytes']),
    ...(result.epochs === recorded.epochs ? [] : [`${result.epochs} epochs instead of ${recorded.epochs}`]),
    ...DECISIVE_KEYS.filter((key) => JSON.stringify(now[key]) !== JSON.stringify(before[key])).map(
      (key) => `${key}: ${JSON.stringify(before[key])} then, ${JSON.stringify(now[key])} now`,
    ),
  ];
  return { run: run.id, identical, differences };
}

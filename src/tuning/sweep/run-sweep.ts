import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { BallastError } from '../../errors.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { canonicalJson } from '../../regularizers/canonical-json.js';
import { randomPoint } from '../../search/samplers/random.js';
import type { Point } from '../../search/space.js';
import { type PreparedData, prepareData } from '../../spec/prepare.js';
import { type ResolvedSpec, resolveSpec } from '../../spec/read.js';
import type { SearchOptions } from '../../spec/search-options.js';
import type { Store } from '../../store/types.js';
import { CheckpointFolder } from '../checkpoints.js';
import { lateRegister } from '../late-register.js';
import { isAway, patiently } from '../queue/patience.js';
import { type Budget, type OpenSweep, openDefinition, type SweepDefinition } from './definition.js';
import { drive, type SweepEvent } from './driver.js';
import { type Estimate, estimateOf, secondsOfTrial } from './estimate.js';
import { firstPoints } from './first-points.js';
import { inlineExecutor } from './inline-executor.js';
import { interimResults } from './interim-results.js';
import { learnedRecipes, sizeOfRows } from './learned.js';
import { constraintsOf, objectivesOf } from './objectives.js';
import { poolExecutor } from './pool-executor.js';
import { queueExecutor } from './queue-executor.js';
import { resultOf, type SweepResult } from './result.js';
import { sharedSessions } from './shared-sessions.js';
import { refuseUnstoppable, stopWatch } from './stop-watch.js';
import { sharedFolder } from './trial-queue.js';
import { checkpointName } from './trial-unit.js';

export interface SweepOptions {
  readonly store: Store;
  readonly storeUrl: string;
  readonly runtime: Runtime;
  /** Folder for checkpoints. */
  readonly workFolder: string;
  readonly ballastVersion: string;
  /** Trials at once; 1 trains in this process. */
  readonly workers: number;
  /** Offer the trials to workers that share the store, instead of processes of this machine. */
  readonly queued?: boolean;
  /** With `queued`: after which silence a worker counts as dead, in ms. */
  readonly silentMs?: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: SweepEvent | SweepBegun) => void;
}

export type SweepBegun =
  | {
      readonly type: 'data';
      readonly name: string;
      readonly version: string;
      readonly rows: { readonly train: number; readonly validation: number; readonly holdout: number };
    }
  | { readonly type: 'estimate'; readonly estimate: Estimate; readonly workers: number }
  | {
      readonly type: 'begun';
      readonly sweepId: string;
      readonly trials: number;
      readonly parameters: readonly string[];
    };

/** What a sweep may be told to begin with and to go on with. */
export interface SweepLimits {
  /** In all. */
  readonly trials?: number;
  readonly budget?: Budget;
  /** In place of the spec's `search.stop`. */
  readonly stopWhen?: 'noise' | 'never';
}

/** A sweep that has been driven as far as it goes. */
export interface DrivenSweep {
  readonly result: SweepResult;
  readonly sweep: OpenSweep;
}

/**
 * Begins a sweep over a spec and drives it to its end: its cost is estimated first, its definition recorded, then trial
 * after trial is chosen, trained and recorded. Rows of the holdout are locked and never read.
 *
 * @throws BallastError of the spec, its space, its data; SWEEP_BUDGET
 */
export async function startSweep(
  given: ResolvedSpec,
  {
    trials,
    budget,
    stopWhen,
    newHoldout = false,
    ...options
  }: SweepOptions & SweepLimits & { readonly newHoldout?: boolean },
): Promise<DrivenSweep> {
  const { store, runtime, signal, onEvent, workers } = options;
  // The defaults of the search belong to the record, too.
  const resolved = resolveSpec(
    stoppingWhen({ ...given.spec, search: given.spec.search ?? {} }, stopWhen),
    given.baseDirectory,
  );
  const { spec } = resolved;
  const register = lateRegister(store.holdoutRegister('sweep'));
  const data = await prepareData(resolved, { register, newHoldout });
  const { train, validation, holdout } = data.split;
  const rows = { train: train.length, validation: validation.length, holdout: holdout.length };
  const begun: SweepDefinition = {
    spec,
    baseDirectory: resolved.baseDirectory,
    trainRows: train.length,
    dataVersion: data.version,
    trials: trials ?? spec.search!.trials,
    objectives: objectivesOf(spec),
    constraints: constraintsOf(spec),
    ballastVersion: options.ballastVersion,
    ...(budget === undefined ? {} : { budget }),
  };
  refuseUnstoppable(begun);
  const definition = { ...begun, firstPoints: await knownPoints(store, begun) };
  const sweep = openDefinition(definition);
  onEvent({ type: 'data', name: data.name, version: data.version, rows });
  const trialSeconds = await secondsOfSomeTrial(sweep, data, { runtime, signal });
  if (signal.aborted) {
    throw new BallastError('interrupted before the first trial; nothing was recorded', {
      code: 'INTERRUPTED',
      kind: 'cancelled',
    });
  }
  onEvent({
    type: 'estimate',
    estimate: estimateOf(trialSeconds, { trials: definition.trials, workers, budget }),
    workers,
  });
  await register.commit();
  await store.putDataVersion({
    name: data.name,
    version: data.version,
    rows: data.table.rows,
    schema: data.table.columns.map(({ name, kind }) => ({ name, kind })),
    source: [spec.data.source].flat().join(' '),
    splits: rows,
  });
  const sweepId = randomBytes(8).toString('hex');
  await store.createSweep({ id: sweepId, name: spec.name, definition });
  return driven(sweepId, sweep, data, 0, options);
}

/** What is known already, where the spec does not forbid it; a grid has its own points. */
async function knownPoints(store: Store, definition: SweepDefinition): Promise<readonly Point[]> {
  const { search, task, model } = definition.spec;
  if (search?.prior === 'none' || search?.sampler.type === 'grid') return [];
  const setting = { task, model: model.type, rows: sizeOfRows(definition.trainRows ?? 0) };
  const learned =
    search?.prior === 'spec'
      ? undefined
      : (await learnedRecipes(store)).find((recipe) => canonicalJson(recipe.setting) === canonicalJson(setting));
  return firstPoints(definition, learned).slice(0, definition.trials);
}

/** A spec with another `search.stop`, where one is wanted. */
function stoppingWhen<S extends { readonly search?: object | undefined }>(spec: S, type: SweepLimits['stopWhen']): S {
  const { stop } = (spec.search ?? {}) as Partial<SearchOptions>;
  return type === undefined || stop?.type === type ? spec : { ...spec, search: { ...spec.search, stop: { type } } };
}

/** The time of the spec as it stands; where it does not work as it stands, of a point of its space that does. */
async function secondsOfSomeTrial(
  { resolved, space, specAt }: OpenSweep,
  data: PreparedData,
  options: { runtime: Runtime; signal: AbortSignal },
): Promise<number> {
  try {
    return await secondsOfTrial(resolved, data, options);
  } catch (first) {
    if (!(first instanceof BallastError) || first.kind === 'environment') throw first;
    for (let number = 0; number < 8; number++) {
      try {
        return await secondsOfTrial(specAt(randomPoint({ space, number, seed: 1 }, 'estimate')), data, options);
      } catch (error) {
        if (!(error instanceof BallastError) || error.kind === 'environment') throw error;
      }
    }
    throw first;
  }
}

/**
 * Goes on with a sweep that was interrupted, stopped or done: its unfinished trials first, then new ones.
 *
 * @param change more trials, another budget, another reason to stop
 * @throws BallastError SWEEP_NOT_FOUND, SWEEP_AT_WORK, SWEEP_DATA_CHANGED
 */
export async function resumeSweep(
  reference: string,
  { trials, budget, stopWhen, ...options }: SweepOptions & SweepLimits,
): Promise<DrivenSweep> {
  const { store } = options;
  const found = await store.findSweep(reference);
  const before = found.definition as SweepDefinition;
  const definition: SweepDefinition = {
    ...before,
    spec: stoppingWhen(before.spec, stopWhen),
    ...(trials === undefined ? {} : { trials }),
    ...(budget === undefined ? {} : { budget }),
  };
  refuseUnstoppable(definition);
  const sweep = openDefinition(definition);
  const data = await dataOfSweep(store, sweep);
  const { seconds } = await store.takeSweep(found.id, definition);
  return driven(found.id, sweep, data, seconds, options);
}

/** The data of a sweep as it was. @throws BallastError SWEEP_DATA_CHANGED */
async function dataOfSweep(store: Store, { definition, resolved }: OpenSweep): Promise<PreparedData> {
  const data = await prepareData(resolved, { register: store.holdoutRegister('sweep') });
  if (data.version === definition.dataVersion) return data;
  throw new BallastError('the data has changed since the sweep was begun', {
    code: 'SWEEP_DATA_CHANGED',
    kind: 'conflict',
    value: data.version,
    remedy: 'Begin a new sweep, or restore the data',
  });
}

/** Drives a sweep; told to stop while the database is away, it says how to go on once that is back. */
async function driven(...given: Parameters<typeof drivenToItsEnd>): Promise<DrivenSweep> {
  try {
    return await drivenToItsEnd(...given);
  } catch (error) {
    const [sweepId, , , , { signal }] = given;
    if (!signal.aborted || !isAway(error)) throw error;
    throw new BallastError('interrupted while the database was away; what was recorded is kept', {
      code: 'INTERRUPTED',
      kind: 'cancelled',
      remedy: `Once it is back, go on with: ballast sweeps resume ${sweepId.slice(0, 8)}`,
      cause: error,
    });
  }
}

async function drivenToItsEnd(
  sweepId: string,
  sweep: OpenSweep,
  data: PreparedData,
  secondsBefore: number,
  options: SweepOptions,
): Promise<DrivenSweep> {
  const { store, storeUrl, runtime, workers, signal, onEvent, queued = false, silentMs } = options;
  const workFolder = queued ? sharedFolder(storeUrl) : options.workFolder;
  const queue = queued
    ? await queueExecutor({
        store,
        storeUrl,
        sweepId,
        slots: workers,
        signal,
        ...(silentMs === undefined ? {} : { silentMs }),
      })
    : undefined;
  const parameters = sweep.space.parameters.map(({ name }) => name);
  // Trials that were begun are finished, even where fewer are asked for now.
  const trials = Math.max(sweep.definition.trials, (await patiently(() => store.listTrials(sweepId), signal)).length);
  onEvent({ type: 'begun', sweepId, trials, parameters });
  const checkpoints = new CheckpointFolder(join(workFolder, 'checkpoints'));
  const begun = performance.now();
  const interim = interimResults(async () => {
    const seconds = secondsBefore + (performance.now() - begun) / 1000;
    const result = await resultOf({ store, sweepId, sweep, data, end: 'at-work', seconds });
    await store.updateSweep(sweepId, { result });
  });
  const driving = drive({
    store,
    sweepId,
    sweep,
    secondsBefore,
    signal,
    onEvent(event) {
      if (event.type === 'trial-ended' && event.trial.state === 'complete') interim.changed();
      onEvent(event);
    },
    watch: stopWatch({ store, sweepId, sweep, data }),
    forget: (trial, unit) => checkpoints.remove(checkpointName(sweepId, trial, unit)),
    executor: (judge) =>
      queue ??
      (workers > 1
        ? poolExecutor({ workers, storeUrl, sweepId, workFolder }, judge)
        : inlineExecutor({ store, runtime: sharedSessions(runtime), workFolder, sweepId, sweep }, judge)),
  });
  await Promise.allSettled([driving]);
  await interim.stop();
  const { end, seconds, look } = await driving;
  const result = await patiently(() => resultOf({ store, sweepId, sweep, data, end, stop: look, seconds }), signal);
  const over = end === 'interrupted' || end === 'stopped' || end === 'budget';
  await patiently(() => store.updateSweep(sweepId, { state: over ? 'stopped' : 'finished', result }), signal);
  return { result, sweep };
}

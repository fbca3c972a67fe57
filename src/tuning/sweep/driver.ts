import { BallastError } from '../../errors.js';
import type { Trial } from '../../search/trial.js';
import type { StoredTrial } from '../../store/sweep-types.js';
import type { Store } from '../../store/types.js';
import { isAway, patiently } from '../queue/patience.js';
import type { OpenSweep } from './definition.js';
import { secondsAllowed } from './estimate.js';
import type { Executor, ExecutorEnd, Judge } from './executor.js';
import { trialOf } from './history.js';
import { prunerOf, samplerOf } from './methods.js';
import type { TrialOutcome, TrialProgress } from './outcome.js';
import type { NoStopLook, StopLook, StopWatch } from './stop-watch.js';
import { MOST_LOST } from './trial-claim.js';
import type { TrialEnd } from './trial-runner.js';
import { thisWorker } from './worker-name.js';

/** What a sweep tells its audience while it works. */
export type SweepEvent =
  | { readonly type: 'trial'; readonly number: number; readonly point: Trial['point'] }
  | { readonly type: 'trial-ended'; readonly trial: Trial; readonly outcome: TrialOutcome; readonly done: number }
  | { readonly type: 'look'; readonly look: StopLook | NoStopLook };

export interface DriveOptions {
  readonly store: Store;
  readonly sweepId: string;
  readonly sweep: OpenSweep;
  readonly executor: (judge: Judge) => Executor;
  /** Says when what is left to gain is less than what can be told. */
  readonly watch: StopWatch;
  /** Spent before, by processes that drove it. */
  readonly secondsBefore: number;
  readonly signal: AbortSignal;
  /** Removes the checkpoint of a unit that will not go on. */
  readonly forget: (trial: number, unit: number) => Promise<void>;
  readonly onEvent: (event: SweepEvent) => void;
}

/** Why a sweep came to its end. */
export type SweepEnd = 'trials' | 'exhausted' | 'noise' | 'budget' | 'interrupted' | 'stopped';

interface Driven {
  readonly end: SweepEnd;
  readonly seconds: number;
  /** The last look at whether to go on. */
  readonly look: StopLook | NoStopLook | undefined;
}

/** Seconds between looks at whether another process asked it to stop, and between records of the time spent. */
const LOOK_MS = 1000;

/**
 * Drives a sweep to its end: goes on with trials that are unfinished, lets the sampler choose others, hands them to the
 * executor, ends what is not worth it, and stops at the budget. All that it knows is in the store, so that it may be
 * killed at any time and driven on.
 */
export async function drive(options: DriveOptions): Promise<Driven> {
  const { store, sweepId, sweep, signal, onEvent } = options;
  const { definition, resolved, space } = sweep;
  const search = resolved.spec.search!;
  const sampler = samplerOf(search.sampler, {
    trials: definition.trials,
    objectives: definition.objectives.length,
    pruner: search.pruner,
  });
  const pruner = prunerOf(search.pruner, resolved.spec.training.epochs);
  const started = performance.now();
  const seconds = (): number => options.secondsBefore + (performance.now() - started) / 1000;
  const stored = await patiently(() => store.listTrials(sweepId), signal);
  const trials = new Map<number, Trial>(stored.map((trial) => [trial.number, trialOf(trial)]));
  const open = stored.filter(({ state }) => state === 'queued' || state === 'running');
  const paused = new Set(open.filter(isPaused).map(({ number }) => number));
  const waiting = open.map(({ number }) => number).filter((number) => !paused.has(number));
  const lost = new Map<number, number>();
  const inOrder = (): Trial[] => [...trials.values()].sort((a, b) => a.number - b.number);
  const judge: Judge = (number, progress, after) => {
    const trial = { ...trials.get(number)!, reports: progress.reports, units: lossesOf(progress) };
    trials.set(number, trial);
    const others = inOrder().filter((other) => other !== trial);
    return pruner.decide(trial, others, after);
  };
  const executor = options.executor(judge);
  const allowed = secondsAllowed(definition.budget ?? {}, executor.slots);
  const atWork = new Set<Promise<void>>();
  let end: SweepEnd | undefined;
  let lastLook: StopLook | NoStopLook | undefined;
  let enoughSaid = false;
  let failure: unknown;
  const stop = (why: SweepEnd): void => {
    if (end !== undefined) return;
    end = why;
    executor.interrupt();
  };
  const onAbort = (): void => stop('interrupted');
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    if (seconds() > allowed) stop('budget');
    looking = looking.then(async () => {
      await store.updateSweep(sweepId, { seconds: seconds() });
      if ((await store.findSweep(sweepId)).state === 'stopped') stop('stopped');
    });
    looking = looking.catch((error: unknown) => {
      if (isAway(error)) return;
      failure ??= error;
      stop('interrupted');
    });
  }, LOOK_MS);

  try {
    while (end === undefined) {
      const number = waiting.shift() ?? ((await enough()) ? undefined : (promoted() ?? (await next())));
      if (number === undefined) {
        if (atWork.size === 0) break;
        // What is at work may yet be given back.
        await Promise.race(atWork);
        continue;
      }
      const work = one(number).finally(() => atWork.delete(work));
      atWork.add(work);
      if (atWork.size >= executor.slots) await Promise.race(atWork);
    }
    await Promise.allSettled(atWork);
    if (end === undefined) await endPaused();
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', onAbort);
    await executor.close();
    await looking;
  }
  if (failure !== undefined) throw failure;
  await patiently(() => store.updateSweep(sweepId, { seconds: seconds() }), signal);
  const natural = enoughSaid ? 'noise' : trials.size >= definition.trials ? 'trials' : 'exhausted';
  return { end: end ?? natural, seconds: seconds(), look: lastLook };

  /** Whether another trial could not be told from luck. What is at work comes to its end. */
  async function enough(): Promise<boolean> {
    if (enoughSaid || trials.size >= definition.trials) return enoughSaid;
    const look = await patiently(() => options.watch.look(inOrder()), signal);
    if (look === undefined) return false;
    lastLook = look;
    onEvent({ type: 'look', look });
    enoughSaid = 'enough' in look && look.enough;
    return enoughSaid;
  }

  /** A paused trial that is worth going on with after all. */
  function promoted(): number | undefined {
    const number = pruner.promote?.(
      [...paused].map((each) => trials.get(each)!),
      inOrder(),
    )?.number;
    if (number !== undefined) paused.delete(number);
    return number;
  }

  /** Nothing that could call them back is left to come. */
  async function endPaused(): Promise<void> {
    for (const number of paused) {
      const claim = await patiently(
        () => store.claimTrial(sweepId, number, { worker: thisWorker(), silentMs: 0 }),
        signal,
      );
      if (claim === undefined) continue;
      const { units, reports, seconds: spent = 0 } = claim.progress as TrialProgress;
      const outcome: TrialOutcome = { units, reports, seconds: spent };
      await patiently(() => store.endTrial(claim, 'pruned', outcome), signal);
      await options.forget(number, units.length);
      ended(number, { state: 'pruned', outcome });
    }
  }

  /** Lets the sampler choose a trial, and records it before anything is done for it. */
  async function next(): Promise<number | undefined> {
    const number = trials.size;
    if (number >= definition.trials) return undefined;
    const known = definition.firstPoints?.[number];
    const asked = {
      space,
      trials: inOrder(),
      number,
      seed: search.seed,
      objectives: definition.objectives.length,
    };
    const suggestion = known === undefined ? sampler.suggest(asked) : { point: known, tag: undefined };
    if (suggestion === undefined) return undefined;
    const { point, tag } = suggestion;
    trials.set(number, {
      number,
      point,
      state: 'running',
      reports: [],
      units: [],
      ...(tag === undefined ? {} : { tag }),
    });
    await patiently(() => store.addTrials(sweepId, [{ number, point, tag }]), signal);
    return number;
  }

  async function one(number: number): Promise<void> {
    onEvent({ type: 'trial', number, point: trials.get(number)!.point });
    let work: ExecutorEnd;
    try {
      work = await executor.run(number);
    } catch (error) {
      failure ??= error;
      stop('interrupted');
      return;
    }
    if (work.state === 'queued') {
      if (work.progress.paused === true) paused.add(number);
      return;
    }
    if (work.state === 'lost') {
      const times = (lost.get(number) ?? 0) + 1;
      lost.set(number, times);
      // One that kills them is failed by whoever takes it next; these did not even come to take it.
      if (times <= MOST_LOST) {
        waiting.unshift(number);
        return;
      }
      failure ??= new BallastError(`the worker of trial ${number} died ${times} times`, {
        code: 'SWEEP_WORKER_DIED',
        kind: 'environment',
        remedy: 'Look for lack of memory; ballast sweeps resume goes on',
      });
      stop('interrupted');
      return;
    }
    ended(number, work);
  }

  function ended(number: number, { state, outcome }: Exclude<TrialEnd, { state: 'queued' }>): void {
    const trial: Trial = {
      ...trials.get(number)!,
      state,
      reports: outcome.reports,
      units: lossesOf(outcome),
      ...(outcome.losses === undefined ? {} : { losses: outcome.losses }),
      ...(outcome.violations === undefined ? {} : { violations: outcome.violations }),
    };
    trials.set(number, trial);
    const done = inOrder().filter(({ state }) => state !== 'running');
    onEvent({ type: 'trial-ended', trial, outcome, done: done.length });
    refuseHopeless(done, outcome);
  }

  /** A sweep whose first trials all fail is a wrong spec, not a hard search. */
  function refuseHopeless(done: readonly Trial[], { error }: TrialOutcome): void {
    if (error === undefined || done.length !== Math.min(5, definition.trials)) return;
    if (!done.every(({ state }) => state === 'failed')) return;
    failure ??= new BallastError(`every trial so far failed: ${error.message}`, {
      code: error.code,
      place: 'search.space',
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    });
    stop('interrupted');
  }
}

function isPaused({ progress }: StoredTrial): boolean {
  return (progress as TrialProgress | undefined)?.paused === true;
}

function lossesOf({ units }: Pick<TrialProgress, 'units'>): (readonly number[])[] {
  return units.map(({ losses }) => losses);
}

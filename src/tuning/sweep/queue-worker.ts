import { setTimeout as sleep } from 'node:timers/promises';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { TrialClaim } from '../../store/sweep-types.js';
import type { Store } from '../../store/types.js';
import type { JobQueue } from '../queue/job-queue.js';
import { isAway, patiently } from '../queue/patience.js';
import { openDefinition, type SweepDefinition } from './definition.js';
import { trialOf } from './history.js';
import { prunerOf } from './methods.js';
import type { TrialProgress } from './outcome.js';
import { type ClaimedTrial, giveBack, type Reached, reachForTrial } from './trial-claim.js';
import { openTrialQueue, SILENT_MS, sharedFolder, type TrialJob } from './trial-queue.js';
import { type TrialEnd, type TrialHost, TrialRunner } from './trial-runner.js';

/** What a worker tells its audience. */
export type WorkerEvent =
  | { readonly type: 'waiting' }
  | { readonly type: 'taken'; readonly job: TrialJob; readonly attempt: number }
  | { readonly type: 'ended'; readonly job: TrialJob; readonly end: TrialEnd }
  | { readonly type: 'away'; readonly message: string };

export interface WorkerOptions {
  readonly store: Store;
  readonly storeUrl: string;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly onEvent: (event: WorkerEvent) => void;
  readonly silentMs?: number;
  /** Ends once nothing was to be done for so long, in ms; otherwise it waits for ever. */
  readonly idleMs?: number;
}

/** How long an empty queue is left alone, in ms. */
const POLL_MS = 250;
/** Sweeps whose data is kept ready. */
const MOST_SWEEPS = 3;

/**
 * Takes trials from the queue of a store and trains them, one after the other, until it is told to stop: then the trial
 * at work keeps a checkpoint and is offered again. A database that goes away for a while is waited for.
 */
export async function workTrials(options: WorkerOptions): Promise<void> {
  const { store, storeUrl, signal, onEvent, silentMs = SILENT_MS } = options;
  const opened = await openPatiently();
  if (opened === undefined) return;
  const queue = opened;
  const runners = new Map<string, TrialRunner>();
  let idleSince = Date.now();
  let told = false;
  try {
    while (!signal.aborted) {
      const jobs = await patiently(() => queue.take(1), signal);
      const [job] = jobs;
      if (job === undefined) {
        if (!told) onEvent({ type: 'waiting' });
        told = true;
        if (options.idleMs !== undefined && Date.now() - idleSince > options.idleMs) return;
        await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      told = false;
      const { sweepId, number } = job.data;
      const reached = await patiently(() => reach(sweepId, number), signal);
      // Heard: from here on the trial's own heartbeat says whether somebody is at it.
      await patiently(() => queue.heard(jobs), signal);
      if (reached !== undefined && 'claim' in reached) await one(job.data, reached.claim);
      idleSince = Date.now();
    }
  } catch (error) {
    // Told to stop while the database is away: nobody can be told, and the trial's silence says it.
    if (!isAway(error) || !signal.aborted) throw error;
  } finally {
    await queue.close();
  }

  /** Undefined where it was told to stop before the database answered. */
  async function openPatiently(): Promise<JobQueue<TrialJob> | undefined> {
    try {
      return await patiently(() => openTrialQueue(storeUrl), signal);
    } catch (error) {
      if (!isAway(error) || !signal.aborted) throw error;
      return undefined;
    }
  }

  /** The trial, where its sweep is at work and nobody has it. */
  async function reach(sweepId: string, number: number): Promise<Reached> {
    const { state } = await store.findSweep(sweepId);
    return state === 'running' ? reachForTrial(store, { sweepId, number, silentMs }) : undefined;
  }

  async function one(job: TrialJob, claim: ClaimedTrial): Promise<void> {
    onEvent({ type: 'taken', job, attempt: claim.attempt });
    const stopping = new AbortController();
    const beat = heart(claim, stopping);
    try {
      const runner = await patiently(() => runnerOf(claim.sweepId), signal);
      const end = await runner.run(claim, hostOf(claim, AbortSignal.any([signal, stopping.signal])));
      onEvent({ type: 'ended', job, end });
      // Given back because this worker stops, not because the sweep does: another may go on with it.
      if (end.state === 'queued' && signal.aborted) await patiently(() => queue.send([job]), signal);
    } catch (error) {
      if (!isAway(error)) throw error;
      onEvent({ type: 'away', message: (error as Error).message });
      if (await patiently(() => giveBack(store, claim), signal)) await patiently(() => queue.send([job]), signal);
    } finally {
      await beat.stop();
    }
  }

  /** Says that the trial is at work; stops it where it is another's by now, or where its sweep was stopped. */
  function heart(claim: TrialClaim, stopping: AbortController): { stop: () => Promise<void> } {
    let underWay: Promise<void> = Promise.resolve();
    const timer = setInterval(
      () => {
        underWay = underWay
          .then(async () => {
            const own = await store.trialAtWork(claim);
            if (!own || (await store.findSweep(claim.sweepId)).state === 'stopped') stopping.abort();
          })
          .catch((error: unknown) => {
            if (!isAway(error)) stopping.abort(error);
          });
      },
      Math.min(1000, silentMs / 5),
    );
    return {
      async stop() {
        clearInterval(timer);
        await underWay;
      },
    };
  }

  async function runnerOf(sweepId: string): Promise<TrialRunner> {
    const known = runners.get(sweepId);
    if (known !== undefined) return known;
    const { definition } = await store.findSweep(sweepId);
    const sweep = openDefinition(definition as SweepDefinition);
    const runner = new TrialRunner({
      store,
      runtime: options.runtime,
      workFolder: sharedFolder(storeUrl),
      sweepId,
      sweep,
    });
    const [oldest] = runners.keys();
    if (oldest !== undefined && runners.size >= MOST_SWEEPS) runners.delete(oldest);
    runners.set(sweepId, runner);
    return runner;
  }

  /** Prunes by what the store knows of the other trials. */
  function hostOf(claim: ClaimedTrial, stopped: AbortSignal): TrialHost {
    return {
      signal: stopped,
      async report(progress: TrialProgress, after) {
        const { definition } = await patiently(() => store.findSweep(claim.sweepId), stopped);
        const { spec } = definition as SweepDefinition;
        const options = spec.search!.pruner;
        const own = await patiently(() => store.trialAtWork(claim, { progress }), stopped);
        if (!own) return 'pause';
        if (options.type === 'none') return 'go-on';
        const trials = (await patiently(() => store.listTrials(claim.sweepId), stopped)).map(trialOf);
        const trial = trials.find(({ number }) => number === claim.number);
        if (trial === undefined) return 'go-on';
        const others = trials.filter((other) => other !== trial);
        return prunerOf(options, spec.training.epochs).decide(trial, others, after);
      },
    };
  }
}

import { BallastError } from '../../errors.js';
import type { StoredTrial } from '../../store/sweep-types.js';
import type { Store } from '../../store/types.js';
import { patiently } from '../queue/patience.js';
import type { Executor, ExecutorEnd } from './executor.js';
import type { TrialOutcome, TrialProgress } from './outcome.js';
import { openTrialQueue, SILENT_MS } from './trial-queue.js';

export interface QueueOptions {
  readonly store: Store;
  readonly storeUrl: string;
  readonly sweepId: string;
  /** Trials that are offered at once: at least as many as there are workers. */
  readonly slots: number;
  /** After which silence a worker counts as dead, in ms. */
  readonly silentMs?: number;
  /** Aborted: a database that is away is no longer waited for. */
  readonly signal?: AbortSignal | undefined;
}

interface Offered {
  readonly settle: (end: ExecutorEnd) => void;
  readonly fail: (error: unknown) => void;
  /** When it was last rung for, and how long nobody may come before it is rung for again, in ms. */
  rung: number;
  patience: number;
}

const NOTHING: TrialProgress = { units: [], reports: [] };
/** A trial is rung for again after so many times the silence of a dead worker at the latest. */
const LONGEST_PATIENCE = 16;
/** How often the store is looked at for what came of the trials, in ms. */
const LOOK_MS = 200;

/**
 * Offers trials to `ballast worker`s through the queue of a PostgreSQL store, and waits for what comes of them. A trial
 * that nobody takes, or whose worker falls silent, is rung for again; whoever takes it goes on from its checkpoint.
 * Workers decide about pruning themselves, out of the same records.
 */
export async function queueExecutor(options: QueueOptions): Promise<Executor> {
  const { store, storeUrl, sweepId, slots, silentMs = SILENT_MS, signal } = options;
  const queue = await patiently(() => openTrialQueue(storeUrl), signal);
  const offered = new Map<number, Offered>();
  let interrupted = false;
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch(failAll);
  }, LOOK_MS);

  async function look(): Promise<void> {
    if (offered.size === 0) return;
    const trials = await patiently(() => store.listTrials(sweepId, [...offered.keys()]), signal);
    const again: number[] = [];
    for (const trial of trials) {
      const offer = offered.get(trial.number);
      if (offer === undefined) continue;
      const end = endOf(trial);
      if (end !== undefined) {
        offered.delete(trial.number);
        offer.settle(end);
      } else if (unheard(trial) && Date.now() - offer.rung > offer.patience) {
        offer.rung = Date.now();
        // Perhaps there are no workers yet: rings must not pile up.
        offer.patience = Math.min(2 * offer.patience, LONGEST_PATIENCE * silentMs);
        again.push(trial.number);
      }
    }
    if (again.length > 0) await ring(again);
  }

  function endOf(trial: StoredTrial): ExecutorEnd | undefined {
    const { state, outcome, progress } = trial;
    const seen = progress as TrialProgress | undefined;
    switch (state) {
      case 'complete':
      case 'pruned':
      case 'failed':
        return { state, outcome: outcome as TrialOutcome };
      case 'queued':
        return interrupted || seen?.paused === true ? { state: 'queued', progress: seen ?? NOTHING } : undefined;
      case 'running':
        // Nobody is left who could give it back.
        return interrupted && silent(trial) ? { state: 'queued', progress: seen ?? NOTHING } : undefined;
      default:
        return state satisfies never;
    }
  }

  /**
   * Whether nobody is at a trial. A ring may be lost with a worker that took it, or with the database's answer that it did,
   * before the trial was claimed.
   */
  function unheard(trial: StoredTrial): boolean {
    return trial.state === 'queued' || (trial.state === 'running' && silent(trial));
  }

  function silent({ heartbeatAt }: StoredTrial): boolean {
    return Date.now() - heartbeatAt.getTime() > silentMs;
  }

  function failAll(error: unknown): void {
    for (const { fail } of offered.values()) fail(error);
    offered.clear();
  }

  const ring = (numbers: readonly number[]): Promise<void> =>
    patiently(() => queue.send(numbers.map((number) => ({ sweepId, number }))), signal);

  return {
    slots,
    async run(number) {
      const ended = new Promise<ExecutorEnd>((settle, fail) => {
        offered.set(number, { settle, fail, rung: Date.now(), patience: silentMs });
      });
      await ring([number]);
      return ended;
    },
    interrupt() {
      interrupted = true;
      // Workers look at the state of the sweep, and give its trials back.
      patiently(() => store.updateSweep(sweepId, { state: 'stopped' }), signal).catch(failAll);
    },
    async close() {
      clearInterval(timer);
      await looking;
      await queue.close();
      if (offered.size > 0)
        failAll(new BallastError('the sweep was closed', { code: 'SWEEP_CLOSED', kind: 'cancelled' }));
    },
  };
}

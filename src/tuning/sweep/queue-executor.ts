import { BallastError } from '../../errors.js';
import type { StoredTrial } from '../../store/sweep-types.js';
import type { Store } from '../../store/types.js';
import { isAway, patiently } from '../queue/patience.js';
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
}

interface Offered {
  readonly settle: (end: ExecutorEnd) => void;
  readonly fail: (error: unknown) => void;
  /** When it was last rung for. */
  rung: number;
}

const NOTHING: TrialProgress = { units: [], reports: [] };
/** How often the store is looked at for what came of the trials, in ms. */
const LOOK_MS = 200;

/**
 * Offers trials to `ballast worker`s through the queue of a PostgreSQL store, and waits for what comes of them. A trial
 * whose worker falls silent is rung for again; whoever takes it goes on from its checkpoint. Workers decide about pruning
 * themselves, out of the same records.
 */
export async function queueExecutor(options: QueueOptions): Promise<Executor> {
  const { store, storeUrl, sweepId, slots, silentMs = SILENT_MS } = options;
  const queue = await openTrialQueue(storeUrl);
  const offered = new Map<number, Offered>();
  let interrupted = false;
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch(failAll);
  }, LOOK_MS);

  async function look(): Promise<void> {
    if (offered.size === 0) return;
    let trials: StoredTrial[];
    try {
      trials = await store.listTrials(sweepId);
    } catch (error) {
      if (isAway(error)) return;
      throw error;
    }
    const again: number[] = [];
    for (const trial of trials) {
      const offer = offered.get(trial.number);
      if (offer === undefined) continue;
      const end = endOf(trial);
      if (end !== undefined) {
        offered.delete(trial.number);
        offer.settle(end);
      } else if (trial.state === 'running' && silent(trial) && Date.now() - offer.rung > silentMs) {
        offer.rung = Date.now();
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

  function silent({ heartbeatAt }: StoredTrial): boolean {
    return Date.now() - heartbeatAt.getTime() > silentMs;
  }

  function failAll(error: unknown): void {
    for (const { fail } of offered.values()) fail(error);
    offered.clear();
  }

  const ring = (numbers: readonly number[]): Promise<void> =>
    patiently(() => queue.send(numbers.map((number) => ({ sweepId, number }))));

  return {
    slots,
    async run(number) {
      const ended = new Promise<ExecutorEnd>((settle, fail) => {
        offered.set(number, { settle, fail, rung: Date.now() });
      });
      await ring([number]);
      return ended;
    },
    interrupt() {
      interrupted = true;
      // Workers look at the state of the sweep, and give its trials back.
      store.updateSweep(sweepId, { state: 'stopped' }).catch(failAll);
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

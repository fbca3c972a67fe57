import type { Verdict } from '../../search/pruner.js';
import type { TrialProgress } from './outcome.js';
import type { TrialEnd } from './trial-runner.js';

/** How a trial's work ended; `lost`: its worker died, and another may take it. */
export type ExecutorEnd = TrialEnd | { readonly state: 'lost' };

/**
 * Where trials are trained: this process, worker processes of this machine, or workers anywhere that share the store.
 * The trials are in the store; what is handed over is only which one.
 */
export interface Executor {
  /** Trials that may be at work at once. */
  readonly slots: number;
  run(number: number): Promise<ExecutorEnd>;
  /** Asks every trial at work to keep a checkpoint and stop; `run` then resolves with `queued`. */
  interrupt(): void;
  close(): Promise<void>;
}

/** Asked after an epoch or unit of a trial. */
export type Judge = (number: number, progress: TrialProgress, after: 'epoch' | 'unit') => Verdict;

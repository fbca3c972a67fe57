import type { Trial } from './trial.js';

export type Verdict = 'go-on' | 'prune' | 'pause';

/**
 * Decides whether a trial at work is worth going on with. Pure: the same trials give the same answer.
 *
 * `prune` ends it; `pause` ends it for now, with its checkpoint kept, and {@link Pruner.promote} may call it back.
 */
export interface Pruner {
  /**
   * @param trial with what it has reported up to now
   * @param others every other trial of the sweep
   * @param after an epoch of its first unit, or a unit (fold, seed) that others follow
   */
  decide(trial: Trial, others: readonly Trial[], after: 'epoch' | 'unit'): Verdict;
  /** Of trials that are paused the one that is worth going on with after all. */
  promote?(paused: readonly Trial[], all: readonly Trial[]): Trial | undefined;
}

/** Lets every trial come to its end. */
export const noPruner: Pruner = { decide: () => 'go-on' };

import type { Pruner } from '../pruner.js';
import { bestUpTo, isAmong } from '../standing.js';

export interface MedianOptions {
  /** Trials that must have come as far before any is compared with them. */
  readonly startUp?: number;
  /** Epochs in which nothing is pruned. */
  readonly warmUp?: number;
}

/**
 * Prunes a trial whose best so far is worse than the median of what others had by the same epoch (the rule of Vizier:
 * Golovin et al. 2017). With several objectives: where more than half of the others stand better.
 */
export function medianPruner({ startUp = 5, warmUp = 0 }: MedianOptions = {}): Pruner {
  return {
    decide(trial, others, after) {
      const step = trial.reports.at(-1)?.step ?? 0;
      const own = bestUpTo(trial, step);
      if (after !== 'epoch' || own === undefined || step <= warmUp) return 'go-on';
      const theirs = others.flatMap((other) => {
        const best = other.state === 'failed' ? undefined : bestUpTo(other, step);
        return best === undefined ? [] : [best];
      });
      if (theirs.length < startUp) return 'go-on';
      return isAmong(own, theirs, Math.floor(theirs.length / 2) + 1) ? 'go-on' : 'prune';
    },
  };
}

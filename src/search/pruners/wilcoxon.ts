import { signedRankGreater } from '../../numeric/signed-rank.js';
import type { Pruner } from '../pruner.js';
import { byQuality } from '../trial.js';

export interface WilcoxonOptions {
  /** Chance of pruning a trial that is as good as the best, at each look. */
  readonly level?: number;
  /** Units that must be done before the first look. */
  readonly startUp?: number;
}

/**
 * Prunes a trial between its folds or seeds where Wilcoxon's signed-rank test finds it worse than the best complete trial,
 * on the units that both have done: paired, so that hard folds are no one's fault. Of several objectives the first
 * counts.
 */
export function wilcoxonPruner({ level = 0.1, startUp = 3 }: WilcoxonOptions = {}): Pruner {
  return {
    decide(trial, others, after) {
      if (after !== 'unit' || trial.units.length < startUp) return 'go-on';
      const [best] = byQuality(others);
      if (best === undefined) return 'go-on';
      const differences = trial.units.slice(0, best.units.length).map(([loss], unit) => loss - best.units[unit][0]);
      return signedRankGreater(differences) < level ? 'prune' : 'go-on';
    },
  };
}

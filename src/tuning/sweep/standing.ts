import { importances } from '../../search/importance.js';
import { paretoFront } from '../../search/pareto.js';
import { byQuality, type CompleteTrial, isFeasible } from '../../search/trial.js';
import type { StoredTrial } from '../../store/sweep-types.js';
import type { OpenSweep } from './definition.js';
import { trialOf } from './history.js';

/** How the trials of a sweep stand to each other, as far as their records tell. */
export interface SweepStanding {
  readonly trials: { readonly complete: number; readonly pruned: number; readonly failed: number };
  /** Complete trials, the best first; of those that keep the constraints, where there are any. */
  readonly ranked: readonly CompleteTrial[];
  /** With several objectives: those that none is better than in everything. */
  readonly front: readonly CompleteTrial[] | undefined;
  /** Share of each parameter in whether a trial is among the best; empty below 8 complete trials. */
  readonly importance: Readonly<Record<string, number>>;
}

/** Works out the standing of trials, complete or not; cheap enough to be asked for while they are at work. */
export function standingOf(
  { space, definition }: Pick<OpenSweep, 'space' | 'definition'>,
  stored: readonly StoredTrial[],
): SweepStanding {
  const trials = stored.map(trialOf);
  const count = (state: StoredTrial['state']): number => stored.filter((trial) => trial.state === state).length;
  const all = byQuality(trials);
  const feasible = all.filter(isFeasible);
  const ranked = feasible.length > 0 ? feasible : all;
  return {
    trials: { complete: count('complete'), pruned: count('pruned'), failed: count('failed') },
    ranked,
    front: definition.objectives.length < 2 || ranked.length === 0 ? undefined : frontOf(ranked),
    importance: importances(space, trials),
  };
}

function frontOf(trials: readonly CompleteTrial[]): CompleteTrial[] {
  return paretoFront(trials.map(({ losses }) => losses)).map((i) => trials[i]);
}

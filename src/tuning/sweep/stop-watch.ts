import { BallastError } from '../../errors.js';
import { selectBest } from '../../evaluation/selection.js';
import { mean, variance } from '../../numeric/statistics.js';
import { leftToGain, lookReached } from '../../search/stopping.js';
import { byQuality, type CompleteTrial, isComplete, isFeasible, type Trial } from '../../search/trial.js';
import type { PreparedData } from '../../spec/prepare.js';
import type { Store } from '../../store/types.js';
import type { OpenSweep, SweepDefinition } from './definition.js';
import type { TrialOutcome, UnitOutcome } from './outcome.js';
import { trialAnswers } from './trial-answers.js';

/** A look at whether a sweep may still find something better than chance; plain JSON. */
export interface StopLook {
  /** Complete trials at the time. */
  readonly complete: number;
  /** The best of them. */
  readonly trial: number;
  /** How much better another point is at most, in the unit of the metric. */
  readonly left: number;
  /** Standard error of what the best is worth, in the unit of the metric. */
  readonly noise: number;
  readonly noiseFrom: 'folds' | 'rows' | 'seeds and rows';
  /** `left` is below `noise`: to go on would be to choose among chances. */
  readonly enough: boolean;
}

/** Why there is no telling. */
export interface NoStopLook {
  readonly reason: string;
}

/** Looks, now and then, whether a sweep is to end before its last trial. */
export interface StopWatch {
  /** @returns undefined where it is not yet time for another look */
  look(trials: readonly Trial[]): Promise<StopLook | NoStopLook | undefined>;
}

export interface StopWatchOptions {
  readonly store: Store;
  readonly sweepId: string;
  readonly sweep: OpenSweep;
  readonly data: PreparedData;
}

/** @throws BallastError SEARCH_STOP where no single figure is searched for */
export function refuseUnstoppable({ spec, objectives }: SweepDefinition): void {
  if (spec.search?.stop.type !== 'noise' || objectives.length === 1) return;
  throw new BallastError('with several objectives there is no one best whose noise could end the sweep', {
    code: 'SEARCH_STOP',
    place: 'search.stop',
    remedy:
      'Leave search.objectives out, make them objectives.constraints, or set stop: { type: never } and a --budget',
  });
}

/** The watch that the spec of a sweep asks for. */
export function stopWatch({ store, sweepId, sweep, data }: StopWatchOptions): StopWatch {
  const { stop, seed } = sweep.resolved.spec.search!;
  if (stop.type === 'never') return { look: async () => undefined };
  const { after } = stop;
  let looked: number | undefined;
  return {
    async look(trials) {
      const complete = trials.filter(isComplete).length;
      // A process that takes over looks where the one before it would have.
      looked ??= lookReached(complete - 1, after) ?? 0;
      const reached = lookReached(complete, after);
      if (reached === undefined || reached <= looked) return undefined;
      const best = byQuality(trials).find(isFeasible);
      const noise = best === undefined ? undefined : await noiseOf(best);
      // Not before: a database that was away is asked again.
      looked = reached;
      if (best === undefined || noise === undefined) return { reason: 'no trial keeps the constraints' };
      const bounds = leftToGain(sweep.space, trials, seed);
      if (bounds === undefined) return { reason: 'there are too few complete trials' };
      if ('reason' in noise) return noise;
      const { left } = bounds;
      const { error, from } = noise;
      return { complete, trial: best.number, left, noise: error, noiseFrom: from, enough: left < error };
    },
  };

  async function noiseOf({ number }: CompleteTrial): Promise<Noise | NoStopLook> {
    const { runId, outcome } = (await store.listTrials(sweepId, [number]))[0];
    const { units } = outcome as TrialOutcome;
    const folds = groupedLosses(units, ({ fold }) => fold);
    if (folds.length > 1) return { error: Math.sqrt(foldVariance(folds)), from: 'folds' };
    const [{ name }] = sweep.definition.objectives;
    const answers = trialAnswers(store, sweep, data);
    if ('reason' in answers) return answers;
    const rows = (await answers(runId ?? '')).map(
      (unit) => selectBest({ metric: name, candidates: [[unit]], seed })?.standardError ?? Number.NaN,
    );
    // Every seed is judged on the same rows: their error does not become less with more of them.
    const ofRows = mean(rows);
    if (!Number.isFinite(ofRows)) return { reason: `${name} cannot be resampled on these rows` };
    const seeds = groupedLosses(units, ({ seed: own }) => own);
    if (seeds.length < 2) return { error: ofRows, from: 'rows' };
    return { error: Math.sqrt(ofRows ** 2 + variance(seeds) / seeds.length), from: 'seeds and rows' };
  }
}

interface Noise {
  readonly error: number;
  readonly from: StopLook['noiseFrom'];
}

/**
 * Variance of a mean over folds: those overlap in what they are trained on, so that s^2 / k is too little (Nadeau and
 * Bengio 2003: 1/k + rows judged on per row trained on, which with k folds is 1/(k - 1)).
 */
export function foldVariance(folds: readonly number[]): number {
  return (1 / folds.length + 1 / (folds.length - 1)) * variance(folds);
}

/** Mean loss of each fold, or of each seed. */
function groupedLosses(units: readonly UnitOutcome[], by: (unit: UnitOutcome) => number | undefined): number[] {
  const groups = new Map<number | undefined, number[]>();
  for (const unit of units) groups.set(by(unit), [...(groups.get(by(unit)) ?? []), unit.losses[0]]);
  return [...groups.values()].map((losses) => mean(losses));
}

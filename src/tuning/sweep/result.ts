import type { Figure } from '../../evaluation/figure.js';
import { type Selection, selectBest } from '../../evaluation/selection.js';
import { valuesOf } from '../../search/space.js';
import type { CompleteTrial } from '../../search/trial.js';
import type { PreparedData } from '../../spec/prepare.js';
import type { Spec } from '../../spec/schema.js';
import type { StoredTrial } from '../../store/sweep-types.js';
import type { Store } from '../../store/types.js';
import type { OpenSweep } from './definition.js';
import type { SweepEnd } from './driver.js';
import type { TrialOutcome } from './outcome.js';
import { standingOf } from './standing.js';
import type { NoStopLook, StopLook } from './stop-watch.js';
import { trialAnswers } from './trial-answers.js';

/** The trial that a sweep recommends. */
export interface BestTrial {
  readonly trial: number;
  readonly run: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  readonly objective: string;
  /** On the validation rows that it was chosen on. */
  readonly metric: number;
  readonly interval?: readonly [number, number];
  /** What it is worth on other rows of the same kind: freed of the luck of having been the best of many. */
  readonly correctedMetric?: Figure;
  /** Why there is no correction. */
  readonly uncorrected?: string;
  readonly figures: Readonly<Record<string, number>>;
  /** The spec that it was trained by. */
  readonly spec: Omit<Spec, 'search'>;
  /** The trial with the best figure, where another one, no worse by what can be told, is simpler. */
  readonly insteadOf?: { readonly trial: number; readonly metric: number; readonly because: string };
  /** Trials that cannot be told from the best one on these rows. */
  readonly tied: number;
}

export interface FrontTrial {
  readonly trial: number;
  readonly run: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  /** By name of the objective, as it is measured. */
  readonly objectives: Readonly<Record<string, number>>;
}

/** What a sweep came to; plain JSON. */
export interface SweepResult {
  readonly sweepId: string;
  /** `at-work`: what it has come to so far. */
  readonly end: SweepEnd | 'at-work';
  readonly trials: { readonly complete: number; readonly pruned: number; readonly failed: number };
  /** Absent where no trial is complete. */
  readonly best?: BestTrial;
  /** With several objectives: the trials that none is better than in everything. */
  readonly front?: readonly FrontTrial[];
  /** Share of each parameter in whether a trial is among the best; 0 where nothing can be told, empty below 8 complete trials. */
  readonly importance: Readonly<Record<string, number>>;
  /** With `search.stop: noise`: the last look at whether to go on. */
  readonly stop?: StopLook | NoStopLook;
  readonly seconds: number;
}

/** Trials whose rows are looked at again when luck is reckoned; those behind them are never chosen. */
const MOST_CANDIDATES = 64;

export interface ResultOptions {
  readonly store: Store;
  readonly sweepId: string;
  readonly sweep: OpenSweep;
  readonly data: PreparedData;
  readonly end: SweepResult['end'];
  readonly stop?: StopLook | NoStopLook | undefined;
  readonly seconds: number;
}

/** Works out what a sweep came to, from its record alone. */
export async function resultOf(options: ResultOptions): Promise<SweepResult> {
  const { store, sweepId, sweep, end, stop, seconds } = options;
  const { definition, space } = sweep;
  const stored = await store.listTrials(sweepId);
  const { trials, ranked, front, importance } = standingOf(sweep, stored);
  const byNumber = new Map(stored.map((trial) => [trial.number, trial]));
  const common = { sweepId, end, trials, importance, ...(stop === undefined ? {} : { stop }), seconds };
  if (ranked.length === 0) return common;
  const best = await bestOf(options, ranked, byNumber);
  // The best of what cannot be told apart is where it is by luck; what decides that is nothing.
  const flat = best.tied > 0 && best.tied + 1 >= Math.min(ranked.length, MOST_CANDIDATES);
  if (front === undefined) return { ...common, best, ...(flat ? { importance: noneOf(importance) } : {}) };
  return {
    ...common,
    best,
    front: front.map(({ number, point }): FrontTrial => {
      const { outcome, runId } = byNumber.get(number)!;
      const { figures = {} } = outcome as TrialOutcome;
      return {
        trial: number,
        run: runId,
        values: valuesOf(space, point),
        objectives: Object.fromEntries(definition.objectives.map(({ name }) => [name, figures[name]])),
      };
    }),
  };
}

function noneOf(importance: SweepResult['importance']): SweepResult['importance'] {
  return Object.fromEntries(Object.keys(importance).map((name) => [name, 0]));
}

async function bestOf(
  options: ResultOptions,
  ranked: readonly CompleteTrial[],
  byNumber: ReadonlyMap<number, StoredTrial>,
): Promise<BestTrial> {
  const { sweep } = options;
  const [objective] = sweep.definition.objectives;
  const outcome = ({ number }: CompleteTrial): TrialOutcome => byNumber.get(number)!.outcome as TrialOutcome;
  const candidates = ranked.slice(0, MOST_CANDIDATES);
  const chosen = await selectionOf(options, candidates, byNumber);
  const selection = 'reason' in chosen ? undefined : chosen;
  const first = selection === undefined ? ranked[0] : candidates[selection.best];
  const tied = (selection?.tied ?? []).map((i) => candidates[i]);
  const simplest = simplerThan(first, tied, (trial) => complexityOf(sweep, trial, outcome(trial)));
  const taken = simplest?.trial ?? first;
  const { spec } = sweep.specAt(taken.point);
  const { figures = {} } = outcome(taken);
  const own = taken === first ? selection : undefined;
  const shift = selection === undefined ? 0 : selection.corrected.value - selection.apparent.value;
  const corrected: Figure | undefined =
    selection === undefined
      ? undefined
      : own === undefined
        ? movedBy(selection, figures[objective.name] + shift)
        : selection.corrected;
  return {
    trial: taken.number,
    run: byNumber.get(taken.number)!.runId,
    values: valuesOf(sweep.space, taken.point),
    objective: objective.name,
    metric: figures[objective.name],
    ...(own === undefined ? {} : { interval: own.apparent.interval }),
    ...(corrected === undefined ? {} : { correctedMetric: corrected }),
    ...('reason' in chosen ? { uncorrected: chosen.reason } : {}),
    figures,
    spec,
    ...(simplest === undefined
      ? {}
      : {
          insteadOf: {
            trial: first.number,
            metric: outcome(first).figures![objective.name],
            because: simplest.because,
          },
        }),
    tied: tied.length,
  };
}

/** The winner's interval, around the figure of another that cannot be told from it. */
function movedBy({ corrected }: Selection, value: number): Figure {
  const by = value - corrected.value;
  const [low, high] = corrected.interval;
  return { value, interval: [low + by, high + by], method: corrected.method };
}

/** How much there is to a model: trained numbers, regularizers. */
interface Complexity {
  readonly parameters: number;
  readonly regularizers: number;
}

function complexityOf(sweep: OpenSweep, { point }: CompleteTrial, { figures = {} }: TrialOutcome): Complexity {
  const acting = sweep.specAt(point).regularizers.filter(({ strength }) => strength !== 0).length;
  return { parameters: figures.parameters, regularizers: acting };
}

/** Of trials that tie, the one with fewer trained numbers; with as many, the one with fewer regularizers. */
function simplerThan(
  best: CompleteTrial,
  tied: readonly CompleteTrial[],
  of: (trial: CompleteTrial) => Complexity,
): { trial: CompleteTrial; because: string } | undefined {
  const order = (a: Complexity, b: Complexity): number =>
    a.parameters - b.parameters || a.regularizers - b.regularizers;
  const own = of(best);
  const [simplest] = tied
    .filter((trial) => order(of(trial), own) < 0)
    .sort((a, b) => order(of(a), of(b)) || a.losses[0] - b.losses[0]);
  if (simplest === undefined) return undefined;
  const { parameters, regularizers } = of(simplest);
  const because =
    parameters < own.parameters
      ? `${parameters} trained numbers instead of ${own.parameters}`
      : `${regularizers} regularizers instead of ${own.regularizers}`;
  return { trial: simplest, because };
}

/** The luck in the choice, out of what the candidates answered to the validation rows. */
async function selectionOf(
  { store, sweep, data }: ResultOptions,
  candidates: readonly CompleteTrial[],
  byNumber: ReadonlyMap<number, StoredTrial>,
): Promise<Selection | { readonly reason: string }> {
  const { definition, resolved } = sweep;
  const [objective] = definition.objectives;
  if (['gap', 'parameters', 'seconds'].includes(objective.name))
    return { reason: `${objective.name} is no metric of rows` };
  const answers = trialAnswers(store, sweep, data);
  if ('reason' in answers) return answers;
  const predictions = await Promise.all(candidates.map(({ number }) => answers(byNumber.get(number)!.runId ?? '')));
  const { seed } = resolved.spec.training;
  const selection = selectBest({ metric: objective.name, candidates: predictions, seed });
  return selection ?? { reason: `${objective.name} cannot be resampled on these rows` };
}

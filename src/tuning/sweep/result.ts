import type { Figure } from '../../evaluation/figure.js';
import { type Selection, selectBest } from '../../evaluation/selection.js';
import { importances } from '../../search/importance.js';
import { paretoFront } from '../../search/pareto.js';
import { valuesOf } from '../../search/space.js';
import { byQuality, type CompleteTrial, isFeasible } from '../../search/trial.js';
import type { PreparedData } from '../../spec/prepare.js';
import type { Spec } from '../../spec/schema.js';
import type { StoredTrial } from '../../store/sweep-types.js';
import type { Store } from '../../store/types.js';
import { predictionsOf } from '../judge.js';
import { planRuns } from '../plan.js';
import type { OpenSweep } from './definition.js';
import type { SweepEnd } from './driver.js';
import { trialOf } from './history.js';
import type { TrialOutcome } from './outcome.js';
import { unitOutputs } from './trial-unit.js';

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
  readonly end: SweepEnd;
  readonly trials: { readonly complete: number; readonly pruned: number; readonly failed: number };
  /** Absent where no trial is complete. */
  readonly best?: BestTrial;
  /** With several objectives: the trials that none is better than in everything. */
  readonly front?: readonly FrontTrial[];
  /** Share of each parameter in whether a trial is among the best; empty below 8 complete trials. */
  readonly importance: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Trials whose rows are looked at again when luck is reckoned; those behind them are never chosen. */
const MOST_CANDIDATES = 64;

export interface ResultOptions {
  readonly store: Store;
  readonly sweepId: string;
  readonly sweep: OpenSweep;
  readonly data: PreparedData;
  readonly end: SweepEnd;
  readonly seconds: number;
}

/** Works out what a sweep came to, from its record alone. */
export async function resultOf(options: ResultOptions): Promise<SweepResult> {
  const { store, sweepId, sweep, end, seconds } = options;
  const { definition, space } = sweep;
  const stored = await store.listTrials(sweepId);
  const trials = stored.map(trialOf);
  const count = (state: StoredTrial['state']): number => stored.filter((trial) => trial.state === state).length;
  const ranked = byQuality(trials);
  const byNumber = new Map(stored.map((trial) => [trial.number, trial]));
  const common = {
    sweepId,
    end,
    trials: { complete: count('complete'), pruned: count('pruned'), failed: count('failed') },
    importance: importances(space, trials),
    seconds,
  };
  if (ranked.length === 0) return common;
  const feasible = ranked.filter(isFeasible);
  const front =
    definition.objectives.length < 2
      ? undefined
      : frontOf(feasible.length > 0 ? feasible : ranked).map((trial): FrontTrial => {
          const { figures = {} } = byNumber.get(trial.number)!.outcome as TrialOutcome;
          return {
            trial: trial.number,
            run: byNumber.get(trial.number)!.runId,
            values: valuesOf(space, trial.point),
            objectives: Object.fromEntries(definition.objectives.map(({ name }) => [name, figures[name]])),
          };
        });
  const best = await bestOf(options, feasible.length > 0 ? feasible : ranked, byNumber);
  return { ...common, best, ...(front === undefined ? {} : { front }) };
}

function frontOf(trials: readonly CompleteTrial[]): CompleteTrial[] {
  return paretoFront(trials.map(({ losses }) => losses)).map((i) => trials[i]);
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
  const { space, definition, resolved } = sweep;
  const [objective] = definition.objectives;
  if (['gap', 'parameters', 'seconds'].includes(objective.name))
    return { reason: `${objective.name} is no metric of rows` };
  const moving = space.parameters.find(({ name }) => /^data\.|^training\.(seed|repeats|crossValidation)/.test(name));
  if (moving !== undefined) return { reason: `${moving.name} varies, so that trials are not judged on the same rows` };
  const { spec } = resolved;
  const plans = planRuns(spec, data).filter(({ role }) => role === 'model');
  const examples = plans.map(({ validation }) => data.preprocessor.transform(data.table, validation));
  const predictions = await Promise.all(
    candidates.map(async ({ number }) => {
      const { runId } = byNumber.get(number)!;
      return Promise.all(
        plans.map(async ({ validation }, unit) => {
          const bytes = await (await store.openArtifact(runId ?? '', unitOutputs(unit))).bytes();
          const outputs = new Float32Array(bytes.byteLength / 4);
          Buffer.from(outputs.buffer).set(bytes);
          const positions = Int32Array.from(validation, (_, i) => i);
          return predictionsOf(spec, data, examples[unit], positions, outputs);
        }),
      );
    }),
  );
  const selection = selectBest({ metric: objective.name, candidates: predictions, seed: spec.training.seed });
  return selection ?? { reason: `${objective.name} cannot be resampled on these rows` };
}

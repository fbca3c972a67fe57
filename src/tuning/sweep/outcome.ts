import { mean } from '../../numeric/statistics.js';
import type { Report } from '../../search/trial.js';
import type { SweepDefinition } from './definition.js';
import { lossOf } from './objectives.js';

/** What a trial came to; plain JSON. */
export interface TrialOutcome {
  /** One for each objective: lower is better. */
  readonly losses?: readonly number[];
  /** How far each constraint is exceeded. */
  readonly violations?: readonly number[];
  readonly reports: readonly Report[];
  readonly units: readonly UnitOutcome[];
  /** Means over the units, of validation; with gap, parameters, seconds. */
  readonly figures?: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Why it failed. */
  readonly error?: { readonly code: string; readonly message: string; readonly remedy?: string | undefined };
}

/** One fold or seed of a trial. */
export interface UnitOutcome {
  readonly seed: number;
  readonly fold?: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly losses: readonly number[];
  readonly epochs: number;
  readonly seconds: number;
}

/** What a trial at work has come to: what it goes on from in another process. */
export interface TrialProgress {
  readonly units: readonly UnitOutcome[];
  readonly reports: readonly Report[];
  /** Spent on it so far. */
  readonly seconds?: number;
  /** It waits at a rung for being called back. */
  readonly paused?: boolean;
}

/** The outcome of a trial whose units are done: means over them. */
export function outcomeOf(
  { units, reports }: TrialProgress,
  { objectives, constraints }: Pick<SweepDefinition, 'objectives' | 'constraints'>,
  seconds: number,
): TrialOutcome {
  const names = Object.keys(units[0]?.figures ?? {});
  const figures = Object.fromEntries(names.map((name) => [name, mean(units.map((unit) => unit.figures[name]))]));
  return {
    losses: objectives.map((objective) => lossOf(objective, figures[objective.name])),
    violations: constraints.map(({ name, limit }) => figures[name] - limit),
    figures,
    units,
    reports,
    seconds,
  };
}

import type { Point } from './space.js';

/** What was seen of a trial on its way, at a step (an epoch). Lower is better. */
export interface Report {
  readonly step: number;
  /** One for each objective. */
  readonly losses: readonly number[];
}

/**
 * One tried point. All figures are losses: lower is better, whatever the metric. A trial that is trained on several
 * folds or seeds has a loss for each of these units.
 */
export interface Trial {
  /** From 0, in the order of suggestion. */
  readonly number: number;
  readonly point: Point;
  readonly state: 'running' | 'complete' | 'pruned' | 'failed';
  /** One for each objective, where it is complete. */
  readonly losses?: readonly number[];
  /** How far each constraint is exceeded; at most 0 where it is met. */
  readonly violations?: readonly number[];
  /** Of the first unit, in ascending steps. */
  readonly reports: readonly Report[];
  /** Losses of the finished units, in order: one for each objective. */
  readonly units: readonly (readonly number[])[];
  /** What its sampler wants to remember of it. */
  readonly tag?: string;
}

/** Sum of what exceeds its limit. */
export function violationOf({ violations = [] }: Pick<Trial, 'violations'>): number {
  return violations.reduce((sum, value) => sum + Math.max(0, value), 0);
}

export function isFeasible(trial: Pick<Trial, 'violations'>): boolean {
  return violationOf(trial) === 0;
}

export type CompleteTrial = Trial & { readonly losses: readonly number[] };

export function isComplete(trial: Trial): trial is CompleteTrial {
  return trial.state === 'complete' && trial.losses !== undefined && trial.losses.every(Number.isFinite);
}

/** Complete trials, the best first: those that meet the constraints before the others, then by the first loss. */
export function byQuality(trials: readonly Trial[]): CompleteTrial[] {
  return trials
    .filter(isComplete)
    .sort((a, b) => violationOf(a) - violationOf(b) || a.losses[0] - b.losses[0] || a.number - b.number);
}

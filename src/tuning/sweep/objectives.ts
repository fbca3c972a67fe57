import { BallastError } from '../../errors.js';
import { findMetric } from '../../evaluation/metrics/index.js';
import type { Spec } from '../../spec/schema.js';
import { primaryMetric } from '../judge.js';

/** What a trial is judged by: a validation metric, or a figure of the run. */
export interface Objective {
  readonly name: string;
  readonly direction: 'higher' | 'lower';
}

/** A figure that must not exceed a limit. */
export interface Constraint {
  readonly name: string;
  readonly limit: number;
}

/** Figures beside metrics: quality lost from train to validation, trained numbers, seconds of training. */
const FIGURES = ['gap', 'parameters', 'seconds'];

/** An objective by name. @throws BallastError SEARCH_OBJECTIVE */
function objectiveOf(name: string, { task }: Pick<Spec, 'task'>): Objective {
  if (FIGURES.includes(name)) return { name, direction: 'lower' };
  const { metric } = findMetric(name);
  if (metric.task === task) return { name, direction: metric.direction };
  throw new BallastError(`${name} is a metric of ${metric.task}, and the task is ${task}`, {
    code: 'SEARCH_OBJECTIVE',
    place: 'search.objectives',
  });
}

/** The spec's primary metric, then whatever else `search.objectives` names. */
export function objectivesOf(spec: Spec): Objective[] {
  const names = spec.search?.objectives ?? [];
  return [...new Set([primaryMetric(spec), ...names])].map((name) => objectiveOf(name, spec));
}

/** The limits of the spec's objectives: a sweep looks for the best that keeps them. */
export function constraintsOf({ objectives }: Spec): Constraint[] {
  return Object.entries(objectives.constraints).flatMap(([name, limit]) =>
    limit === undefined ? [] : [{ name, limit }],
  );
}

/** A figure as a loss: lower is better. */
export function lossOf({ direction }: Objective, value: number): number {
  return direction === 'higher' ? -value : value;
}

import { binomialSf } from '../../numeric/distributions/binomial.js';
import type { Slo } from '../../spec/slo-options.js';
import type { Counts } from './window.js';

/** What may go wrong, and what did. */
export interface Budget {
  /** Bad events that the objective allows among those that there were. */
  readonly allowed: number;
  readonly bad: number;
  /** Share that is left: 1 is untouched, 0 spent, below 0 overspent. 1 without events. */
  readonly remaining: number;
}

/** The error budget of counts: (1 - objective) of all events may be bad. */
export function errorBudget({ good, total }: Counts, objective: number): Budget {
  const allowed = (1 - objective) * total;
  const bad = total - good;
  return { allowed, bad, remaining: total === 0 ? 1 : 1 - bad / allowed };
}

/** How many times faster than allowed the budget is spent: bad / total / (1 - objective). 0 without events. */
export function burnRate({ good, total }: Counts, objective: number): number {
  return total === 0 ? 0 : (total - good) / total / (1 - objective);
}

/**
 * Why counts are too few to alert by, or undefined where they are enough. With ten requests an hour, one that fails is a burn
 * rate of 100 at an objective of 99.9 %; it is no evidence. Counts are evidence with at least so many bad events, and where a
 * service that just holds its objective would be this bad by chance (binomial) no more often than the level.
 */
export function tooFew({ good, total }: Counts, objective: number, limits: Slo['lowTraffic']): string | undefined {
  const bad = total - good;
  if (bad < limits.events) return `${round(bad)} bad of ${round(total)} events: an alert takes ${limits.events}`;
  const chance = binomialSf(Math.ceil(bad - 1e-9) - 1, Math.round(total), 1 - objective);
  if (chance <= limits.level) return undefined;
  return `${round(bad)} bad of ${round(total)} events come by chance (${chance.toPrecision(2)} > ${limits.level}) while the objective is held`;
}

const round = (value: number): number => Number(value.toFixed(1));

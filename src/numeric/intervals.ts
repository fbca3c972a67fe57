/** Closed-form confidence intervals. */
import { BallastError } from '../errors.js';
import { betaQuantile } from './distributions/beta.js';
import { normalQuantile } from './distributions/normal.js';
import { studentTQuantile } from './distributions/student-t.js';
import { sorted } from './quantile.js';
import { mean, variance } from './statistics.js';

/** Lower and upper limit. */
export type Interval = readonly [low: number, high: number];

/** The z of a two-sided interval of that level: 1.96 for 0.95. */
export function criticalValue(level: number): number {
  if (!(level > 0 && level < 1)) {
    throw new BallastError('A confidence level lies between 0 and 1, both excluded', {
      code: 'LEVEL_INVALID',
      value: level,
      remedy: 'Use 0.95 for 95 % intervals.',
    });
  }
  return -normalQuantile((1 - level) / 2);
}

/**
 * Wilson's score interval of a proportion (1927), never outside [0, 1] and never of width 0. `successes` and `trials`
 * may be fractional (weighted rows with an effective count). [0, 1] without trials.
 */
export function wilsonInterval(successes: number, trials: number, level = 0.95): Interval {
  const z = criticalValue(level);
  if (trials <= 0) return [0, 1];
  const p = successes / trials;
  const shrink = 1 + (z * z) / trials;
  const center = (p + (z * z) / (2 * trials)) / shrink;
  const half = (z / shrink) * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials));
  // At the ends the limit is the proportion itself; rounding must not take it past.
  return [p <= 0 ? 0 : Math.max(0, center - half), p >= 1 ? 1 : Math.min(1, center + half)];
}

/** Clopper & Pearson's exact interval of a proportion (1934): covers at least the level, usually more. */
export function clopperPearsonInterval(successes: number, trials: number, level = 0.95): Interval {
  criticalValue(level);
  const tail = (1 - level) / 2;
  const low = successes <= 0 ? 0 : betaQuantile(tail, successes, trials - successes + 1);
  const high = successes >= trials ? 1 : betaQuantile(1 - tail, successes + 1, trials - successes);
  return [low, high];
}

/** Student's interval of a mean: m -+ t s / sqrt(n). Undefined for fewer than two values. */
export function tInterval(values: ArrayLike<number>, level = 0.95): Interval | undefined {
  criticalValue(level);
  const n = values.length;
  if (n < 2) return undefined;
  const center = mean(values);
  const half = studentTQuantile((1 + level) / 2, n - 1) * Math.sqrt(variance(values) / n);
  return [center - half, center + half];
}

/** Distribution-free 95 % interval of a median: order statistics at n / 2 -+ 0.98 sqrt(n). */
export function medianInterval(values: ArrayLike<number>): Interval {
  const ascending = sorted(values);
  const n = ascending.length;
  const reach = 0.98 * Math.sqrt(n);
  const low = Math.max(0, Math.floor(n / 2 - reach));
  const high = Math.min(n - 1, Math.ceil(n / 2 + reach) - 1);
  return [ascending[low], ascending[Math.max(low, high)]];
}

/** An estimate with its interval, of one of two independent samples. */
export interface Estimated {
  readonly value: number;
  readonly interval: Interval;
}

/**
 * Interval of a - b out of the intervals of a and b: square-and-add, MOVER (Newcombe 1998 for proportions with Wilson
 * intervals; Zou & Donner 2008 in general; Zou 2007 with the correlation of the two estimates, 0 when independent).
 * Keeps the asymmetry of its parts.
 */
export function moverDifference(a: Estimated, b: Estimated, correlation = 0): Interval {
  const difference = a.value - b.value;
  const combine = (x: number, y: number): number => Math.sqrt(Math.max(0, x * x + y * y - 2 * correlation * x * y));
  return [
    difference - combine(a.value - a.interval[0], b.interval[1] - b.value),
    difference + combine(a.interval[1] - a.value, b.value - b.interval[0]),
  ];
}

/** Interval of a / b for independent positive a and b: {@link moverDifference} on the logarithms. */
export function moverRatio(a: Estimated, b: Estimated): Interval {
  const log = ({ value, interval }: Estimated): Estimated => ({
    value: Math.log(value),
    interval: [Math.log(interval[0]), Math.log(interval[1])],
  });
  const [low, high] = moverDifference(log(a), log(b));
  return [Math.exp(low), Math.exp(high)];
}

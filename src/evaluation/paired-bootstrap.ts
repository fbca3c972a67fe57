import { acceleration, bcaInterval, bootstrapDistributions, derive } from '../numeric/index.js';
import type { ResolvedIntervals } from './estimate.js';
import type { Figure } from './figure.js';
import type { Counts } from './metric.js';

export interface PairedDifference {
  /** first - second. */
  readonly value: number;
  /** Of the metric's range: no difference is larger. */
  readonly width: number;
  /** Rows, or units that are drawn whole. */
  readonly rows: number;
  readonly influence?: Float64Array | undefined;
}

/** The difference of two metrics on the same resamples (BCa); undefined where it has no value on most of them. */
export function pairedBootstrap(
  [first, second]: readonly [(counts: Counts) => number, (counts: Counts) => number],
  { value, width, rows, influence }: PairedDifference,
  options: ResolvedIntervals,
): Figure | undefined {
  const [distribution] = bootstrapDistributions({
    rows,
    resamples: rows <= options.maxRows ? options.resamples : Math.min(options.resamples, 200),
    random: derive(options.seed, 'paired', rows),
    statistics: [(counts) => first(counts) - second(counts)],
  });
  // A metric undefined in most resamples stands on too few rows for an interval.
  if (distribution.length < options.resamples / 10) return undefined;
  const [low, high] = bcaInterval(distribution, value, acceleration(influence ?? []), options.level);
  const interval = [Math.max(-width, Math.min(value, low)), Math.min(width, Math.max(value, high))] as const;
  return { value, interval, method: 'paired BCa bootstrap' };
}

/** From measured metrics to figures: which interval, by which method. */
import {
  acceleration,
  basicInterval,
  bcaInterval,
  bootstrapDistributions,
  criticalValue,
  derive,
  type Interval,
  type Random,
  wilsonInterval,
} from '../numeric/index.js';
import { squares } from './curves.js';
import type { Figure } from './figure.js';
import type { IntervalOptions } from './input.js';
import type { Measured, Scale } from './metric.js';

/** Interval options with their defaults. */
export interface ResolvedIntervals {
  readonly level: number;
  readonly seed: number;
  readonly resamples: number;
  readonly maxRows: number;
}

export function resolveIntervals({ level = 0.95, seed = 0, bootstrap = {} }: IntervalOptions): ResolvedIntervals {
  criticalValue(level);
  return { level, seed, resamples: bootstrap.resamples ?? 1000, maxRows: bootstrap.maxRows ?? 2000 };
}

/** A measured metric with the range its interval must keep to. */
export interface Estimand {
  readonly measured: Measured;
  readonly range: readonly [number, number];
}

/**
 * A figure for each estimand of one sample of `rows` rows. In order of preference: Wilson for shares; a closed-form
 * variance on the metric's scale (DeLong); up to `maxRows` rows the BCa bootstrap, beyond it the normal interval from the
 * influence of each row; for metrics with an absolute value in them the basic bootstrap (of random groups of rows when
 * they are many). All bootstrapped metrics of a sample share their resamples. Undefined where the rows are too few.
 */
export function estimate(
  estimands: readonly Estimand[],
  rows: number,
  options: ResolvedIntervals,
): (Figure | undefined)[] {
  const { level } = options;
  const figures: (Figure | undefined)[] = [];
  const byRows: number[] = [];
  const byGroups: number[] = [];
  estimands.forEach(({ measured, range }, i) => {
    if (measured.proportion !== undefined) {
      const { successes, trials } = measured.proportion;
      figures[i] = { value: measured.value, interval: wilsonInterval(successes, trials, level), method: 'Wilson' };
    } else if (rows < 2) {
      figures[i] = undefined;
    } else if (measured.variance !== undefined) {
      figures[i] = normalFigure(measured, measured.variance.value, range, level, measured.variance.method);
    } else if (rows > options.maxRows && measured.influence !== undefined) {
      figures[i] = normalFigure(measured, squares(measured.influence()), range, level, 'influence');
    } else if (rows > options.maxRows && measured.grouped !== undefined) {
      byGroups.push(i);
    } else {
      byRows.push(i);
    }
  });
  const random = derive(options.seed, 'evaluation', rows);
  if (byRows.length > 0) {
    const statistics = byRows.map((i) => estimands[i].measured.resample!);
    const resamples = rows > options.maxRows ? Math.min(options.resamples, 200) : options.resamples;
    bootstrapDistributions({ rows, statistics, resamples, random }).forEach((distribution, at) => {
      const { measured, range } = estimands[byRows[at]];
      figures[byRows[at]] = bootstrapFigure(measured, distribution, range, level, resamples, '');
    });
  }
  if (byGroups.length > 0) {
    const groups = GROUPS;
    const groupOfRow = randomGroups(rows, groups, random);
    const statistics = byGroups.map((i) => estimands[i].measured.grouped!(groupOfRow, groups));
    const resamples = options.resamples;
    bootstrapDistributions({ rows: groups, statistics, resamples, random }).forEach((distribution, at) => {
      const { measured, range } = estimands[byGroups[at]];
      const unit = ` of ${groups} random groups of rows`;
      figures[byGroups[at]] = bootstrapFigure(measured, distribution, range, level, resamples, unit);
    });
  }
  return estimands.map((_, i) => figures[i]);
}

/** Enough groups that the bootstrap over them is as good as over rows, few enough that it costs no time. */
export const GROUPS = 500;

/** Puts rows into groups of equal size (to one row) at random: a bootstrap over groups then stands for one over rows. */
export function randomGroups(rows: number, groups: number, random: Random): Int32Array {
  const groupOfRow = new Int32Array(rows);
  for (let i = 0; i < rows; i++) groupOfRow[i] = i % groups;
  return random.shuffle(groupOfRow);
}

function bootstrapFigure(
  measured: Measured,
  distribution: Float64Array,
  range: readonly [number, number],
  level: number,
  resamples: number,
  unit: string,
): Figure | undefined {
  const { value } = measured;
  // A metric undefined in most resamples stands on too few rows for an interval.
  if (distribution.length < resamples / 2) return undefined;
  if (distribution[0] === distribution[distribution.length - 1]) return degenerate(measured, range, level);
  const method = `${measured.biased ? 'basic' : 'BCa'} bootstrap, ${resamples} resamples${unit}`;
  const [low, high] = measured.biased
    ? basicInterval(distribution, value, level)
    : bcaInterval(distribution, value, acceleration(measured.influence?.() ?? []), level);
  return { value, interval: around(value, low, high, range), method };
}

/** Value -+ z standard errors on the metric's scale, taken back. */
function normalFigure(
  measured: Measured,
  variance: number,
  range: readonly [number, number],
  level: number,
  source: string,
): Figure {
  const { value, scale = 'identity' } = measured;
  if (!(variance > 0)) return degenerate(measured, range, level);
  const map = SCALES[scale];
  const half = criticalValue(level) * Math.sqrt(variance) * map.slope(value);
  if (!Number.isFinite(half)) return degenerate(measured, range, level);
  const center = map.to(value);
  const ends = [map.from(center - half), map.from(center + half)];
  const interval = around(value, Math.min(...ends), Math.max(...ends), range);
  const on = scale === 'identity' ? '' : ` on the ${scale} scale`;
  return { value, interval, method: source === 'influence' ? `normal${on}, by row influence` : `${source}${on}` };
}

const SCALES: Record<Scale, { to: (x: number) => number; from: (y: number) => number; slope: (x: number) => number }> =
  {
    identity: { to: (x) => x, from: (y) => y, slope: () => 1 },
    log: { to: Math.log, from: Math.exp, slope: (x) => 1 / x },
    'log-complement': { to: (x) => Math.log(1 - x), from: (y) => 1 - Math.exp(y), slope: (x) => 1 / (1 - x) },
    logit: { to: (x) => Math.log(x / (1 - x)), from: (y) => 1 / (1 + Math.exp(-y)), slope: (x) => 1 / (x * (1 - x)) },
    atanh: { to: Math.atanh, from: Math.tanh, slope: (x) => 1 / (1 - x * x) },
  };

/**
 * No spread was seen. At an end of a bounded range that says little with few rows: Wilson's interval for `support` rows
 * that all agree, scaled to the range. Elsewhere the value is the interval.
 */
function degenerate({ value, support }: Measured, [low, high]: readonly [number, number], level: number): Figure {
  const width = high - low;
  if (!Number.isFinite(width) || (value !== low && value !== high)) {
    return { value, interval: [value, value], method: 'no spread in the sample' };
  }
  const [from, to] = wilsonInterval((support * (value - low)) / width, support, level);
  return { value, interval: [low + width * from, low + width * to], method: 'Wilson at the bound' };
}

/** Clips to the range; an interval always holds its value. */
function around(value: number, low: number, high: number, [from, to]: readonly [number, number]): Interval {
  return [Math.min(value, Math.max(from, low)), Math.max(value, Math.min(to, high))];
}

/** From measured metrics to figures: which interval, by which method. */
import { acceleration, bcaInterval, criticalValue, derive, type Interval, wilsonInterval } from '../numeric/index.js';
import { binErrorIntervals } from './bin-errors.js';
import { squares } from './curves.js';
import type { Figure } from './figure.js';
import type { IntervalOptions } from './input.js';
import type { Measured, Scale } from './metric.js';
import { resampleAll, resampleFunction } from './resampling.js';

/** Interval options with their defaults. */
export interface ResolvedIntervals {
  readonly level: number;
  readonly seed: number;
  readonly resamples: number;
  readonly maxRows: number;
}

export function resolveIntervals({ level = 0.95, seed = 0, bootstrap = {} }: IntervalOptions): ResolvedIntervals {
  criticalValue(level);
  return { level, seed, resamples: bootstrap.resamples ?? 1000, maxRows: bootstrap.maxRows ?? 1000 };
}

/** A measured metric with the range its interval must keep to. */
export interface Estimand {
  readonly measured: Measured;
  readonly range: readonly [number, number];
}

/**
 * A figure for each estimand of one sample of `rows` rows. In order of preference: Wilson for shares; a closed-form
 * variance on the metric's scale (DeLong); test inversion for calibration errors; beyond `maxRows` rows the
 * normal interval from the influence of each row; else the BCa bootstrap, all metrics on the same resamples. Undefined
 * where the rows are too few.
 */
export function estimate(
  measuredEstimands: readonly Estimand[],
  rows: number,
  options: ResolvedIntervals,
): (Figure | undefined)[] {
  const estimands = measuredEstimands.map(withinRange);
  const figures: (Figure | undefined)[] = estimands.map((estimand) => closedForm(estimand, rows, options));
  const binned = estimands.flatMap(({ measured: { bins } }, i) =>
    rows >= 2 && bins !== undefined ? [{ i, bins }] : [],
  );
  if (binned.length > 0) {
    const intervals = binErrorIntervals(
      binned.map(({ bins }) => bins),
      { ...options, rows },
    );
    binned.forEach(({ i }, at) => {
      const { measured, range } = estimands[i];
      const interval = around(measured.value, ...intervals[at].interval, range);
      figures[i] = { value: measured.value, interval, method: 'test inversion with bootstrapped bin errors' };
    });
  }
  const open = estimands.flatMap(({ measured }, i) => {
    return rows >= 2 && figures[i] === undefined && resampleFunction(measured) !== undefined ? [i] : [];
  });
  if (open.length === 0) return figures;
  const resamples = rows > options.maxRows ? Math.min(options.resamples, 200) : options.resamples;
  const distributions = resampleAll(
    open.map((i) => estimands[i].measured),
    { rows, resamples, random: derive(options.seed, 'evaluation', rows) },
  );
  distributions.forEach((distribution, at) => {
    figures[open[at]] = bootstrapFigure(estimands[open[at]], distribution, options.level, resamples);
  });
  return figures;
}

/** Weighted sums may end a rounding error beyond a bound, where a logarithmic scale has no value. */
function withinRange({ measured, range }: Estimand): Estimand {
  const value = Math.min(range[1], Math.max(range[0], measured.value));
  return value === measured.value ? { measured, range } : { measured: { ...measured, value }, range };
}

function closedForm({ measured, range }: Estimand, rows: number, options: ResolvedIntervals): Figure | undefined {
  const { value, proportion, variance, influence } = measured;
  const { level } = options;
  if (proportion !== undefined) {
    return { value, interval: wilsonInterval(proportion.successes, proportion.trials, level), method: 'Wilson' };
  }
  if (rows < 2) return undefined;
  if (variance !== undefined) return normalFigure(measured, variance.value, range, level, variance.method);
  if (rows > options.maxRows && influence !== undefined) {
    return normalFigure(measured, squares(influence()), range, level, 'influence');
  }
  return undefined;
}

function bootstrapFigure(
  { measured, range }: Estimand,
  distribution: Float64Array,
  level: number,
  resamples: number,
): Figure | undefined {
  const { value } = measured;
  // A metric undefined in most resamples stands on too few rows for an interval.
  if (distribution.length < resamples / 2) return undefined;
  if (distribution[0] === distribution[distribution.length - 1]) return degenerate(measured, range, level);
  const [low, high] = bcaInterval(distribution, value, acceleration(measured.influence?.() ?? []), level);
  return { value, interval: around(value, low, high, range), method: `BCa bootstrap, ${resamples} resamples` };
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

/**
 * Group fairness of the predictions for one class: how often each group gets it, and how often rightly and wrongly so.
 */
import { derive, type Interval, moverDifference, moverRatio, type Random } from '../numeric/index.js';
import { estimate, type ResolvedIntervals } from './estimate.js';
import type { Figure } from './figure.js';
import { rowsByGroup } from './groups.js';
import type { GroupColumn } from './input.js';
import type { Measured } from './metric.js';
import { normInterval } from './norm-interval.js';
import { share } from './row-mean.js';
import type { ClassificationSample } from './sample.js';

export interface GroupRates {
  /** Undefined for rows where the column is missing. */
  readonly group: string | undefined;
  readonly rows: number;
  /** Whether it takes part in the comparison; groups below the minimum size and missing values do not. */
  readonly compared: boolean;
  /** Share predicted as the favourable class. */
  readonly selectionRate: Figure;
  /** Share predicted as the favourable class among those of it; absent without such rows. */
  readonly truePositiveRate?: Figure;
  /** Share predicted as the favourable class among the others; absent without such rows. */
  readonly falsePositiveRate?: Figure;
}

export type FairnessMetric = 'demographicParityDifference' | 'demographicParityRatio' | 'equalizedOddsDifference';

export interface FairnessEvaluation {
  /** The sensitive column. */
  readonly column: string;
  /** The favourable class. */
  readonly favourable: string | undefined;
  readonly groups: readonly GroupRates[];
  readonly metrics: Readonly<Partial<Record<FairnessMetric, Figure>>>;
  readonly omitted: Readonly<Partial<Record<FairnessMetric, string>>>;
}

/** Groups below this many rows are listed, not compared: their rates are noise, and the extremes would be theirs. */
export const MINIMUM_GROUP_ROWS = 10;

interface Rates {
  readonly code: number;
  readonly rows: number;
  readonly selection: Measured;
  readonly truePositive: Measured | undefined;
  readonly falsePositive: Measured | undefined;
}

function ratesByGroup(sample: ClassificationSample, column: GroupColumn, favourable: number): Rates[] {
  const { target, predicted, weights } = sample;
  return [...rowsByGroup(column, sample.rows)].map(([code, rows]) => {
    const own = weights === undefined ? undefined : Float64Array.from(rows, (row) => weights[row]);
    const chosen = (i: number): boolean => predicted[rows[i]] === favourable;
    const of =
      (actual: boolean) =>
      (i: number): boolean =>
        (target[rows[i]] === favourable) === actual;
    return {
      code,
      rows: rows.length,
      selection: share(rows.length, own, () => true, chosen) ?? NOTHING,
      truePositive: share(rows.length, own, of(true), chosen),
      falsePositive: share(rows.length, own, of(false), chosen),
    };
  });
}

const NOTHING: Measured = { value: 0, support: 0, proportion: { successes: 0, trials: 0 } };

const isCompared = ({ code, rows }: Rates, minimum: number): boolean => code >= 0 && rows >= minimum;

/** Plain values of the fairness metrics, for signals during training. Metrics without two comparable groups are absent. */
export function fairnessValues(
  sample: ClassificationSample,
  column: GroupColumn,
  minimumRows = MINIMUM_GROUP_ROWS,
): Partial<Record<FairnessMetric, number>> {
  if (sample.favourable === undefined) return {};
  const compared = ratesByGroup(sample, column, sample.favourable).filter((rates) => isCompared(rates, minimumRows));
  const spreads = spreadsOf(compared);
  return Object.fromEntries(
    Object.entries(spreads).flatMap(([name, spread]) =>
      spread === undefined ? [] : [[name, spread.value(spread.rates)]],
    ),
  );
}

/** A metric as a function of the groups' rates: [selection...] or [true positive..., false positive...]. */
interface Spread {
  readonly rates: readonly (readonly Measured[])[];
  readonly value: (rates: readonly (readonly { readonly value: number }[])[]) => number;
}

const range = (rates: readonly { readonly value: number }[]): number =>
  Math.max(...rates.map(({ value }) => value)) - Math.min(...rates.map(({ value }) => value));

const ratio = (rates: readonly { readonly value: number }[]): number => {
  const largest = Math.max(...rates.map(({ value }) => value));
  return largest === 0 ? 1 : Math.min(...rates.map(({ value }) => value)) / largest;
};

function spreadsOf(groups: readonly Rates[]): Record<FairnessMetric, Spread | undefined> {
  const selection = groups.map((rates) => rates.selection);
  const truePositive = groups.flatMap((rates) => rates.truePositive ?? []);
  const falsePositive = groups.flatMap((rates) => rates.falsePositive ?? []);
  const demographic = selection.length >= 2;
  const odds = [truePositive, falsePositive].filter((rates) => rates.length >= 2);
  return {
    demographicParityDifference: demographic ? { rates: [selection], value: ([rates]) => range(rates) } : undefined,
    demographicParityRatio: demographic ? { rates: [selection], value: ([rates]) => ratio(rates) } : undefined,
    equalizedOddsDifference:
      odds.length === 0 ? undefined : { rates: odds, value: (all) => Math.max(...all.map((rates) => range(rates))) },
  };
}

/**
 * Fairness between the groups of a column: difference (largest minus smallest) and ratio (smallest to largest: disparate
 * impact, four fifths being the usual limit) of selection rates, and the larger of the differences in true and false
 * positive rates (equalized odds, Hardt et al. 2016).
 */
export function evaluateFairness(
  sample: ClassificationSample,
  column: GroupColumn,
  options: ResolvedIntervals,
  minimumRows = MINIMUM_GROUP_ROWS,
): FairnessEvaluation {
  const { favourable } = sample;
  if (favourable === undefined) {
    const reason = 'with more than two classes the favourable one must be named as positive';
    const omitted = {
      demographicParityDifference: reason,
      demographicParityRatio: reason,
      equalizedOddsDifference: reason,
    };
    return { column: column.name, favourable, groups: [], metrics: {}, omitted };
  }
  const all = ratesByGroup(sample, column, favourable);
  const figure = (measured: Measured): Figure => estimate([{ measured, range: [0, 1] }], sample.rows, options)[0]!;
  const groups = all.map((rates) => ({
    group: rates.code < 0 ? undefined : column.dictionary[rates.code],
    rows: rates.rows,
    compared: isCompared(rates, minimumRows),
    selectionRate: figure(rates.selection),
    ...(rates.truePositive && { truePositiveRate: figure(rates.truePositive) }),
    ...(rates.falsePositive && { falsePositiveRate: figure(rates.falsePositive) }),
  }));
  const metrics: Partial<Record<FairnessMetric, Figure>> = {};
  const omitted: Partial<Record<FairnessMetric, string>> = {};
  for (const [name, spread] of Object.entries(spreadsOf(all.filter((rates) => isCompared(rates, minimumRows))))) {
    const metric = name as FairnessMetric;
    if (spread === undefined) omitted[metric] = `fewer than two groups have ${minimumRows} rows`;
    else metrics[metric] = spreadFigure(metric, spread, figure, options);
  }
  return { column: column.name, favourable: sample.classes[favourable], groups, metrics, omitted };
}

function spreadFigure(
  metric: FairnessMetric,
  spread: Spread,
  figure: (measured: Measured) => Figure,
  options: ResolvedIntervals,
): Figure {
  const value = spread.value(spread.rates);
  const isRatio = metric === 'demographicParityRatio';
  if (spread.rates.length === 1 && spread.rates[0].length === 2) {
    const [high, low] = spread.rates[0].map(figure).sort((a, b) => b.value - a.value);
    if (isRatio)
      return { value, interval: ratioInterval(low, high), method: 'MOVER of two Wilson intervals, log scale' };
    const [from, to] = moverDifference(high, low);
    return { value, interval: [Math.max(0, from), Math.max(to, -from)], method: 'Newcombe' };
  }
  // The range of noisy rates is biased upwards like a calibration error, and its interval is made alike; a ratio is the
  // range of logarithms.
  const rates = spread.rates.flat();
  const scale = (share: number): number => (isRatio ? Math.log(share) : share);
  const trialsOf = ({ proportion }: Measured): number => proportion!.trials;
  const errors = Float64Array.from(rates, (rate) => scale(smoothed(rate.value, isRatio ? trialsOf(rate) : undefined)));
  const random = derive(options.seed, 'fairness', metric);
  const noise = new Float64Array(options.resamples * rates.length);
  for (let at = 0; at < noise.length; at++) {
    const rate = rates[at % rates.length];
    noise[at] = scale(draw(rate, random)) - scale(smoothed(rate.value, trialsOf(rate)));
  }
  const norm = (values: Float64Array): number => {
    let from = 0;
    let largest = 0;
    for (const { length } of spread.rates) {
      largest = Math.max(largest, rangeOf(values, from, from + length));
      from += length;
    }
    return largest;
  };
  const [low, high] = normInterval({ errors, norm, noise }, options.level).interval;
  const [from, to] = isRatio ? [value === 0 ? 0 : Math.exp(-high), Math.exp(-low)] : [low, high];
  const interval: Interval = [Math.max(0, Math.min(value, from)), Math.min(1, Math.max(value, to))];
  return { value, interval, method: "test inversion with draws from the rates' Jeffreys posteriors" };
}

/** A rate, or with the number of trials given its mean under Jeffreys' prior, which is never 0. */
function smoothed(rate: number, trials: number | undefined): number {
  return trials === undefined ? rate : (rate * trials + 0.5) / (trials + 1);
}

function rangeOf(values: Float64Array, from: number, to: number): number {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return high - low;
}

function ratioInterval(low: Figure, high: Figure): Interval {
  if (low.value === 0) return [0, high.interval[0] === 0 ? 1 : Math.min(1, low.interval[1] / high.interval[0])];
  return [Math.max(0, moverRatio(low, high)[0]), Math.min(1, moverRatio(low, high)[1])];
}

function draw({ proportion }: Measured, random: Random): number {
  const { successes, trials } = proportion!;
  return random.beta(successes + 0.5, trials - successes + 0.5);
}

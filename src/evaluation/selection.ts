import { criticalValue, derive, forEachResample, mean, standardDeviation } from '../numeric/index.js';
import { estimate, resolveIntervals } from './estimate.js';
import type { Figure } from './figure.js';
import type { PredictionInput } from './input.js';
import { measure, ofTask } from './measure.js';
import { isMeasured, type Measured } from './metric.js';
import { findMetric } from './metrics/index.js';
import { resampleFunction } from './resampling.js';
import { prepareSample } from './sample.js';

export interface SelectionInput {
  readonly metric: string;
  /** What each candidate answers to the rows of each unit (a fold, a seed); the rows of a unit are the same for all. */
  readonly candidates: readonly (readonly PredictionInput[])[];
  readonly resamples?: number;
  readonly level?: number;
  readonly seed?: number;
}

/** What choosing the best of several candidates on the same rows does to its figure. */
export interface Selection {
  /** The candidate with the best value. */
  readonly best: number;
  /** Its value on the rows that it was chosen on, with the interval that one model alone would have. */
  readonly apparent: Figure;
  /** What it is worth on other rows: the apparent value is too good because it is the best of many. */
  readonly corrected: Figure;
  /** Candidates that are not distinguishable from the best: within one standard error of the paired difference. */
  readonly tied: readonly number[];
  /** Standard error of the best's value. */
  readonly standardError: number;
}

/**
 * The winner's curse, undone by the bootstrap (Tsamardinos, Greasidou and Borboudakis 2018, "Bootstrapping the
 * out-of-sample predictions"): in each resample of rows the best candidate is chosen anew and judged on the rows that the
 * resample left out. The interval is the best's own, moved by the bias that was found.
 *
 * Undefined where the metric has no value on these rows, or cannot be resampled.
 */
export function selectBest(input: SelectionInput): Selection | undefined {
  const { metric, candidates, resamples = 300, level = 0.95, seed = 1 } = input;
  const requested = findMetric(metric);
  const sign = requested.metric.direction === 'higher' ? 1 : -1;
  const measured = candidates.map((units) => units.map((unit) => measuredOf(unit, requested)));
  const usable = measured.flatMap((units, i) => (units.every((unit) => unit !== undefined) ? [i] : []));
  if (usable.length === 0) return undefined;
  const of = (candidate: number): readonly MeasuredUnit[] => measured[candidate] as readonly MeasuredUnit[];
  const figureOf = (candidate: number): number => mean(of(candidate).map(({ measured: { value } }) => value));
  const best = usable.reduce((a, b) => (sign * figureOf(b) > sign * figureOf(a) ? b : a));
  const value = figureOf(best);
  const rows = of(best).map((unit) => unit.rows);
  const within: number[][] = usable.map(() => []);
  const outside: number[] = [];
  const random = derive(seed, 'selection');
  for (let b = 0; b < resamples; b++) {
    const inBag = usable.map(() => 0);
    const outOfBag = usable.map(() => 0);
    for (const [u, count] of rows.entries()) {
      forEachResample({ rows: count, resamples: 1, random }, (counts) => {
        const left = counts.map((drawn) => (drawn === 0 ? 1 : 0));
        usable.forEach((candidate, c) => {
          const { resample } = of(candidate)[u];
          inBag[c] += resample(counts) / rows.length;
          outOfBag[c] += resample(left) / rows.length;
        });
      });
    }
    inBag.forEach((figure, c) => {
      within[c].push(figure);
    });
    const chosen = inBag.reduce(
      (a, figure, c) => (sign * figure > sign * inBag[a] || Number.isNaN(inBag[a]) ? c : a),
      0,
    );
    if (!Number.isNaN(outOfBag[chosen])) outside.push(outOfBag[chosen]);
  }
  if (outside.length < resamples / 2) return undefined;
  const place = usable.indexOf(best);
  const spread = (values: readonly number[]): number => {
    const known = values.filter((figure) => !Number.isNaN(figure));
    return known.length < 2 ? Number.NaN : standardDeviation(known);
  };
  const standardError = spread(within[place]);
  const tied = usable.filter((candidate, c) => {
    if (candidate === best) return false;
    const error = spread(within[c].map((figure, b) => figure - within[place][b]));
    return sign * (value - figureOf(candidate)) <= error;
  });
  const { range } = requested.metric;
  const [alone] =
    rows.length === 1
      ? estimate([{ measured: of(best)[0].measured, range }], rows[0], resolveIntervals({ level, seed }))
      : [undefined];
  const half = criticalValue(level) * standardError;
  const clipped = (end: number): number => Math.min(range[1], Math.max(range[0], end));
  const apparent = alone ?? {
    value,
    interval: [clipped(value - half), clipped(value + half)] as const,
    method: 'normal, bootstrap over the rows of all units',
  };
  // More luck than there was in choosing cannot have been: a figure on fewer rows may only by chance be better.
  const corrected = sign * mean(outside) > sign * value ? value : mean(outside);
  const [low, high] = apparent.interval;
  const moved = (end: number): number => clipped(end + corrected - value);
  return {
    best,
    apparent,
    corrected: {
      value: corrected,
      interval: [Math.min(corrected, moved(low)), Math.max(corrected, moved(high))],
      method: `bootstrap of the selection, ${outside.length} resamples`,
    },
    tied,
    standardError,
  };
}

interface MeasuredUnit {
  readonly rows: number;
  readonly measured: Measured;
  readonly resample: (counts: Float64Array) => number;
}

function measuredOf(unit: PredictionInput, requested: ReturnType<typeof findMetric>): MeasuredUnit | undefined {
  const sample = prepareSample(unit);
  const measured = measure(sample, ofTask(requested, sample.task));
  if (!isMeasured(measured)) return undefined;
  const resample = resampleFunction(measured);
  return resample === undefined ? undefined : { rows: sample.rows, measured, resample };
}

/** Two models on the same rows: intervals and tests of what lies between them. */
import { BallastError } from '../errors.js';
import {
  correlation,
  criticalValue,
  delongVariance,
  type Interval,
  mean,
  moverDifference,
  normalSf,
  tInterval,
} from '../numeric/index.js';
import { binErrorIntervals } from './bin-errors.js';
import { classLabels, squares } from './curves.js';
import { type ResolvedIntervals, resolveIntervals } from './estimate.js';
import type { Figure } from './figure.js';
import type { IntervalOptions, PredictionInput } from './input.js';
import { type McNemarTest, mcnemarTest } from './mcnemar.js';
import { measure, ofTask } from './measure.js';
import { isMeasured, type Measured, type NotMeasured } from './metric.js';
import { findMetric } from './metrics/index.js';
import { pairedBootstrap } from './paired-bootstrap.js';
import { resampleFunction } from './resampling.js';
import { prepareSample, type Sample } from './sample.js';

export interface PairedInput extends IntervalOptions {
  readonly metric: string;
  readonly first: PredictionInput;
  readonly second: PredictionInput;
}

export interface PairedComparison {
  readonly metric: string;
  readonly rows: number;
  readonly first: number;
  readonly second: number;
  /** first - second, in the metric's unit. */
  readonly difference: Figure;
  /** Two-sided, of no difference: McNemar's mid-p for accuracy, else from the normal interval; absent for bootstraps. */
  readonly pValue?: number;
  /** Accuracy of unweighted rows. */
  readonly mcnemar?: McNemarTest;
}

/**
 * The difference of a metric between two models on the same rows, with a paired interval: Bonett & Price for accuracy,
 * DeLong for the ROC-AUC, the bootstrap of both on the same resamples for few rows, else the normal interval of the
 * difference of each row's influences. Input error when the rows differ; a reason when the metric is undefined.
 */
export function comparePaired(input: PairedInput): PairedComparison | NotMeasured {
  const options = resolveIntervals(input);
  const first = prepareSample(input.first, input.bins);
  const second = prepareSample(input.second, input.bins);
  requireSameRows(first, second);
  const requested = ofTask(findMetric(input.metric), first.task);
  const [a, b] = [measure(first, requested), measure(second, requested)];
  if (!isMeasured(a)) return a;
  if (!isMeasured(b)) return b;
  const base = { metric: input.metric, rows: first.rows, first: a.value, second: b.value };
  if (
    input.metric === 'accuracy' &&
    first.task === 'classification' &&
    second.task === 'classification' &&
    first.weights === undefined
  ) {
    const mcnemar = mcnemarTest(onlyRight(first, second), onlyRight(second, first));
    return { ...base, difference: bonettPrice(mcnemar, first.rows, options.level), pValue: mcnemar.midP, mcnemar };
  }
  if (first.rows < 2) return { reason: 'too few rows for an interval' };
  const width = requested.metric.range[1] - requested.metric.range[0];
  const result = differenceFigure(a, b, first, options, width);
  return result === undefined ? { reason: 'too few rows for an interval' } : { ...base, ...result };
}

function requireSameRows(first: Sample, second: Sample): void {
  const same = (a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined): boolean => {
    if (a === undefined || b === undefined) return a === b;
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
    return true;
  };
  if (first.task !== second.task || !same(first.target, second.target) || !same(first.weights, second.weights)) {
    throw new BallastError(
      'A paired comparison needs the same rows with the same targets and weights in the same order',
      {
        code: 'EVALUATION_NOT_PAIRED',
        remedy: 'Predict the same file with both models.',
      },
    );
  }
}

type Classified = Extract<Sample, { task: 'classification' }>;

function onlyRight(first: Classified, second: Classified): number {
  let count = 0;
  for (let i = 0; i < first.rows; i++) {
    if (first.predicted[i] === first.target[i] && second.predicted[i] !== first.target[i]) count++;
  }
  return count;
}

/** Adjusted Wald interval of a difference of paired proportions (Bonett & Price 2012). */
export function bonettPrice(
  { onlyFirst, onlySecond }: Pick<McNemarTest, 'onlyFirst' | 'onlySecond'>,
  rows: number,
  level: number,
): Figure {
  const p = (onlyFirst + 1) / (rows + 2);
  const q = (onlySecond + 1) / (rows + 2);
  const half = criticalValue(level) * Math.sqrt((p + q - (p - q) ** 2) / (rows + 2));
  const value = (onlyFirst - onlySecond) / rows;
  const interval: Interval = [Math.max(-1, Math.min(value, p - q - half)), Math.min(1, Math.max(value, p - q + half))];
  return { value, interval, method: 'Bonett-Price' };
}

function differenceFigure(
  a: Measured,
  b: Measured,
  sample: Sample,
  options: ResolvedIntervals,
  width: number,
): { difference: Figure; pValue?: number } | undefined {
  const value = a.value - b.value;
  const influence = a.influence && b.influence ? subtract(a.influence(), b.influence()) : undefined;
  const clip = (low: number, high: number): Interval => [
    Math.max(-width, Math.min(value, low)),
    Math.min(width, Math.max(value, high)),
  ];
  const few = sample.rows <= options.maxRows;
  const [first, second] = [resampleFunction(a), resampleFunction(b)];
  if (influence !== undefined && !(few && first && second)) {
    const { variance, method } = differenceVariance(a, influence, sample);
    if (variance === 0) return { difference: { value, interval: [value, value], method }, pValue: value === 0 ? 1 : 0 };
    const half = criticalValue(options.level) * Math.sqrt(variance);
    const difference = { value, interval: clip(value - half, value + half), method };
    return { difference, pValue: 2 * normalSf(Math.abs(value) / Math.sqrt(variance)) };
  }
  if (a.bins !== undefined && b.bins !== undefined) {
    const resampling = { ...options, rows: sample.rows };
    const intervals = binErrorIntervals([a.bins, b.bins], resampling);
    const [one, two] = [a, b].map((model, i) => ({ ...intervals[i], value: model.value }));
    const [low, high] = moverDifference(one, two, correlation(one.norms, two.norms));
    return { difference: { value, interval: clip(low, high), method: 'MOVER with bootstrapped bin errors' } };
  }
  if (first === undefined || second === undefined) return undefined;
  const difference = pairedBootstrap([first, second], { value, width, rows: sample.rows, influence }, options);
  return difference && { difference };
}

function differenceVariance(
  a: Measured,
  influence: Float64Array,
  sample: Sample,
): { variance: number; method: string } {
  if (a.variance?.method === 'DeLong' && sample.task === 'classification' && sample.classes.length === 2) {
    const variance = delongVariance(influence, classLabels(sample, sample.positive));
    return { variance, method: 'paired DeLong' };
  }
  return { variance: squares(influence), method: 'paired normal, by row influence' };
}

function subtract(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - b[i]);
}

/** Mean of a metric over runs with different seeds, Student's t interval. Undefined for fewer than two runs. */
export function meanOverSeeds(values: readonly number[], level = 0.95): Figure | undefined {
  const interval = tInterval(values, level);
  return interval && { value: mean(values), interval, method: `Student t over ${values.length} seeds` };
}

/** Mean of first - second over runs that share their seed pair by pair, Student's t interval of the differences. */
export function pairedOverSeeds(first: readonly number[], second: readonly number[], level = 0.95): Figure | undefined {
  if (first.length !== second.length) {
    throw new BallastError('Runs paired by seed come in equal numbers', {
      code: 'EVALUATION_NOT_PAIRED',
      value: [first.length, second.length],
    });
  }
  const figure = meanOverSeeds(
    first.map((value, i) => value - second[i]),
    level,
  );
  return figure && { ...figure, method: `Student t over ${first.length} paired seeds` };
}

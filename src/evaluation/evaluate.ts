import { evaluateClasses, type PerClass } from './classes.js';
import { type ConfusionMatrix, confusionMatrix } from './confusion.js';
import { type Estimand, estimate, type ResolvedIntervals, resolveIntervals } from './estimate.js';
import { evaluateFairness, type FairnessEvaluation } from './fairness.js';
import type { Figure } from './figure.js';
import { rowsByGroup } from './groups.js';
import type { GroupColumn, IntervalOptions, PredictionInput } from './input.js';
import { measure, ofTask, requestedMetrics } from './measure.js';
import { isMeasured } from './metric.js';
import { findMetric, type RequestedMetric } from './metrics/index.js';
import { type ReliabilityBin, reliabilityBins } from './reliability.js';
import { type ResidualSummary, summarizeResiduals } from './residuals.js';
import { prepareSample, type Sample, subsetSample } from './sample.js';

export interface EvaluateOptions extends IntervalOptions {
  /** Columns whose categories are evaluated one by one. */
  readonly slices?: readonly GroupColumn[];
  /** Sensitive columns: fairness between their groups. */
  readonly sensitive?: readonly GroupColumn[];
  /** Metrics beside the standard ones: `precision@100`, `pinball@0.9`. */
  readonly metrics?: readonly string[];
  /** The metric that counts most. Default accuracy or rmse. */
  readonly primary?: string;
}

/** Metrics of a set of rows; those without a value are in `omitted` with the reason. */
export interface MetricSet {
  readonly rows: number;
  readonly metrics: Readonly<Record<string, Figure>>;
  readonly omitted: Readonly<Record<string, string>>;
}

export interface SliceEvaluation extends MetricSet {
  /** Name of the column. */
  readonly slice: string;
  /** Its category; undefined for rows where it is missing. */
  readonly value: string | undefined;
}

/** Everything measured on one set of rows; plain JSON. */
export interface Evaluation extends MetricSet {
  readonly task: PredictionInput['task'];
  readonly primary: string;
  readonly level: number;
  /** Classification: every class against the rest, by name. */
  readonly perClass: Readonly<Record<string, PerClass>>;
  readonly slices: readonly SliceEvaluation[];
  /** Classification with probabilities: confidence against accuracy. */
  readonly reliability?: readonly ReliabilityBin[];
  /** Classification of up to 100 classes. */
  readonly confusion?: ConfusionMatrix;
  readonly residuals?: ResidualSummary;
  readonly fairness?: readonly FairnessEvaluation[];
}

const MAX_CONFUSION_CLASSES = 100;

/**
 * Evaluates predictions: metrics overall, per class and per slice, each with an interval, reliability bins, confusion
 * matrix or residuals, fairness between the groups of sensitive columns. Equal input and seed give the equal result.
 */
export function evaluate(input: PredictionInput & EvaluateOptions): Evaluation {
  const options = resolveIntervals(input);
  const sample = prepareSample(input, input.bins);
  const survival = sample.task === 'regression' && sample.events !== undefined;
  const extra = input.metrics ?? [];
  // Of survival times a model tells the order: there is no error in their unit.
  const requested = survival
    ? [...new Set(['concordance', ...extra])].map((name) => ofTask(findMetric(name), sample.task))
    : requestedMetrics(sample.task, extra);
  const usual = sample.task === 'classification' ? 'accuracy' : survival ? 'concordance' : 'rmse';
  const primary = input.primary ?? usual;
  if (!requested.some(({ name }) => name === primary)) requested.push(ofTask(findMetric(primary), sample.task));
  const base = {
    task: sample.task,
    primary,
    level: options.level,
    ...measureAll(sample, requested, options),
    slices: (input.slices ?? []).flatMap((column) => evaluateSlices(sample, column, requested, options)),
  };
  if (sample.task === 'regression') {
    return { ...base, perClass: {}, ...(survival ? {} : { residuals: summarizeResiduals(sample) }) };
  }
  return {
    ...base,
    perClass: evaluateClasses(sample, options),
    ...(sample.probabilities === undefined ? {} : { reliability: reliabilityBins(sample, { level: options.level }) }),
    ...(sample.classes.length > MAX_CONFUSION_CLASSES ? {} : { confusion: confusionMatrix(sample) }),
    ...(input.sensitive === undefined
      ? {}
      : { fairness: input.sensitive.map((column) => evaluateFairness(sample, column, options)) }),
  };
}

function measureAll(sample: Sample, requested: readonly RequestedMetric[], options: ResolvedIntervals): MetricSet {
  const omitted: Record<string, string> = {};
  const names: string[] = [];
  const estimands: Estimand[] = [];
  for (const request of requested) {
    const measurement = measure(sample, request);
    if (isMeasured(measurement)) {
      names.push(request.name);
      estimands.push({ measured: measurement, range: request.metric.range });
    } else omitted[request.name] = measurement.reason;
  }
  const metrics: Record<string, Figure> = {};
  estimate(estimands, sample.rows, options).forEach((figure, i) => {
    if (figure === undefined) omitted[names[i]] = 'too few rows for an interval';
    else metrics[names[i]] = figure;
  });
  return { rows: sample.rows, metrics, omitted };
}

function evaluateSlices(
  sample: Sample,
  column: GroupColumn,
  requested: readonly RequestedMetric[],
  options: ResolvedIntervals,
): SliceEvaluation[] {
  // Slices are many and small: fewer resamples each, so that all of them cost little more than the whole.
  const own = { ...options, resamples: Math.min(options.resamples, 400), maxRows: Math.min(options.maxRows, 500) };
  return [...rowsByGroup(column, sample.rows)].map(([code, rows]) => ({
    slice: column.name,
    value: code < 0 ? undefined : column.dictionary[code],
    ...measureAll(subsetSample(sample, rows), requested, own),
  }));
}

import { rocAreaOf } from './curves.js';
import type { PredictionInput } from './input.js';
import { measure, ofTask } from './measure.js';
import { isMeasured } from './metric.js';
import { findMetric } from './metrics/index.js';
import { prepareSample, type Sample } from './sample.js';

const CHEAP = {
  classification: ['accuracy', 'logLoss', 'brier', 'ece'],
  regression: ['rmse', 'mae', 'r2'],
} as const;

/**
 * Values without intervals, fast enough for every epoch: accuracy, logLoss, brier, ece and, for two classes, rocAuc;
 * rmse, mae, r2; `loss` (log loss or mean squared error); and any metrics asked for by name. Undefined ones are absent,
 * never NaN.
 */
export function cheapMetrics(input: PredictionInput, extra: readonly string[] = []): Record<string, number> {
  return sampleValues(prepareSample(input), extra);
}

/** {@link cheapMetrics} of a prepared sample. */
export function sampleValues(sample: Sample, extra: readonly string[] = []): Record<string, number> {
  const names: string[] = [...CHEAP[sample.task]];
  const values: Record<string, number> = {};
  for (const name of new Set([...names, ...extra])) {
    const measurement = measure(sample, ofTask(findMetric(name), sample.task));
    if (isMeasured(measurement)) values[name] = measurement.value;
  }
  if (sample.task === 'classification' && sample.classes.length === 2 && sample.probabilities !== undefined) {
    const area = rocAreaOf(sample, sample.positive);
    if (!Number.isNaN(area)) values.rocAuc = area;
  }
  const loss = sample.task === 'classification' ? values.logLoss : values.rmse ** 2;
  return loss === undefined ? values : { loss, ...values };
}

import { BallastError } from '../errors.js';
import { isMeasured, type Measurement } from './metric.js';
import { findMetric, type RequestedMetric, standardMetrics } from './metrics/index.js';
import type { Sample } from './sample.js';

/** The standard metrics of a task and those asked for beside them, each once. */
export function requestedMetrics(task: Sample['task'], extra: readonly string[]): RequestedMetric[] {
  const standard = standardMetrics(task);
  const added = extra
    .filter((name, i) => extra.indexOf(name) === i && !standard.some((metric) => metric.name === name))
    .map((name) => ofTask(findMetric(name), task));
  return [...standard, ...added];
}

/** Input error unless the metric is one of the task. */
export function ofTask(requested: RequestedMetric, task: Sample['task']): RequestedMetric {
  if (requested.metric.task === task) return requested;
  throw new BallastError(`${requested.metric.title} is a metric of ${requested.metric.task}, not of ${task}`, {
    code: 'METRIC_TASK',
    value: requested.name,
    remedy: `Use one of ${standardMetrics(task)
      .map(({ name }) => name)
      .join(', ')}.`,
  });
}

/** One metric of one sample; the reason where it has no value. */
export function measure(sample: Sample, { metric, parameter, name }: RequestedMetric): Measurement {
  const measurement = run();
  if (isMeasured(measurement) && !Number.isFinite(measurement.value)) return { reason: `${name} is not finite here` };
  return measurement;

  function run(): Measurement {
    if (metric.task === 'classification' && sample.task === 'classification') return metric.measure(sample, parameter);
    if (metric.task === 'regression' && sample.task === 'regression') {
      const ordered = sample.events === undefined || metric.name === 'concordance';
      return ordered ? metric.measure(sample, parameter) : { reason: 'of survival times only the order is predicted' };
    }
    return { reason: `it is a metric of ${metric.task}` };
  }
}

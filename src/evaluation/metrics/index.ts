import { BallastError } from '../../errors.js';
import type { Metric, Task } from '../metric.js';
import { accuracy } from './accuracy.js';
import { balancedAccuracy } from './balanced-accuracy.js';
import { brier } from './brier.js';
import { f1, fnr, fpr, precision, recall } from './class-rate.js';
import { concordance } from './concordance.js';
import { costWeighted } from './cost-weighted.js';
import { ece, eceAdaptive, eceClasswise, mce } from './ece.js';
import { logLoss } from './log-loss.js';
import { mcc } from './mcc.js';
import { prAuc } from './pr-auc.js';
import { mae, mape, pinball, r2, rmse } from './regression.js';
import { rocAuc } from './roc-auc.js';
import { precisionAtK, recallAtK } from './top-k.js';

/** Every metric, in the order of reports. */
export const METRICS: readonly Metric[] = [
  accuracy,
  balancedAccuracy,
  logLoss,
  brier,
  rocAuc,
  prAuc,
  f1,
  precision,
  recall,
  fnr,
  fpr,
  mcc,
  precisionAtK,
  recallAtK,
  costWeighted,
  ece,
  eceAdaptive,
  eceClasswise,
  mce,
  rmse,
  mae,
  mape,
  r2,
  pinball,
  concordance,
];

/** A metric as it was asked for: `precision@100` is the metric precision@k with parameter 100. */
export interface RequestedMetric {
  readonly name: string;
  readonly metric: Metric;
  /** NaN for metrics without one. */
  readonly parameter: number;
}

/** The metric of that name: `accuracy`, `precision@100`, `pinball@0.9`. Input error when there is none. */
export function findMetric(name: string): RequestedMetric {
  const [stem, argument] = name.split('@');
  const metric = METRICS.find((candidate) =>
    argument === undefined
      ? candidate.name === name && candidate.parameter === undefined
      : candidate.parameter !== undefined && candidate.name.split('@')[0] === stem,
  );
  if (metric === undefined) {
    throw new BallastError('There is no such metric', {
      code: 'METRIC_UNKNOWN',
      value: name,
      remedy: `Use one of ${METRICS.map(({ name: known, parameter }) => (parameter === undefined || known.includes('@') ? known : `${known}@${parameter.name}`)).join(', ')}.`,
    });
  }
  const parameter = argument === undefined || argument === '' ? Number.NaN : Number(argument);
  if (metric.parameter !== undefined && !metric.parameter.valid(parameter)) {
    throw new BallastError(`The ${metric.parameter.name} of ${metric.title} is ${metric.parameter.expected}`, {
      code: 'METRIC_PARAMETER',
      value: name,
    });
  }
  return { name, metric, parameter };
}

/** The metrics computed for a task when nothing else is asked for. */
export function standardMetrics(task: Task): RequestedMetric[] {
  return METRICS.filter((metric) => metric.task === task && metric.standard).map((metric) => ({
    name: metric.name,
    metric,
    parameter: Number.NaN,
  }));
}

import type { ClassificationMetric } from '../metric.js';
import { rowMean } from '../row-mean.js';

export const logLoss: ClassificationMetric = {
  name: 'logLoss',
  title: 'Log loss',
  task: 'classification',
  direction: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  perRow: true,
  standard: true,
  interval: 'BCa bootstrap; normal for many rows',
  description:
    'Mean of -ln(probability of the target), in nats. Exact from logits; probabilities are clipped at their epsilon.',
  measure: ({ logLosses, weights }) =>
    logLosses === undefined ? { reason: 'it needs probabilities' } : rowMean(logLosses, weights),
};

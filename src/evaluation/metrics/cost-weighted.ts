import type { ClassificationMetric } from '../metric.js';
import { rowMean } from '../row-mean.js';

export const costWeighted: ClassificationMetric = {
  name: 'costWeighted',
  title: 'Cost per row',
  task: 'classification',
  direction: 'lower',
  range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  perRow: true,
  standard: true,
  interval: 'BCa bootstrap; normal for many rows',
  description: 'Mean of cost[true class][predicted class], in the unit of the cost matrix.',
  measure: ({ cost, target, predicted, rows, weights }) =>
    cost === undefined
      ? { reason: 'no cost matrix was given' }
      : rowMean(
          Float64Array.from({ length: rows }, (_, i) => cost[target[i]][predicted[i]]),
          weights,
        ),
};

import type { ClassificationMetric } from '../metric.js';
import { share } from '../row-mean.js';

export const accuracy: ClassificationMetric = {
  name: 'accuracy',
  title: 'Accuracy',
  task: 'classification',
  direction: 'higher',
  range: [0, 1],
  perRow: true,
  standard: true,
  interval: 'Wilson',
  description: 'Share of rows whose predicted class is the target.',
  measure: ({ rows, weights, target, predicted }) =>
    share(
      rows,
      weights,
      () => true,
      (row) => target[row] === predicted[row],
    ) ?? { reason: 'no row has weight' },
};

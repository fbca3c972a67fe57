import { RECALL } from '../class-rates.js';
import { meanOverActualClasses } from '../confusion.js';
import type { ClassificationMetric } from '../metric.js';

export const balancedAccuracy: ClassificationMetric = {
  name: 'balancedAccuracy',
  title: 'Balanced accuracy',
  task: 'classification',
  direction: 'higher',
  range: [0, 1],
  perRow: false,
  standard: true,
  interval: 'BCa bootstrap; logit normal for many rows',
  description: 'Mean recall over the classes that occur among the targets.',
  measure: (sample) => ({ ...meanOverActualClasses(sample, RECALL), scale: 'logit' }),
};

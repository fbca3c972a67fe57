import { curveSummary } from '../curves.js';
import type { ClassificationMetric } from '../metric.js';

export const rocAuc: ClassificationMetric = {
  name: 'rocAuc',
  title: 'ROC-AUC',
  task: 'classification',
  direction: 'higher',
  range: [0, 1],
  perRow: false,
  standard: true,
  interval: 'DeLong on the logit scale',
  description:
    'Probability that a positive row scores above a negative one, ties half. More than two classes: one against the rest, plain mean over the classes that occur.',
  measure: (sample) => {
    if (sample.probabilities === undefined) return { reason: 'it needs probabilities' };
    const { roc } = curveSummary(sample);
    if (roc === undefined) return { reason: 'the targets hold one class only' };
    return {
      value: roc.value,
      support: Math.min(roc.positives, roc.negatives),
      influence: () => roc.influence,
      variance: { method: 'DeLong', value: roc.variance },
      scale: 'logit',
    };
  },
};

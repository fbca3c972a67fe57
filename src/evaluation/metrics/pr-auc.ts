import { curveSummary } from '../curves.js';
import type { ClassificationMetric } from '../metric.js';

export const prAuc: ClassificationMetric = {
  name: 'prAuc',
  title: 'PR-AUC',
  task: 'classification',
  direction: 'higher',
  range: [0, 1],
  perRow: false,
  standard: true,
  interval: 'logit normal with the infinitesimal jackknife',
  description:
    'Average precision: precision at each threshold, weighted by the recall it adds. More than two classes: one against the rest, plain mean over the classes that occur. By chance: the share of positives.',
  measure: (sample) => {
    if (sample.probabilities === undefined) return { reason: 'it needs probabilities' };
    const { precisionRecall } = curveSummary(sample);
    if (precisionRecall === undefined) return { reason: 'the targets hold one class only' };
    return {
      value: precisionRecall.value,
      support: Math.min(precisionRecall.positives, precisionRecall.negatives),
      influence: () => precisionRecall.influence,
      variance: { method: 'infinitesimal jackknife', value: precisionRecall.variance },
      scale: 'logit',
    };
  },
};

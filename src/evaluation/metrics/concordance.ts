import { concordanceOf } from '../../numeric/concordance.js';
import type { RegressionMetric } from '../metric.js';

export const concordance: RegressionMetric = {
  task: 'regression',
  standard: false,
  name: 'concordance',
  title: 'Concordance',
  direction: 'higher',
  range: [0, 1],
  perRow: false,
  interval: 'BCa bootstrap',
  description:
    "Survival times: of the pairs of rows of which it is known whose event came first, the share in which the prediction says the greater risk of that row (Harrell's C).",
  measure: ({ target, predicted, events, weights }) => {
    if (events === undefined) return { reason: 'it needs to know which times ended in the event' };
    const share = concordanceOf({ time: target, event: events, risk: predicted });
    const value = share(weights);
    if (Number.isNaN(value)) return { reason: 'no two rows can be compared: no event was seen before another time' };
    return {
      value,
      support: events.reduce((sum, event) => sum + event, 0),
      scale: 'logit',
      resample: (counts) => share(weights === undefined ? counts : counts.map((count, i) => count * weights[i])),
    };
  },
};

import type { ClassificationMetric } from '../metric.js';
import { rowMean } from '../row-mean.js';
import type { ClassificationSample } from '../sample.js';

export const brier: ClassificationMetric = {
  name: 'brier',
  title: 'Brier score',
  task: 'classification',
  direction: 'lower',
  range: [0, 2],
  perRow: true,
  standard: true,
  interval: 'BCa bootstrap; normal for many rows',
  description:
    'Mean squared error of the probabilities: (p - y)^2 of the positive class with two classes (0 to 1), summed over all classes with more (0 to 2) (Brier 1950).',
  measure: (sample) =>
    sample.probabilities === undefined
      ? { reason: 'it needs probabilities' }
      : rowMean(brierRows(sample, sample.probabilities), sample.weights),
};

/** The squared error of each row's probabilities. */
function brierRows(
  { rows, classes, target, positive }: ClassificationSample,
  probabilities: Float64Array,
): Float64Array {
  const count = classes.length;
  const result = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    if (count === 2) {
      result[i] = (probabilities[2 * i + positive] - (target[i] === positive ? 1 : 0)) ** 2;
      continue;
    }
    let total = 0;
    for (let k = 0; k < count; k++) total += (probabilities[i * count + k] - (target[i] === k ? 1 : 0)) ** 2;
    result[i] = total;
  }
  return result;
}

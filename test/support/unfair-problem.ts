import { float32, int64 } from '../../src/graph/tensor.js';
import { derive } from '../../src/numeric/random.js';
import { problem } from './training-problem.js';

/** Two groups that differ in one feature, which says half of the class. */
export function unfair(
  regularizers: readonly Record<string, unknown>[],
  training: Readonly<Record<string, unknown>> = {},
) {
  const given = problem({
    inputs: [{ name: 'features', content: 'tabular', type: 'float32', shape: [3] }],
    model: { type: 'logistic' },
    rows: 600,
    validation: 400,
    regularizers,
    training: { epochs: 30, batchSize: 100, optimizer: { type: 'adamw', learningRate: 0.05 }, ...training },
  });
  const random = derive('unfair');
  const codes = Int32Array.from({ length: 1000 }, () => (random.uniform() < 0.4 ? 1 : 0));
  const features = new Float32Array(3000);
  const labels = Array.from(codes, (code, row) => {
    for (let i = 0; i < 3; i++) features[3 * row + i] = random.normal();
    features[3 * row] += 1.5 * code;
    return features[3 * row] + features[3 * row + 1] + 0.5 * random.normal() > 0.5 ? 2 : 0;
  });
  return {
    ...given,
    classes: ['no', 'maybe', 'yes'],
    data: {
      ...given.data,
      inputs: { features: float32([1000, 3], features) },
      target: int64([1000], labels),
      columns: [{ role: 'sensitive' as const, name: 'side', values: ['p', 'q'], codes }],
    },
  };
}

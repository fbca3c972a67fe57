import { argsort } from '../../numeric/index.js';
import type { ClassificationMetric, Measurement } from '../metric.js';
import type { ClassificationSample } from '../sample.js';

const PARAMETER = {
  name: 'k',
  valid: (k: number) => Number.isInteger(k) && k >= 1,
  expected: 'a whole number of rows, at least 1',
} as const;

const SHARED = {
  task: 'classification',
  direction: 'higher',
  range: [0, 1],
  perRow: false,
  standard: false,
  parameter: PARAMETER,
  interval: 'Wilson',
} as const;

export const precisionAtK: ClassificationMetric = {
  ...SHARED,
  name: 'precision@k',
  title: 'Precision at k',
  description:
    'Share of positives among the k rows with the highest scores; rows tied at the k-th place count in part.',
  measure: (sample, k) =>
    atK(sample, k, (hits) => ({ value: hits / k, support: k, proportion: { successes: hits, trials: k } })),
};

export const recallAtK: ClassificationMetric = {
  ...SHARED,
  name: 'recall@k',
  title: 'Recall at k',
  description:
    'Share of all positives that are among the k rows with the highest scores; ties at the k-th place count in part.',
  measure: (sample, k) =>
    atK(sample, k, (hits, positives) =>
      positives === 0
        ? { reason: 'no row is positive' }
        : { value: hits / positives, support: positives, proportion: { successes: hits, trials: positives } },
    ),
};

/** Builds the measure from the (weighted) positives among the k highest and all positives. */
function atK(
  sample: ClassificationSample,
  k: number,
  build: (hits: number, positives: number) => Measurement,
): Measurement {
  const { probabilities, rows, classes, positive, target, weights } = sample;
  if (probabilities === undefined) return { reason: 'it needs probabilities' };
  if (classes.length !== 2) return { reason: 'it needs two classes' };
  const scores = Float64Array.from({ length: rows }, (_, i) => probabilities[2 * i + positive]);
  const order = argsort(scores);
  const count = (counts?: Float64Array): { hits: number; positives: number; total: number } => {
    let taken = 0;
    let hits = 0;
    let positives = 0;
    for (let end = rows - 1; end >= 0; ) {
      let start = end;
      let tied = 0;
      let tiedPositives = 0;
      for (; start >= 0 && scores[order[start]] === scores[order[end]]; start--) {
        const row = order[start];
        const weight = (weights === undefined ? 1 : weights[row]) * (counts === undefined ? 1 : counts[row]);
        tied += weight;
        if (target[row] === positive) tiedPositives += weight;
      }
      if (tied > 0) hits += tiedPositives * Math.min(1, Math.max(0, k - taken) / tied);
      taken += tied;
      positives += tiedPositives;
      end = start;
    }
    return { hits, positives, total: taken };
  };
  const { hits, positives, total } = count();
  if (total < k) return { reason: `there are only ${rows} rows` };
  const measurement = build(hits, positives);
  if ('reason' in measurement) return measurement;
  return {
    ...measurement,
    resample: (counts) => {
      const again = count(counts);
      const built = build(again.hits, again.positives);
      return 'reason' in built ? Number.NaN : built.value;
    },
  };
}

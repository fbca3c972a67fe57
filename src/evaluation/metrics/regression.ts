import { mean, sum } from '../../numeric/index.js';
import type { Measured, RegressionMetric } from '../metric.js';
import { rowMean } from '../row-mean.js';
import type { RegressionSample } from '../sample.js';

const SHARED = { task: 'regression', standard: true } as const;
const POSITIVE = [0, Number.POSITIVE_INFINITY] as const;
const MEAN_INTERVAL = 'BCa bootstrap; normal for many rows';

const errors = ({ target, predicted }: RegressionSample): Float64Array => target.map((y, i) => predicted[i] - y);

export const rmse: RegressionMetric = {
  ...SHARED,
  name: 'rmse',
  title: 'RMSE',
  direction: 'lower',
  range: POSITIVE,
  perRow: false,
  interval: 'BCa bootstrap; log normal for many rows',
  description: 'Root of the mean squared error, in the unit of the target.',
  measure: (sample) =>
    squareRoot(
      rowMean(
        errors(sample).map((e) => e * e),
        sample.weights,
      ),
    ),
};

function squareRoot(squared: Measured): Measured {
  const value = Math.sqrt(squared.value);
  return {
    value,
    support: squared.support,
    resample: (counts) => Math.sqrt(squared.resample!(counts)),
    influence: () => squared.influence!().map((slope) => (value === 0 ? 0 : slope / (2 * value))),
    scale: 'log',
  };
}

export const mae: RegressionMetric = {
  ...SHARED,
  name: 'mae',
  title: 'MAE',
  direction: 'lower',
  range: POSITIVE,
  perRow: true,
  interval: MEAN_INTERVAL,
  description: 'Mean absolute error, in the unit of the target.',
  measure: (sample) => rowMean(errors(sample).map(Math.abs), sample.weights),
};

export const mape: RegressionMetric = {
  ...SHARED,
  name: 'mape',
  title: 'MAPE',
  direction: 'lower',
  range: POSITIVE,
  perRow: true,
  interval: MEAN_INTERVAL,
  description: 'Mean absolute error relative to the target, |error| / |target|; 0.1 is 10 %.',
  measure: (sample) =>
    sample.target.includes(0)
      ? { reason: 'a target is 0' }
      : rowMean(
          errors(sample).map((e, i) => Math.abs(e / sample.target[i])),
          sample.weights,
        ),
};

export const r2: RegressionMetric = {
  ...SHARED,
  name: 'r2',
  title: 'R²',
  direction: 'higher',
  range: [Number.NEGATIVE_INFINITY, 1],
  perRow: false,
  interval: 'BCa bootstrap; normal of log(1 - R²) for many rows',
  description: '1 - sum of squared errors / sum of squared distances of the target from its mean.',
  measure: (sample) => {
    const { target, weights, rows } = sample;
    const squared = errors(sample).map((e) => e * e);
    const center = mean(target, weights);
    const distances = target.map((y) => (y - center) ** 2);
    const weighted = (values: Float64Array): number =>
      sum(weights === undefined ? values : values.map((v, i) => v * weights[i]));
    const spread = weighted(distances);
    if (!(spread > 1e-28 * rows * center * center)) return { reason: 'the target is constant' };
    const lost = weighted(squared);
    return {
      value: 1 - lost / spread,
      support: rows,
      scale: 'log-complement',
      resample: (counts) => resampledR2(counts, target, squared, center, weights),
      influence: () =>
        squared.map(
          (e2, i) => ((lost * distances[i]) / spread - e2) * ((weights === undefined ? 1 : weights[i]) / spread),
        ),
    };
  },
};

/** Sums are taken around the sample's mean, so that the resample's own mean costs no digits. */
function resampledR2(
  counts: Float64Array,
  target: Float64Array,
  squared: Float64Array,
  center: number,
  weights: Float64Array | undefined,
): number {
  let total = 0;
  let lost = 0;
  let first = 0;
  let second = 0;
  for (let i = 0; i < counts.length; i++) {
    const w = weights === undefined ? counts[i] : counts[i] * weights[i];
    const y = target[i] - center;
    total += w;
    lost += w * squared[i];
    first += w * y;
    second += w * y * y;
  }
  const spread = second - (first * first) / total;
  return spread > 0 ? 1 - lost / spread : Number.NaN;
}

export const pinball: RegressionMetric = {
  task: 'regression',
  standard: false,
  name: 'pinball',
  title: 'Pinball loss',
  direction: 'lower',
  range: POSITIVE,
  perRow: true,
  parameter: { name: 'quantile', valid: (q) => q > 0 && q < 1, expected: 'a quantile between 0 and 1' },
  interval: MEAN_INTERVAL,
  description: 'Mean of q (y - p) above and (1 - q) (p - y) below the predicted q-quantile p (Koenker & Bassett 1978).',
  measure: (sample, q) =>
    rowMean(
      errors(sample).map((e) => (e < 0 ? -q * e : (1 - q) * e)),
      sample.weights,
    ),
};

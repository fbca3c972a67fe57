import { type MarginGradient, type Margins, marginMetric } from '../confusion.js';
import type { ClassificationMetric } from '../metric.js';

export const mcc: ClassificationMetric = {
  name: 'mcc',
  title: 'Matthews correlation',
  task: 'classification',
  direction: 'higher',
  range: [-1, 1],
  perRow: false,
  standard: true,
  interval: 'BCa bootstrap; Fisher-z normal for many rows',
  description:
    'Correlation of predicted and true classes, 0 by chance (Matthews 1975; Gorodkin 2004 for several classes).',
  measure: (sample) => {
    const measured = marginMetric(sample, correlation, gradient);
    if (Number.isNaN(measured.value)) return { reason: 'targets or predictions hold one class only' };
    return { ...measured, scale: 'atanh' };
  },
};

/** (correct * total - sum p t) / sqrt((total^2 - sum p^2)(total^2 - sum t^2)). */
function parts({ correct, predicted, actual, total }: Margins): {
  hits: number;
  covariance: number;
  a: number;
  b: number;
} {
  let hits = 0;
  let chance = 0;
  let p2 = 0;
  let t2 = 0;
  for (let k = 0; k < correct.length; k++) {
    hits += correct[k];
    chance += predicted[k] * actual[k];
    p2 += predicted[k] ** 2;
    t2 += actual[k] ** 2;
  }
  return { hits, covariance: hits * total - chance, a: total * total - p2, b: total * total - t2 };
}

function correlation(margins: Margins): number {
  const { covariance, a, b } = parts(margins);
  const floor = 1e-12 * margins.total * margins.total;
  return a > floor && b > floor ? covariance / Math.sqrt(a * b) : Number.NaN;
}

function gradient(margins: Margins): MarginGradient {
  const { hits, covariance, a, b } = parts(margins);
  const root = Math.sqrt(a * b);
  const value = covariance / root;
  const { predicted, actual, total } = margins;
  return {
    correct: predicted.map(() => total / root),
    predicted: predicted.map((p, k) => -actual[k] / root + (value * p) / a),
    actual: actual.map((t, k) => -predicted[k] / root + (value * t) / b),
    total: hits / root - value * (total / a + total / b),
  };
}

import { expectedError, ofClass } from './calibration.js';
import { curveSummary } from './curves.js';
import { type Estimand, estimate, type ResolvedIntervals } from './estimate.js';
import type { Figure } from './figure.js';
import { isMeasured, type Measured } from './metric.js';
import { classRate, RATES } from './metrics/class-rate.js';
import type { ClassificationSample } from './sample.js';

/** The metrics of one class against the rest; its `ece` is that of its own probability. */
export const CLASS_METRICS = ['precision', 'recall', 'f1', 'fnr', 'fpr', 'rocAuc', 'prAuc', 'ece'] as const;

/** One class against the rest. Rates it has no rows for are absent. */
export type PerClass = {
  /** Rows of the class. */
  readonly rows: number;
} & { readonly [name in (typeof CLASS_METRICS)[number]]?: Figure };

/** Every class against the rest, by name. */
export function evaluateClasses(sample: ClassificationSample, options: ResolvedIntervals): Record<string, PerClass> {
  const names: (readonly [k: number, metric: string])[] = [];
  const estimands: Estimand[] = [];
  sample.classes.forEach((_, k) => {
    for (const [metric, measured] of measureClass(sample, k)) {
      names.push([k, metric]);
      estimands.push({ measured, range: [0, 1] });
    }
  });
  const rows = new Int32Array(sample.classes.length);
  for (const k of sample.target) rows[k]++;
  const figures: Record<string, Figure>[] = sample.classes.map(() => ({}));
  estimate(estimands, sample.rows, options).forEach((figure, i) => {
    const [k, metric] = names[i];
    if (figure !== undefined) figures[k][metric] = figure;
  });
  return Object.fromEntries(sample.classes.map((name, k) => [name, { rows: rows[k], ...figures[k] }]));
}

/** What is defined for a class, by name. */
function measureClass(sample: ClassificationSample, k: number): [string, Measured][] {
  const rates = RATES.flatMap((rate): [string, Measured][] => {
    const measurement = classRate(sample, rate, k);
    return isMeasured(measurement) ? [[rate.name, measurement]] : [];
  });
  const areas = sample.probabilities === undefined ? undefined : curveSummary(sample).classes[k];
  if (areas === undefined) return rates;
  const area = ({ value, variance, positives, negatives }: typeof areas.roc, method: string): Measured => ({
    value,
    support: Math.min(positives, negatives),
    variance: { method, value: variance },
    scale: 'logit',
  });
  return [
    ...rates,
    ['rocAuc', area(areas.roc, 'DeLong')],
    ['prAuc', area(areas.precisionRecall, 'infinitesimal jackknife')],
    ['ece', expectedError([ofClass(sample, k)], sample.weights)],
  ];
}

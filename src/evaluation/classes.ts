import { curveSummary } from './curves.js';
import { type Estimand, estimate, type ResolvedIntervals } from './estimate.js';
import type { Figure } from './figure.js';
import { isMeasured } from './metric.js';
import { classRate, RATES } from './metrics/class-rate.js';
import type { ClassificationSample } from './sample.js';

/** The metrics of one class against the rest. */
export const CLASS_METRICS = ['precision', 'recall', 'f1', 'fnr', 'fpr', 'rocAuc', 'prAuc'] as const;

/** One class against the rest. Rates it has no rows for are absent. */
export type PerClass = {
  /** Rows of the class. */
  readonly rows: number;
} & { readonly [name in (typeof CLASS_METRICS)[number]]?: Figure };

const UNIT = [0, 1] as const;

/** Every class against the rest, by name. */
export function evaluateClasses(sample: ClassificationSample, options: ResolvedIntervals): Record<string, PerClass> {
  const rows = new Int32Array(sample.classes.length);
  for (const k of sample.target) rows[k]++;
  const curves = sample.probabilities === undefined ? undefined : curveSummary(sample);
  // One F1 of each class is bootstrapped at most: with many classes the normal interval serves all of them.
  const many = sample.classes.length > 20 ? { ...options, maxRows: 0 } : options;
  return Object.fromEntries(
    sample.classes.map((name, k) => {
      const names: string[] = [];
      const estimands: Estimand[] = [];
      for (const rate of RATES) {
        const measurement = classRate(sample, rate, k);
        if (!isMeasured(measurement)) continue;
        names.push(rate.name);
        estimands.push({ measured: measurement, range: UNIT });
      }
      const areas = curves?.classes[k];
      if (areas !== undefined) {
        for (const [area, method, key] of [
          [areas.roc, 'DeLong', 'rocAuc'],
          [areas.precisionRecall, 'infinitesimal jackknife', 'prAuc'],
        ] as const) {
          const { value, variance, positives, negatives } = area;
          names.push(key);
          estimands.push({
            measured: {
              value,
              support: Math.min(positives, negatives),
              variance: { method, value: variance },
              scale: 'logit',
            },
            range: UNIT,
          });
        }
      }
      const figures = estimate(estimands, sample.rows, many);
      const entries = names.flatMap((key, i) => (figures[i] === undefined ? [] : [[key, figures[i]] as const]));
      return [name, { rows: rows[k], ...Object.fromEntries(entries) }];
    }),
  );
}

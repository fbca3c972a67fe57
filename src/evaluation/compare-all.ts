import type { IntervalOptions, PredictionInput } from './input.js';
import { standardMetrics } from './metrics/index.js';
import { comparePaired, type PairedComparison } from './paired.js';
import { judgeDifference, type Verdict } from './verdict.js';

export interface MetricComparison extends PairedComparison {
  /** Whether the first is clearly better. */
  readonly verdict: Verdict;
}

/**
 * Two models on the same rows in every metric that both have, each with its paired test. Many metrics are looked at: one of
 * twenty differs "clearly" by chance.
 */
export function compareAll(
  first: PredictionInput,
  second: PredictionInput,
  options: IntervalOptions = {},
): MetricComparison[] {
  return standardMetrics(first.task).flatMap(({ name, metric }) => {
    const compared = comparePaired({ ...options, metric: name, first, second });
    return 'reason' in compared
      ? []
      : [{ ...compared, verdict: judgeDifference(compared.difference, metric.direction) }];
  });
}

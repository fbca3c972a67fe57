import type { Finding } from '../regularizers/finding.js';
import type { EpochRecord } from './events.js';
import type { MetricsFunction } from './problem.js';

/**
 * Says when stopping may have been luck: the validation loss wobbled, from epoch to epoch, by more than what separates
 * the best epoch from the last one.
 */
export function stoppedTooEarly(
  history: readonly EpochRecord[],
  bestEpoch: number,
  metrics: MetricsFunction,
): Finding[] {
  const values = history.map(({ validation }) => validation[metrics.loss]);
  if (values.length < 4) return [];
  const recent = values.slice(Math.max(0, bestEpoch - 3));
  const steps = recent.slice(1).map((value, i) => value - recent[i]);
  const mean = steps.reduce((sum, value) => sum + value, 0) / steps.length;
  const wobble = Math.sqrt(steps.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, steps.length - 1));
  const lost = values[values.length - 1] - values[bestEpoch - 1];
  if (!(wobble > Math.abs(lost))) return [];
  return [
    {
      code: 'STOPPED_TOO_EARLY',
      severity: 'info',
      message: `early stopping may have come too early: ${metrics.loss} on validation wobbles by ${wobble.toPrecision(2)} an epoch and was only ${lost.toPrecision(2)} worse than at its best`,
      remedy: 'Raise patience, lower the learning rate, or validate on more rows',
    },
  ];
}

import { findMetric } from './metrics/index.js';
import { UNIT_METRICS } from './units/evaluate-units.js';

/** Whether more of a metric is better, whatever its task. @throws BallastError METRIC_UNKNOWN */
export function isHigherBetter(name: string): boolean {
  const unit = UNIT_METRICS.find((metric) => metric.name === name);
  return (unit ?? findMetric(name).metric).direction === 'higher';
}

import type { MetricComparison } from '../compare-all.js';
import { resolveIntervals } from '../estimate.js';
import type { IntervalOptions } from '../input.js';
import { isMeasured } from '../metric.js';
import { pairedBootstrap } from '../paired-bootstrap.js';
import { resampleFunction } from '../resampling.js';
import { judgeDifference } from '../verdict.js';
import { DETECTION_METRICS, type DetectionInput, prepareDetection } from './detection.js';

/**
 * Two detectors on the same pictures, in every metric that both have (or the given ones), paired: pictures are drawn whole, the
 * same for both.
 *
 * @throws as {@link prepareDetection}
 */
export function compareDetection(
  first: DetectionInput,
  second: DetectionInput,
  { only, ...given }: IntervalOptions & { readonly only?: readonly string[] } = {},
): MetricComparison[] {
  const options = resolveIntervals(given);
  const [one, two] = [prepareDetection(first), prepareDetection(second)];
  return DETECTION_METRICS.filter(({ name }) => only?.includes(name) ?? true).flatMap((metric) => {
    const [a, b] = [metric.measure(one, Number.NaN), metric.measure(two, Number.NaN)];
    if (!isMeasured(a) || !isMeasured(b)) return [];
    const [own, other] = [resampleFunction(a), resampleFunction(b)];
    if (own === undefined || other === undefined) return [];
    const width = metric.range[1] - metric.range[0];
    const difference = pairedBootstrap([own, other], { value: a.value - b.value, width, rows: one.images }, options);
    if (difference === undefined) return [];
    const verdict = judgeDifference(difference, metric.direction);
    return [{ metric: metric.name, rows: one.images, first: a.value, second: b.value, difference, verdict }];
  });
}

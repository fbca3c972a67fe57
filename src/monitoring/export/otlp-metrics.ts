import { type HrTime, ValueType } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import type { MetricFamily, Sample } from './openmetrics.js';

const SCOPE = { name: 'ballast' };

/**
 * Families as OpenTelemetry's data: counters are monotonic sums, histograms keep their bounds, infos are gauges of 1.
 *
 * @param since from when on counters count, ms since 1970
 */
export function otlpMetrics(
  families: readonly MetricFamily[],
  { resource, since, now }: { readonly resource: Resource; readonly since: number; readonly now: number },
): CollectionResult {
  const times = { startTime: hrTime(since), endTime: hrTime(now) };
  const metrics = families
    .filter(({ samples }) => samples.length > 0)
    .map((family): MetricData => {
      const { name, help, unit = '', type, samples } = family;
      const base = {
        descriptor: {
          name: type === 'info' ? `${name}_info` : name,
          description: help,
          unit: unit === 'seconds' ? 's' : unit,
          valueType: ValueType.DOUBLE,
        },
        aggregationTemporality: AggregationTemporality.CUMULATIVE,
      };
      if (type === 'histogram') {
        return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints: histograms(samples, times) };
      }
      const dataPoints = samples.map(({ labels, value }) => ({ ...times, attributes: labels, value }));
      return type === 'counter'
        ? { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
        : { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
    });
  return { resourceMetrics: { resource, scopeMetrics: [{ scope: SCOPE, metrics }] }, errors: [] };
}

/** The buckets of OpenMetrics, each of which holds those below it, as counts of their own. */
function histograms(samples: readonly Sample[], times: { readonly startTime: HrTime; readonly endTime: HrTime }) {
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _le, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  return [...series].map(([key, of]) => {
    const buckets = of.filter(({ suffix }) => suffix === '_bucket');
    const one = (wanted: string): number => of.find(({ suffix }) => suffix === wanted)?.value ?? 0;
    return {
      ...times,
      attributes: JSON.parse(key) as Record<string, string>,
      value: {
        buckets: {
          boundaries: buckets.map(({ labels }) => Number(labels.le)).filter(Number.isFinite),
          counts: buckets.map(({ value }, i) => value - (i === 0 ? 0 : buckets[i - 1].value)),
        },
        sum: one('_sum'),
        count: one('_count'),
      },
    };
  });
}

const hrTime = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];

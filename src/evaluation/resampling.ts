import { forEachResample, type ResampleOptions } from '../numeric/index.js';
import type { Counts, Measured } from './metric.js';

/** The metric of a resample, whichever way it is given; undefined where it has none. */
export function resampleFunction({ resample, margins }: Measured): ((counts: Counts) => number) | undefined {
  return margins === undefined ? resample : (counts) => margins.value(margins.of(counts));
}

/** The distribution of each metric over the same resamples, ascending, undefined values left out. */
export function resampleAll(metrics: readonly Measured[], options: ResampleOptions): Float64Array[] {
  const distributions = metrics.map(() => new Float64Array(options.resamples));
  const sizes = new Int32Array(metrics.length);
  const matrices = new Set(metrics.flatMap(({ margins }) => margins?.of ?? []));
  forEachResample(options, (counts) => {
    const summaries = new Map([...matrices].map((of) => [of, of(counts)]));
    metrics.forEach(({ resample, margins }, m) => {
      const value = margins === undefined ? resample!(counts) : margins.value(summaries.get(margins.of)!);
      if (!Number.isNaN(value)) distributions[m][sizes[m]++] = value;
    });
  });
  return distributions.map((values, m) => values.subarray(0, sizes[m]).sort());
}

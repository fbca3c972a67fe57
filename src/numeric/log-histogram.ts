/**
 * Counts of positive numbers by the power of {@link GROWTH} that they reach: mergeable by addition, each number known to
 * within 1 % (Masson, Rim and Lee, DDSketch, 2019). Keys are bucket numbers as text, so that a histogram is JSON as it is; what is 0
 * or less is counted at `min`.
 */
export type LogHistogram = Readonly<Record<string, number>>;

/** Ratio of the bounds of a bucket. */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
const LEAST = 'min';

/** The bucket of a number: (GROWTH^(k - 1), GROWTH^k]. */
export function logBucket(value: number): string {
  return value > 0 ? String(Math.ceil(Math.log(value) / LOG_GROWTH)) : LEAST;
}

/** The sum of two histograms; weights may be negative, buckets that come to 0 are left out. */
export function addHistograms(a: LogHistogram, b: LogHistogram): LogHistogram {
  const total = { ...a };
  addHistogramTo(total, b);
  return total;
}

/** Adds a histogram to another, in place. */
export function addHistogramTo(total: Record<string, number>, added: LogHistogram): void {
  for (const bucket in added) {
    const next = (total[bucket] ?? 0) + (added[bucket] ?? 0);
    if (next === 0) delete total[bucket];
    else total[bucket] = next;
  }
}

/** The quantile at `p`, 0 to 1, to within 1 % of itself; NaN of no numbers. */
export function histogramQuantile(histogram: LogHistogram, p: number): number {
  const buckets = ordered(histogram);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return Number.NaN;
  let below = 0;
  for (const [bucket, count] of buckets) {
    below += count;
    if (below >= p * total) return middle(bucket);
  }
  return middle(buckets[buckets.length - 1][0]);
}

/** How many numbers are above a bound, each taken as the middle of its bucket. */
export function countAbove(histogram: LogHistogram, bound: number): number {
  return ordered(histogram).reduce((sum, [bucket, count]) => (middle(bucket) > bound ? sum + count : sum), 0);
}

/** The sum of the numbers, each taken as the middle of its bucket. */
export function histogramSum(histogram: LogHistogram): number {
  return Object.entries(histogram).reduce((sum, [bucket, count]) => sum + count * middle(bucket), 0);
}

const power = (bucket: string): number => (bucket === LEAST ? -Infinity : Number(bucket));
const middle = (bucket: string): number => (bucket === LEAST ? 0 : (2 * GROWTH ** power(bucket)) / (1 + GROWTH));
const ordered = (histogram: LogHistogram): [string, number][] =>
  Object.entries(histogram).sort(([a], [b]) => power(a) - power(b));

import { BINS, type Histogram } from '../observe/histogram.js';

/** How the range of an activation follows from what was seen of it. */
export const RANGE_METHODS = ['min-max', 'percentile', 'entropy', 'mse'] as const;
export type RangeMethod = (typeof RANGE_METHODS)[number];

/** Values that 8 bits are spread over; 0 lies inside. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Share of the values that `percentile` keeps inside. */
const KEPT = 0.9999;

/** Levels of 8 bits. */
const LEVELS = 255;

/**
 * The range of an activation:
 *
 * - `min-max`: all that was seen;
 * - `percentile`: but for the outermost 0.01 %;
 * - `entropy`: the clipping whose 8-bit distribution is nearest to the seen one (Kullback-Leibler; Migacz, 8-bit
 *   Inference with TensorRT, 2017);
 * - `mse`: the clipping with the least expected squared error of rounding and clipping together.
 */
export function rangeOf(histogram: Histogram, method: RangeMethod, symmetric = false): Range {
  if (histogram.total === 0 || histogram.reach === 0) return { low: 0, high: 0 };
  const seen = withZero({ low: histogram.low, high: histogram.high });
  const range = METHODS[method](histogram, seen);
  const inside = withZero({ low: Math.max(range.low, seen.low), high: Math.min(range.high, seen.high) });
  if (!symmetric) return inside;
  const reach = Math.max(-inside.low, inside.high);
  return { low: -reach, high: reach };
}

const METHODS: Readonly<Record<RangeMethod, (histogram: Histogram, seen: Range) => Range>> = {
  'min-max': (_, seen) => seen,
  percentile: (histogram) => ({ low: histogram.quantile((1 - KEPT) / 2), high: histogram.quantile((1 + KEPT) / 2) }),
  entropy: entropyRange,
  mse: leastError,
};

const withZero = ({ low, high }: Range): Range => ({ low: Math.min(0, low), high: Math.max(0, high) });

/** Both ends shrunk together, then each alone, as long as the error falls. */
function leastError(histogram: Histogram, seen: Range): Range {
  const bins = occupied(histogram);
  let best = seen;
  let least = squaredError(bins, seen);
  const tryRange = (range: Range): void => {
    const error = squaredError(bins, range);
    if (error < least) [least, best] = [error, range];
  };
  for (let share = 0.98; share > 0.2; share -= 0.02) tryRange({ low: seen.low * share, high: seen.high * share });
  const together = best;
  for (const factor of [0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2]) {
    tryRange({ low: Math.max(seen.low, together.low * factor), high: best.high });
  }
  const { low } = best;
  for (const factor of [0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2]) {
    tryRange({ low, high: Math.min(seen.high, together.high * factor) });
  }
  return best;
}

interface Bins {
  readonly centers: Float64Array;
  readonly counts: Float64Array;
}

function occupied(histogram: Histogram): Bins {
  const bins = Array.from({ length: BINS }, (_, bin) => bin).filter((bin) => histogram.counts[bin] > 0);
  return {
    centers: Float64Array.from(bins, (bin) => histogram.center(bin)),
    counts: Float64Array.from(bins, (bin) => histogram.counts[bin]),
  };
}

/** Sum over the bins of count (q(x) - x)^2, where inside the range q rounds: step^2 / 12 in the mean. */
function squaredError({ centers, counts }: Bins, { low, high }: Range): number {
  const step = (high - low) / LEVELS;
  if (step === 0) return Number.POSITIVE_INFINITY;
  const rounding = (step * step) / 12;
  let error = 0;
  for (let i = 0; i < centers.length; i++) {
    const x = centers[i];
    const outside = x < low ? low - x : x > high ? x - high : 0;
    error += counts[i] * (outside === 0 ? rounding : outside * outside);
  }
  return error;
}

/** Levels of a magnitude. */
const MAGNITUDE_LEVELS = 128;
/** Values that a bin of magnitudes should hold in the mean, so that its count says something. */
const VALUES_PER_BIN = 8;

function entropyRange(histogram: Histogram, seen: Range): Range {
  const bins = Math.min(BINS / 2, 2 ** Math.floor(Math.log2(histogram.total / VALUES_PER_BIN)));
  // So few values say nothing of how they are distributed.
  if (!(bins > MAGNITUDE_LEVELS)) return seen;
  const counts = new Float64Array(bins);
  const merged = BINS / 2 / bins;
  for (let bin = 0; bin < BINS; bin++) {
    const magnitude = bin < BINS / 2 ? BINS / 2 - 1 - bin : bin - BINS / 2;
    counts[Math.floor(magnitude / merged)] += histogram.counts[bin];
  }
  let best = bins;
  let least = Number.POSITIVE_INFINITY;
  const filled = counts.findLastIndex((count) => count > 0) + 1;
  // Neighbouring clippings hardly differ.
  const step = Math.max(1, bins / 512);
  for (let kept = MAGNITUDE_LEVELS; kept <= Math.max(filled, MAGNITUDE_LEVELS); kept += step) {
    const divergence = divergenceOf(counts, kept);
    if (divergence < least) [least, best] = [divergence, kept];
  }
  const threshold = (best * histogram.reach) / bins;
  return { low: Math.max(seen.low, -threshold), high: Math.min(seen.high, threshold) };
}

/** KL(p || q) of the first `kept` bins with the rest clipped onto the last, and the same in 128 levels. */
function divergenceOf(counts: Float64Array, kept: number): number {
  const p = counts.slice(0, kept);
  for (let bin = kept; bin < counts.length; bin++) p[kept - 1] += counts[bin];
  const q = new Float64Array(kept);
  for (let level = 0; level < MAGNITUDE_LEVELS; level++) {
    const from = Math.floor((level * kept) / MAGNITUDE_LEVELS);
    const to = Math.floor(((level + 1) * kept) / MAGNITUDE_LEVELS);
    let sum = 0;
    let filled = 0;
    for (let bin = from; bin < to; bin++) {
      // What is clipped is not part of q: that is how clipping costs.
      sum += counts[bin];
      if (counts[bin] > 0) filled++;
    }
    for (let bin = from; bin < to; bin++) if (counts[bin] > 0) q[bin] = sum / filled;
  }
  const [allP, allQ] = [total(p), total(q)];
  if (allQ === 0) return Number.POSITIVE_INFINITY;
  let divergence = 0;
  let filled = 0;
  for (let bin = 0; bin < kept; bin++) {
    if (p[bin] === 0) continue;
    filled++;
    divergence += (p[bin] / allP) * Math.log(p[bin] / allP / Math.max(q[bin] / allQ, 1e-12));
  }
  // Counts of few values differ from bin to bin by chance alone, which would speak for clipping: its expectation goes off.
  return divergence - Math.max(0, filled - MAGNITUDE_LEVELS) / (2 * allP);
}

function total(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

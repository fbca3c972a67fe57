/**
 * Tests and intervals for the mean of bounded values that stay valid however often they are looked at.
 *
 * Of x in [0, 1] with E[x | past] <= mu, a gambler who stakes the share c of what he has on "x is above mu" holds, after many
 * values, the product of (1 - c + c x / mu): a supermartingale that begins at 1, so that it ever reaches 1 / alpha with
 * probability at most alpha (Ville). Here a fixed mixture of stakes plays: what it holds depends on how often each value came
 * and on nothing else, so counts are the whole state of a test.
 *
 * Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 86 (2024), 1-27.
 */

/** How often each value came: value in [0, 1] -> count. */
export type ValueCounts = ReadonlyMap<number, number>;

/** Shares that are staked, in equal parts: from one that suits an effect of a thousandth to nearly all. */
export const STAKES: readonly number[] = Array.from({ length: 12 }, (_, i) => 0.003 * (0.95 / 0.003) ** (i / 11));

/** Logarithms of what one value makes of each stake, with mean at most `mean` under the hypothesis. */
export function logGains(value: number, mean: number): Float64Array {
  return Float64Array.from(STAKES, (stake) => Math.log(1 - stake + (stake * value) / mean));
}

/** log of the mixture's capital, of the logarithms of each stake's. */
export function mixed(logs: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logs.length; i++) largest = Math.max(largest, logs[i]);
  let sum = 0;
  for (let i = 0; i < logs.length; i++) sum += Math.exp(logs[i] - largest);
  return largest + Math.log(sum / logs.length);
}

/**
 * log of the evidence against "the mean is at most `mean`": rejected at level alpha as soon as it reaches log(1 / alpha), at
 * any number of looks.
 *
 * @param mean in (0, 1]
 */
export function logEvidenceAbove(counts: ValueCounts, mean: number): number {
  const logs = new Float64Array(STAKES.length);
  for (const [value, count] of counts) {
    for (let i = 0; i < logs.length; i++) logs[i] += count * Math.log(1 - STAKES[i] + (STAKES[i] * value) / mean);
  }
  return mixed(logs);
}

/** log of the evidence against "the mean is at least `mean`". @param mean in [0, 1) */
export function logEvidenceBelow(counts: ValueCounts, mean: number): number {
  return logEvidenceAbove(mirrored(counts), 1 - mean);
}

/**
 * A confidence sequence for the mean: with probability 1 - alpha, the intervals after every number of values cover it, all at
 * once.
 */
export function meanSequence(counts: ValueCounts, alpha: number): [number, number] {
  const upper = 1 - lowerBound(mirrored(counts), alpha / 2);
  return [Math.min(lowerBound(counts, alpha / 2), upper), upper];
}

/** The largest mean of which "it is at most this" is rejected at level alpha; 0 where there is none. */
export function lowerBound(counts: ValueCounts, alpha: number): number {
  let total = 0;
  let sum = 0;
  for (const [value, count] of counts) {
    total += count;
    sum += value * count;
  }
  if (sum === 0) return 0;
  // The evidence falls with the mean that is tested: by bisection, from 0 to what was seen.
  let [low, high] = [0, sum / total];
  const least = Math.log(1 / alpha);
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (middle === 0) return 0;
    if (logEvidenceAbove(counts, middle) >= least) low = middle;
    else high = middle;
  }
  return low;
}

/** To 1e-9 of the range. */
const BISECTIONS = 30;

function mirrored(counts: ValueCounts): Map<number, number> {
  return new Map([...counts].map(([value, count]) => [1 - value, count]));
}

/**
 * A confidence sequence for a quantile of values that are counted in ordered buckets. "The quantile lies in bucket i" says that
 * the share of values up to it is at least p, and below it at most p: each is the mean of ones and zeros, tested by betting.
 *
 * Source of the idea, that a fixed quantile needs only the test of one share: Howard and Ramdas, Sequential estimation of
 * quantiles with applications to A/B testing and best-arm identification, Bernoulli 28 (2022), 1704-1728.
 *
 * @param counts of each bucket, in order
 * @param p in (0, 1)
 * @returns first and last bucket that may hold the quantile; undefined without values
 */
export function quantileSequence(counts: readonly number[], p: number, alpha: number): [number, number] | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const least = Math.log(2 / alpha);
  const share = (upTo: number): Map<number, number> =>
    new Map([
      [1, upTo],
      [0, total - upTo],
    ]);
  let first: number | undefined;
  let last = counts.length - 1;
  let below = 0;
  for (let i = 0; i < counts.length; i++) {
    const upTo = below + counts[i];
    // Too few values up to here for the quantile to be here or earlier.
    if (first === undefined && logEvidenceBelow(share(upTo), p) < least) first = i;
    // Too many values before here for the quantile to be here or later.
    if (first !== undefined && logEvidenceAbove(share(below), p) >= least) {
      last = i - 1;
      break;
    }
    below = upTo;
  }
  return [first ?? counts.length - 1, Math.max(last, first ?? 0)];
}

/** The binomial distribution. */
import { binomialDensity, incompleteBeta } from '../incomplete-beta.js';

/** P(X = k) of k successes in n trials with probability p each. */
export function binomialPmf(k: number, n: number, p: number): number {
  if (!(n >= 0 && p >= 0 && p <= 1)) return Number.NaN;
  if (k < 0 || k > n || !Number.isInteger(k)) return 0;
  return n === 0 ? 1 : binomialDensity(k, n - k, p, 1 - p);
}

/** P(X <= k). */
export function binomialCdf(k: number, n: number, p: number): number {
  return tails(k, n, p).lower;
}

/** P(X > k). */
export function binomialSf(k: number, n: number, p: number): number {
  return tails(k, n, p).upper;
}

/** The smallest k with P(X <= k) >= probability, by bisection. */
export function binomialQuantile(probability: number, n: number, p: number): number {
  if (!(probability >= 0 && probability <= 1 && n >= 0 && p >= 0 && p <= 1)) return Number.NaN;
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (binomialCdf(middle, n, p) >= probability) high = middle;
    else low = middle + 1;
  }
  return low;
}

function tails(k: number, n: number, p: number): { lower: number; upper: number } {
  if (!(n >= 0 && p >= 0 && p <= 1)) return { lower: Number.NaN, upper: Number.NaN };
  const successes = Math.floor(k);
  if (successes < 0) return { lower: 0, upper: 1 };
  if (successes >= n) return { lower: 1, upper: 0 };
  return incompleteBeta(1 - p, p, n - successes, successes + 1);
}

/** The regularized incomplete beta function, precise in both tails. */
import { deviance, stirlingError, type Tails } from './gamma-function.js';

/**
 * Gamma(n + 1) / (Gamma(k + 1) Gamma(n - k + 1)) p^k q^(n - k) for real k, n - k >= 0, with q = 1 - p given so that it
 * keeps its digits (Loader 2000).
 */
export function binomialDensity(k: number, rest: number, p: number, q: number): number {
  const n = k + rest;
  if (p === 0) return k === 0 ? 1 : 0;
  if (q === 0) return rest === 0 ? 1 : 0;
  if (k === 0) return Math.exp(-deviance(0, n * p) - deviance(n, n * q));
  if (rest === 0) return Math.exp(-deviance(0, n * q) - deviance(n, n * p));
  const exponent =
    stirlingError(n) - stirlingError(k) - stirlingError(rest) - deviance(k, n * p) - deviance(rest, n * q);
  // k / n * rest in this order: the product k * rest may overflow or underflow.
  return Math.exp(exponent) / Math.sqrt(2 * Math.PI * (k / n) * rest);
}

/**
 * I_x(a, b) as `lower` and I_y(b, a) as `upper`, where y = 1 - x is passed as well: whoever knows x near 1 knows y
 * better than 1 - x does. a, b > 0.
 */
export function incompleteBeta(x: number, y: number, a: number, b: number): Tails {
  if (!(a > 0 && b > 0) || Number.isNaN(x) || Number.isNaN(y)) return { lower: Number.NaN, upper: Number.NaN };
  if (x <= 0) return { lower: 0, upper: 1 };
  if (y <= 0) return { lower: 1, upper: 0 };
  // x^a y^b / B(a, b)
  const density = ((binomialDensity(a, b, x, y) * a) / (a + b)) * b;
  if (x < (a + 1) / (a + b + 2)) {
    const lower = Math.min(1, density / betaFraction(x, y, a, b));
    return { lower, upper: 1 - lower };
  }
  const upper = Math.min(1, density / betaFraction(y, x, b, a));
  return { lower: 1 - upper, upper };
}

/**
 * The even part of the continued fraction DLMF 8.17.22 in the form of DiDonato & Morris (ACM TOMS 708, 1992), by Lentz's
 * method. It takes both x and y = 1 - x: near x = 1 the plain form cancels.
 */
function betaFraction(x: number, y: number, a: number, b: number): number {
  const tiny = 1e-300;
  let fraction = (a * (a * y - b * x + 1)) / (a + 1);
  let c = fraction;
  let d = 0;
  for (let m = 1; m < 1_000_000; m++) {
    const even = a + 2 * m;
    const numerator = ((a + m - 1) / (even - 1)) * ((a + b + m - 1) / (even - 1)) * m * (b - m) * x * x;
    const term = m + (m * (b - m) * x) / (even - 1) + ((a + m) * (a * y - b * x + 1 + m * (1 + y))) / (even + 1);
    d = term + numerator * d;
    if (Math.abs(d) < tiny) d = tiny;
    d = 1 / d;
    c = term + numerator / c;
    if (Math.abs(c) < tiny) c = tiny;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 2e-16) break;
  }
  return fraction;
}

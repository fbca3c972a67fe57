/** The chi-square distribution. */
import { incompleteGamma, poissonDensity } from '../gamma-function.js';
import { invert } from '../invert.js';

/** P(X <= x) with `df` > 0 degrees of freedom. */
export function chiSquareCdf(x: number, df: number): number {
  return incompleteGamma(df / 2, x / 2).lower;
}

/** P(X > x). */
export function chiSquareSf(x: number, df: number): number {
  return incompleteGamma(df / 2, x / 2).upper;
}

/** The x with P(X <= x) = p. */
export function chiSquareQuantile(p: number, df: number): number {
  if (!(p >= 0 && p <= 1 && df > 0)) return Number.NaN;
  if (p === 0) return 0;
  if (p === 1) return Number.POSITIVE_INFINITY;
  const shape = df / 2;
  const logHalf = invert(
    p,
    1 - p,
    (u) => incompleteGamma(shape, Math.exp(u)),
    (u) => poissonDensity(shape, Math.exp(u)) * shape,
    Math.log(shape),
  );
  return 2 * Math.exp(logHalf);
}

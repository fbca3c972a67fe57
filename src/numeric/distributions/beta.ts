/** The beta distribution on [0, 1]. */
import { binomialDensity, incompleteBeta } from '../incomplete-beta.js';
import { invert } from '../invert.js';

/** P(X <= x) for X ~ Beta(a, b): the regularized incomplete beta function I_x(a, b). */
export function betaCdf(x: number, a: number, b: number): number {
  return incompleteBeta(x, 1 - x, a, b).lower;
}

/** P(X > x). */
export function betaSf(x: number, a: number, b: number): number {
  return incompleteBeta(x, 1 - x, a, b).upper;
}

/** The x with P(X <= x) = p. */
export function betaQuantile(p: number, a: number, b: number): number {
  return logistic(betaLogitQuantile(p, 1 - p, a, b));
}

/**
 * ln(x / (1 - x)) of the quantile whose lower part is p and upper part q = 1 - p. On this scale neither end of [0, 1]
 * loses digits; Student's t and Fisher's F quantiles are read off it.
 */
export function betaLogitQuantile(p: number, q: number, a: number, b: number): number {
  if (!(p >= 0 && q >= 0 && a > 0 && b > 0)) return Number.NaN;
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (q === 0) return Number.POSITIVE_INFINITY;
  return invert(
    p,
    q,
    (u) => incompleteBeta(logistic(u), logistic(-u), a, b),
    // dI/du = x^a y^b / B(a, b), and binomialDensity is that times (a + b) / (a b).
    (u) => ((binomialDensity(a, b, logistic(u), logistic(-u)) * a) / (a + b)) * b,
    Math.log(a / b),
  );
}

function logistic(u: number): number {
  return u >= 0 ? 1 / (1 + Math.exp(-u)) : Math.exp(u) / (1 + Math.exp(u));
}

/** Student's t distribution. */
import { incompleteBeta } from '../incomplete-beta.js';
import { betaLogitQuantile } from './beta.js';

/** P(T <= t) with `df` > 0 degrees of freedom. */
export function studentTCdf(t: number, df: number): number {
  const square = t * t;
  const total = df + square;
  // I_{df / (df + t^2)}(df / 2, 1 / 2) is P(|T| > |t|). An infinite square is the far tail, not 0/0.
  const outside =
    square === Number.POSITIVE_INFINITY ? 0 : incompleteBeta(df / total, square / total, df / 2, 0.5).lower;
  return t > 0 ? 1 - outside / 2 : outside / 2;
}

/** P(T > t). */
export function studentTSf(t: number, df: number): number {
  return studentTCdf(-t, df);
}

/** The t with P(T <= t) = p. */
export function studentTQuantile(p: number, df: number): number {
  if (!(p >= 0 && p <= 1 && df > 0)) return Number.NaN;
  if (p === 0.5) return 0;
  const tail = Math.min(p, 1 - p);
  if (tail === 0) return p === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  // With x = df / (df + t^2): t^2 = df (1 - x) / x.
  const size = Math.sqrt(df) * Math.exp(-0.5 * betaLogitQuantile(2 * tail, 1 - 2 * tail, df / 2, 0.5));
  return p < 0.5 ? -size : size;
}

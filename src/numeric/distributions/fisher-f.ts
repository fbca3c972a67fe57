/** Fisher's F distribution. */
import { incompleteBeta } from '../incomplete-beta.js';
import { betaLogitQuantile } from './beta.js';

/** P(X <= x) for the ratio of two mean squares with `df1` and `df2` degrees of freedom. */
export function fisherFCdf(x: number, df1: number, df2: number): number {
  return tails(x, df1, df2).lower;
}

/** P(X > x). */
export function fisherFSf(x: number, df1: number, df2: number): number {
  return tails(x, df1, df2).upper;
}

/** The x with P(X <= x) = p. */
export function fisherFQuantile(p: number, df1: number, df2: number): number {
  return (df2 / df1) * Math.exp(betaLogitQuantile(p, 1 - p, df1 / 2, df2 / 2));
}

function tails(x: number, df1: number, df2: number): { lower: number; upper: number } {
  if (x <= 0) return { lower: 0, upper: 1 };
  if (x === Number.POSITIVE_INFINITY) return { lower: 1, upper: 0 };
  const total = df1 * x + df2;
  return incompleteBeta((df1 * x) / total, df2 / total, df1 / 2, df2 / 2);
}

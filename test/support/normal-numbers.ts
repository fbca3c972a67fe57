import { expect } from 'vitest';
import { normalCdf } from '../../src/numeric/distributions/normal.js';

/**
 * Numbers that should be independent draws of a normal distribution: moments within five standard errors, the
 * Kolmogorov-Smirnov distance within what passes 999 times in 1,000, and no correlation at the given distances.
 */
export function expectNormal(
  values: readonly number[],
  { mean, deviation, lags = [1] }: { mean: number; deviation: number; lags?: readonly number[] },
): void {
  const z = values.map((value) => (value - mean) / deviation);
  const count = z.length;
  const average = z.reduce((a, b) => a + b) / count;
  const variance = z.reduce((sum, v) => sum + v * v, 0) / count;
  expect(Math.abs(average)).toBeLessThan(5 / Math.sqrt(count));
  expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
  const distance = z
    .toSorted((a, b) => a - b)
    .reduce((most, v, i) => Math.max(most, Math.abs(normalCdf(v) - (i + 0.5) / count)), 0);
  expect(distance * Math.sqrt(count)).toBeLessThan(1.95);
  for (const lag of lags) {
    const correlation = z.slice(lag).reduce((sum, v, i) => sum + v * z[i], 0) / count;
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(count));
  }
}

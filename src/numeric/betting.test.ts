import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { logEvidenceAbove, logEvidenceBelow, lowerBound, meanSequence, quantileSequence, STAKES } from './betting.js';
import { derive } from './random.js';

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly mean: number;
    readonly counts: readonly (readonly [value: number, count: number])[];
    /** By hedged capital, and for shares by a Beta mixture: two other valid confidence sequences at 95 %. */
    readonly betting: readonly [number, number];
    readonly mixture?: readonly [number, number];
  }[];
}
const golden = JSON.parse(readFileSync(new URL('./goldens/betting.json', import.meta.url), 'utf8')) as Golden;

describe('betting on means', () => {
  test.each(golden.cases)('agrees with the sequences of ville, and is about as narrow: $name', (each) => {
    const [low, high] = meanSequence(new Map(each.counts), 0.05);
    expect(low).toBeLessThan(each.mean);
    expect(high).toBeGreaterThan(each.mean);
    for (const [otherLow, otherHigh] of [each.betting, ...(each.mixture === undefined ? [] : [each.mixture])]) {
      // Both hold at any time with the same probability: they differ by the bets, not by much.
      expect(Math.max(low, otherLow)).toBeLessThan(Math.min(high, otherHigh));
      expect((high - low) / (otherHigh - otherLow)).toBeLessThan(1.25);
      expect((high - low) / (otherHigh - otherLow)).toBeGreaterThan(0.75);
    }
  });

  test('a mixture of stakes is a martingale under the mean: its expectation over a Bernoulli value is 1', () => {
    for (const mean of [0.01, 0.3, 0.97]) {
      const capital = (value: number) => Math.exp(logEvidenceAbove(new Map([[value, 1]]), mean));
      expect(mean * capital(1) + (1 - mean) * capital(0)).toBeCloseTo(1, 12);
    }
  });

  test('both directions mirror each other', () => {
    const counts = new Map([
      [0, 30],
      [0.5, 7],
      [1, 12],
    ]);
    const mirrored = new Map([...counts].map(([value, count]) => [1 - value, count]));
    expect(logEvidenceBelow(counts, 0.6)).toBeCloseTo(logEvidenceAbove(mirrored, 0.4), 12);
    const [low, high] = meanSequence(counts, 0.05);
    const [mirroredLow, mirroredHigh] = meanSequence(mirrored, 0.05);
    expect([1 - mirroredHigh, 1 - mirroredLow]).toEqual([expect.closeTo(low, 6), expect.closeTo(high, 6)]);
  });

  test('the bound is where the evidence is just enough', () => {
    const counts = new Map([
      [1, 40],
      [0, 60],
    ]);
    const bound = lowerBound(counts, 0.025);
    expect(logEvidenceAbove(counts, bound - 1e-6)).toBeGreaterThan(Math.log(40));
    expect(logEvidenceAbove(counts, bound + 1e-6)).toBeLessThan(Math.log(40));
    expect(lowerBound(new Map([[0, 10]]), 0.05)).toBe(0);
    expect(meanSequence(new Map(), 0.05)).toEqual([0, 1]);
    expect(STAKES.every((stake) => stake > 0 && stake < 1)).toBe(true);
  });

  test('a quantile of counted buckets', () => {
    const random = derive(2, 'quantiles');
    const counts = new Array<number>(100).fill(0);
    for (let n = 0; n < 20_000; n++) counts[Math.floor(random.uniform() * 100)]++;
    const [first, last] = quantileSequence(counts, 0.9, 0.05) ?? [0, 0];
    expect(first).toBeLessThanOrEqual(90);
    expect(last).toBeGreaterThanOrEqual(89);
    expect(last - first).toBeLessThan(5);
    expect(quantileSequence([0, 0], 0.5, 0.05)).toBeUndefined();
    expect(quantileSequence([3, 0, 2], 0.5, 0.05)).toEqual([0, 2]);
  });
});

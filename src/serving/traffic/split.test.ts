import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TrafficShare } from '../../store/index.js';
import { placeOfKey, versionAt } from './split.js';

const split = (candidate: number): TrafficShare[] => [
  { version: 1, role: 'live', weight: 1 - candidate },
  { version: 2, role: 'candidate', weight: candidate },
  { version: 3, role: 'shadow', weight: 1 },
];

describe('the split of traffic', () => {
  test('gives each version its share of the keys (chi-square, one degree of freedom)', () => {
    const keys = 100_000;
    for (const share of [0.05, 0.5]) {
      let candidates = 0;
      for (let i = 0; i < keys; i++) {
        candidates += Number(versionAt(split(share), placeOfKey('model', `user-${i}`))?.version === 2);
      }
      const expected = keys * share;
      const statistic = (candidates - expected) ** 2 / (expected * (1 - share));
      // 0.999 quantile.
      expect(statistic, String(share)).toBeLessThan(10.83);
    }
  });

  test('keeps with a candidate whom it had while its share grows, and never asks a shadow to answer', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (key, a, b) => {
          const place = placeOfKey('model', key);
          const [small, large] = a < b ? [a, b] : [b, a];
          const before = versionAt(split(small), place)?.version;
          const after = versionAt(split(large), place)?.version;
          expect([1, 2]).toContain(before);
          if (before === 2) expect(after).toBe(2);
        },
      ),
    );
  });

  test('of one model tells nothing of another', () => {
    const both = Array.from({ length: 10_000 }, (_, i) => String(i)).filter(
      (key) => placeOfKey('a', key) < 0.1 && placeOfKey('b', key) < 0.1,
    );
    // 100 expected, standard deviation 10.
    expect(Math.abs(both.length - 100)).toBeLessThan(40);
  });
});

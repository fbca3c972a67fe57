import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sobolPoint } from './sobol.js';

const golden = JSON.parse(readFileSync(new URL('./goldens/scipy.json', import.meta.url), 'utf8')) as {
  sobol: number[][];
};

describe('Sobol’s sequence', () => {
  test('is that of scipy in all 64 dimensions', () => {
    expect(golden.sobol.map((_, i) => [...sobolPoint(i, 64)])).toEqual(golden.sobol);
  });

  test('keeps its evenness under the shift of a seed: one point in each of 16 strips of every dimension', () => {
    const points = Array.from({ length: 16 }, (_, i) => sobolPoint(i, 8, 7));
    for (let d = 0; d < 8; d++) {
      expect(new Set(points.map((point) => Math.floor(16 * point[d]))).size).toBe(16);
    }
  });

  test('refuses more dimensions than it knows', () => {
    expect(() => sobolPoint(0, 65)).toThrow(/64 dimensions/);
  });
});

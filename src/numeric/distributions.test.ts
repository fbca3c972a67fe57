import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaCdf, betaQuantile, betaSf } from './distributions/beta.js';
import { binomialCdf, binomialPmf, binomialQuantile, binomialSf } from './distributions/binomial.js';
import { chiSquareCdf, chiSquareQuantile, chiSquareSf } from './distributions/chi-square.js';
import { fisherFCdf, fisherFQuantile, fisherFSf } from './distributions/fisher-f.js';
import { kolmogorovCdf, kolmogorovSf } from './distributions/kolmogorov.js';
import { normalCdf, normalQuantile, normalSf } from './distributions/normal.js';
import { studentTCdf, studentTQuantile, studentTSf } from './distributions/student-t.js';
import { logGamma } from './gamma-function.js';

const FUNCTIONS: Record<string, (...args: number[]) => number> = {
  betaCdf: (x, a, b) => betaCdf(x!, a!, b!),
  betaQuantile: (p, a, b) => betaQuantile(p!, a!, b!),
  betaSf: (x, a, b) => betaSf(x!, a!, b!),
  binomialCdf: (k, n, p) => binomialCdf(k!, n!, p!),
  binomialPmf: (k, n, p) => binomialPmf(k!, n!, p!),
  binomialQuantile: (q, n, p) => binomialQuantile(q!, n!, p!),
  binomialSf: (k, n, p) => binomialSf(k!, n!, p!),
  chiSquareCdf: (x, df) => chiSquareCdf(x!, df!),
  chiSquareQuantile: (p, df) => chiSquareQuantile(p!, df!),
  chiSquareSf: (x, df) => chiSquareSf(x!, df!),
  fisherFCdf: (x, a, b) => fisherFCdf(x!, a!, b!),
  fisherFQuantile: (p, a, b) => fisherFQuantile(p!, a!, b!),
  fisherFSf: (x, a, b) => fisherFSf(x!, a!, b!),
  kolmogorovCdf: (x) => kolmogorovCdf(x!),
  kolmogorovSf: (x) => kolmogorovSf(x!),
  logGamma: (x) => logGamma(x!),
  normalCdf: (z) => normalCdf(z!),
  normalQuantile: (p) => normalQuantile(p!),
  normalSf: (z) => normalSf(z!),
  studentTCdf: (t, df) => studentTCdf(t!, df!),
  studentTQuantile: (p, df) => studentTQuantile(p!, df!),
  studentTSf: (t, df) => studentTSf(t!, df!),
};

type Row = [name: string, args: number[], value: number];
const golden = JSON.parse(readFileSync(new URL('./goldens/distributions.json', import.meta.url), 'utf8')) as {
  rows: Row[];
};

describe('distributions against scipy and mpmath', () => {
  for (const [name, compute] of Object.entries(FUNCTIONS)) {
    const rows = golden.rows.filter((row) => row[0] === name);
    it(`${name}: ${rows.length} values to 1e-10`, () => {
      expect(rows.length).toBeGreaterThan(5);
      const wrong = rows
        .map(([, args, value]) => ({ args, value, ours: compute(...args) }))
        .filter(
          ({ value, ours }) =>
            !(
              Math.abs(ours - value) <= 1e-10 * Math.abs(value) || Math.abs(ours - value) < 1e-15 * Number(value === 0)
            ),
        );
      expect(wrong).toEqual([]);
    });
  }
});

describe('distributions', () => {
  it('keeps the far normal tail', () => {
    expect(normalCdf(-10)).toBeCloseTo(7.61985302416052e-24, 35);
    expect(normalSf(10)).toBe(normalCdf(-10));
    expect(normalQuantile(normalCdf(-30))).toBeCloseTo(-30, 10);
  });

  it('has quantiles at the ends of the support', () => {
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
    expect(betaQuantile(0, 2, 3)).toBe(0);
    expect(betaQuantile(1, 2, 3)).toBe(1);
    expect(chiSquareQuantile(0, 3)).toBe(0);
    expect(fisherFQuantile(1, 3, 4)).toBe(Number.POSITIVE_INFINITY);
    expect(Number.isNaN(studentTQuantile(1.5, 3))).toBe(true);
  });

  it('inverts: cdf(quantile(p)) = p', () => {
    const p = fc.double({ min: 1e-12, max: 1 - 1e-9, noNaN: true });
    const shape = fc.double({ min: 0.3, max: 500, noNaN: true });
    fc.assert(
      fc.property(p, shape, shape, (probability, a, b) => {
        expect(normalCdf(normalQuantile(probability)) / probability).toBeCloseTo(1, 9);
        expect(studentTCdf(studentTQuantile(probability, a), a) / probability).toBeCloseTo(1, 9);
        expect(chiSquareCdf(chiSquareQuantile(probability, a), a) / probability).toBeCloseTo(1, 9);
        expect(fisherFCdf(fisherFQuantile(probability, a, b), a, b) / probability).toBeCloseTo(1, 8);
        expect(betaCdf(betaQuantile(probability, a, b), a, b)).toBeCloseTo(probability, 8);
      }),
      { numRuns: 200 },
    );
  });

  it('is monotone and complementary', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (x, y) => {
        const [low, high] = x < y ? [x, y] : [y, x];
        expect(betaCdf(low, 3, 0.7)).toBeLessThanOrEqual(betaCdf(high, 3, 0.7) + 1e-15);
        expect(betaCdf(x, 3, 0.7) + betaSf(x, 3, 0.7)).toBeCloseTo(1, 14);
        expect(kolmogorovCdf(x) + kolmogorovSf(x)).toBeCloseTo(1, 14);
      }),
    );
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { benjaminiHochberg } from './multiple-testing.js';
import { chiSquareTest, ksTwoSample } from './two-sample.js';

interface KsCase {
  a: number[];
  b: number[];
  statistic: number;
  pValue: number;
}
interface Goldens {
  ks: KsCase[];
  ksLarge: KsCase[];
  chiSquare: { table: number[][]; statistic: number; df: number; pValue: number; cramersV: number }[];
  benjaminiHochberg: { pValues: number[]; adjusted: number[] }[];
}
const goldens = JSON.parse(readFileSync(new URL('goldens/two-sample.json', import.meta.url), 'utf8')) as Goldens;

describe('ksTwoSample', () => {
  it.each([...goldens.ks.map((c) => ({ ...c, exact: true })), ...goldens.ksLarge.map((c) => ({ ...c, exact: false }))])(
    'agrees with scipy: $a.length and $b.length values, exact: $exact',
    ({ a, b, statistic, pValue, exact }) => {
      const result = ksTwoSample(a, b);
      expect(result.exact).toBe(exact);
      expect(result.statistic).toBeCloseTo(statistic, 12);
      expect(Math.abs(result.pValue - pValue)).toBeLessThanOrEqual(1e-12 + 1e-9 * pValue);
    },
  );

  it('is 1 for equal samples and NaN for none', () => {
    expect(ksTwoSample([1, 2, 3], [1, 2, 3])).toMatchObject({ statistic: 0, pValue: 1 });
    expect(ksTwoSample([], [1]).pValue).toBeNaN();
  });
});

describe('chiSquareTest', () => {
  it.each(goldens.chiSquare)('agrees with scipy: $table', ({ table, statistic, df, pValue, cramersV }) => {
    const result = chiSquareTest(table);
    expect(result.statistic).toBeCloseTo(statistic, 10);
    expect(result.degreesOfFreedom).toBe(df);
    expect(result.pValue).toBeCloseTo(pValue, 12);
    expect(result.cramersV).toBeCloseTo(cramersV, 12);
  });

  it('says nothing of a table with one column', () => {
    expect(chiSquareTest([[3], [4]])).toMatchObject({ degreesOfFreedom: 0, pValue: 1 });
  });
});

describe('benjaminiHochberg', () => {
  it.each(goldens.benjaminiHochberg)('agrees with scipy on $pValues.length p-values', ({ pValues, adjusted }) => {
    benjaminiHochberg(pValues).forEach((value, i) => {
      expect(value).toBeCloseTo(adjusted[i], 14);
    });
  });

  it('passes over tests that were not made', () => {
    expect(benjaminiHochberg([0.01, Number.NaN, 0.04])).toEqual([0.02, Number.NaN, 0.04]);
  });
});

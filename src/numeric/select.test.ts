import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantile } from './quantile.js';
import { quantilesInPlace, select } from './select.js';

/** Values with many ties and few, of lengths on both sides of the sampling threshold. */
const samples = fc
  .record({ length: fc.integer({ min: 1, max: 3000 }), distinct: fc.integer({ min: 1, max: 5000 }), salt: fc.nat() })
  .map(({ length, distinct, salt }) =>
    Float64Array.from({ length }, (_, i) => (Math.imul(i + salt, 0x9e3779b1) % distinct) + 0),
  );

describe('select', () => {
  it('finds the k-th smallest value and leaves the array partitioned around it', () => {
    fc.assert(
      fc.property(samples, fc.nat(), (values, pick) => {
        const k = pick % values.length;
        const sorted = values.slice().sort();
        expect(select(values, k)).toBe(sorted[k]);
        expect(values.slice(0, k).every((value) => value <= values[k])).toBe(true);
        expect(values.slice(k).every((value) => value >= values[k])).toBe(true);
        expect(values.slice().sort()).toEqual(sorted);
      }),
    );
  });
});

describe('quantilesInPlace', () => {
  it('equals the quantiles of the sorted sample', () => {
    fc.assert(
      fc.property(
        samples,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 4 }),
        (values, qs) => {
          const expected = qs.map((q) => quantile(values, q));
          expect(quantilesInPlace(values, qs)).toEqual(expected);
        },
      ),
    );
  });

  it('is NaN for nothing', () => {
    expect(quantilesInPlace(new Float32Array(0), [0.5])).toEqual([Number.NaN]);
  });
});

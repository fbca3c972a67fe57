import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allRows } from '../../test/support/tables.js';
import { createSampler, type Sampler } from './sampler.js';

const epochOf = (sampler: Sampler, epoch: number): number[][] => {
  const order = sampler.order(epoch);
  return Array.from({ length: sampler.batches }, (_, i) => Array.from(sampler.batch(order, i)));
};

describe('createSampler', () => {
  it('draws every row once an epoch, the last batch smaller', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(),
        (count, batchSize, epoch) => {
          const rows = allRows(count).map((row) => row * 3 + 1);
          const batches = epochOf(createSampler({ rows, batchSize, seed: 5 }), epoch);
          expect(batches.flat().sort((a, b) => a - b)).toEqual([...rows]);
          expect(batches.slice(0, -1).every((batch) => batch.length === batchSize)).toBe(true);
          expect(batches.at(-1)?.length).toBe(count % batchSize || batchSize);
        },
      ),
    );
  });

  it('is a function of seed and epoch alone', () => {
    const make = (seed: number): Sampler => createSampler({ rows: allRows(100), batchSize: 10, seed });
    const first = make(1);
    first.order(0);
    expect(epochOf(first, 7)).toEqual(epochOf(make(1), 7));
    expect(epochOf(make(1), 7)).not.toEqual(epochOf(make(1), 8));
    expect(epochOf(make(1), 7)).not.toEqual(epochOf(make(2), 7));
  });

  it('puts every row at every place equally often', () => {
    const sampler = createSampler({ rows: allRows(5), batchSize: 5, seed: 3 });
    const counts = new Float64Array(25);
    for (let epoch = 0; epoch < 5000; epoch++) {
      for (const [place, row] of sampler.order(epoch).entries()) counts[row * 5 + place]++;
    }
    // Chi-square with 16 degrees of freedom: above 39.3 with probability 0.001.
    expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(39.3);
  });

  it('draws classes equally often where asked, and rows of a class within one of each other', () => {
    const labels = Array.from({ length: 97 }, (_, i) => (i < 5 ? 2 : i < 20 ? 1 : 0));
    const rows = allRows(97);
    const sampler = createSampler({ rows, batchSize: 16, seed: 1, balance: labels });
    for (const epoch of [0, 1, 2]) {
      const order = [...sampler.order(epoch)];
      expect(order).toHaveLength(97);
      for (const label of [0, 1, 2]) {
        const ofClass = order.filter((row) => labels[row] === label);
        expect([32, 33]).toContain(ofClass.length);
        const counts = [...rows]
          .filter((row) => labels[row] === label)
          .map((row) => ofClass.filter((r) => r === row).length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }
    }
  });

  it('says what is wrong', () => {
    expect(() => createSampler({ rows: allRows(0), batchSize: 1, seed: 1 })).toThrow(/no row/);
    expect(() => createSampler({ rows: allRows(3), batchSize: 0, seed: 1 })).toThrow(/at least 1/);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derive } from '../../numeric/index.js';
import { drawBySize, inclusion } from './draw.js';
import { weightedShare } from './sample-estimate.js';

describe('drawBySize', () => {
  it('draws as many as asked, each with a probability that sums to them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 0, max: 1000 }),
        (sizes, count, seed) => {
          const wanted = Math.min(count, sizes.length);
          const probabilities = inclusion(sizes, wanted);
          expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(wanted, 6);
          const drawn = drawBySize(sizes, count, seed);
          expect(Math.abs(drawn.length - wanted)).toBeLessThanOrEqual(1);
          expect(new Set(drawn.map(({ place }) => place)).size).toBe(drawn.length);
        },
      ),
    );
  });

  it('draws each as often as its probability says, and estimates from it are unbiased', () => {
    const random = derive(3, 'draws');
    const sizes = Array.from({ length: 200 }, () => 0.2 + random.uniform() ** 4 * 10);
    const right = sizes.map((size): number => (random.uniform() < 1 / (1 + size) ? 1 : 0));
    const truth = right.reduce((sum, one: number) => sum + one, 0) / right.length;
    const rounds = 3000;
    const often = new Float64Array(200);
    let [sum, whole, covered] = [0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      const drawn = drawBySize(sizes, 60, round);
      for (const { place } of drawn) often[place]++;
      const { value, interval } = weightedShare(
        drawn.map(({ place, probability }) => ({ weight: 1 / probability, probability, right: right[place] })),
      );
      sum += value;
      whole += drawn.reduce((total, { place, probability }) => total + right[place] / probability, 0) / 200;
      if (interval[0] <= truth && truth <= interval[1]) covered++;
    }
    const probabilities = inclusion(sizes, 60);
    for (let place = 0; place < 200; place++) {
      const p = probabilities[place];
      expect(Math.abs(often[place] / rounds - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / rounds) + 1e-9);
    }
    // Horvitz and Thompson's is unbiased; a ratio to within 1 / rows.
    expect(Math.abs(whole / rounds - truth)).toBeLessThan(0.005);
    expect(Math.abs(sum / rounds - truth)).toBeLessThan(1 / 60);
    expect(covered / rounds).toBeGreaterThan(0.91);
  });
});

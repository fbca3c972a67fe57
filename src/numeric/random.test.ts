import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaCdf } from './distributions/beta.js';
import { chiSquareCdf, chiSquareSf } from './distributions/chi-square.js';
import { kolmogorovSf } from './distributions/kolmogorov.js';
import { normalCdf } from './distributions/normal.js';
import { incompleteGamma } from './gamma-function.js';
import { derive, deriveSeed, Random } from './random.js';

/** p-value of the one-sample Kolmogorov-Smirnov test with Stephens' small-sample factor. */
function uniformity(values: Float64Array): number {
  const n = values.length;
  values.sort();
  let distance = 0;
  for (let i = 0; i < n; i++) distance = Math.max(distance, values[i] - i / n, (i + 1) / n - values[i]);
  const root = Math.sqrt(n);
  return kolmogorovSf(distance * (root + 0.12 + 0.11 / root));
}

const draw = (n: number, next: () => number): Float64Array => Float64Array.from({ length: n }, next);

describe('Random', () => {
  it('repeats from its seed and labels, and from nothing less', () => {
    const a = derive(7, 'split', 1);
    const b = derive(7, 'split', 1);
    const sequence = Array.from({ length: 5 }, () => a.bits());
    expect(Array.from({ length: 5 }, () => b.bits())).toEqual(sequence);
    // The sequence is part of every stored run: it may never change.
    expect(sequence).toEqual([3636476937, 1044611058, 145655930, 989958788, 2908909167]);
    const words = new Uint32Array(5);
    const c = derive(7, 'split', 1);
    c.fillBits(words);
    expect([...words]).toEqual(sequence);
    expect(c.bits()).toBe(a.bits());
    for (const other of [
      derive(8, 'split', 1),
      derive(7, 'split', 2),
      derive(7, 'split', '1'),
      derive('7', 'split', 1),
      derive(7, 'split'),
    ]) {
      expect(other.bits()).not.toBe(sequence[0]);
    }
    expect(deriveSeed(7, 'a')).not.toBe(deriveSeed(7, 'b'));
  });

  it('continues from a saved state, through JSON', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(50), (seed, steps) => {
        const random = derive(seed);
        for (let i = 0; i < steps; i++) random.normal();
        const restored = Random.fromState(JSON.parse(JSON.stringify(random.state())) as number[]);
        const copy = random.clone();
        const next = [random.normal(), random.gamma(0.4), random.integer(9)];
        expect([restored.normal(), restored.gamma(0.4), restored.integer(9)]).toEqual(next);
        expect([copy.normal(), copy.gamma(0.4), copy.integer(9)]).toEqual(next);
      }),
      { numRuns: 50 },
    );
  });

  it('jumps away without moving', () => {
    const random = derive(3);
    const state = random.state();
    const ahead = random.jump();
    expect(random.state()).toEqual(state);
    expect(ahead.bits()).not.toBe(random.bits());
  });

  it('rejects seeds, states and parameters that are none', () => {
    expect(() => derive(0.5)).toThrow(/whole number/);
    expect(() => Random.fromState([0, 0, 0, 0])).toThrow(/not all zero/);
    expect(() => Random.fromState([1, 2, 3])).toThrow(/four/);
    expect(() => derive(1).integer(0)).toThrow(/bound/);
    expect(() => derive(1).gamma(-1)).toThrow(/positive/);
    expect(() => derive(1).sample(3, 4)).toThrow(/distinct/);
    expect(() => derive(1).choice([0, 0])).toThrow(/positive/);
  });

  const n = 20_000;
  const cases: [string, (random: Random) => number, (value: number) => number][] = [
    ['uniform', (r) => r.uniform(-2, 3), (x) => (x + 2) / 5],
    ['normal', (r) => r.normal(3, 2), (x) => normalCdf((x - 3) / 2)],
    ['gamma(0.3)', (r) => r.gamma(0.3), (x) => incompleteGamma(0.3, x).lower],
    ['gamma(7.5, 2)', (r) => r.gamma(7.5, 2), (x) => chiSquareCdf(x, 15)],
    ['beta(0.5, 0.2)', (r) => r.beta(0.5, 0.2), (x) => betaCdf(x, 0.5, 0.2)],
    ['beta(4, 9)', (r) => r.beta(4, 9), (x) => betaCdf(x, 4, 9)],
    ['Dirichlet margin', (r) => r.dirichlet([2, 3, 4])[1], (x) => betaCdf(x, 3, 6)],
  ];
  for (const [name, next, cdf] of cases) {
    it(`${name} follows its distribution (Kolmogorov-Smirnov)`, () => {
      const random = derive(11, name);
      expect(uniformity(draw(n, () => cdf(next(random))))).toBeGreaterThan(1e-3);
    });
  }

  it('reaches the normal tail as often as it should', () => {
    const random = derive(5, 'tail');
    let beyond = 0;
    for (let i = 0; i < 500_000; i++) if (Math.abs(random.normal()) > 3.6) beyond++;
    // Expected 159, standard deviation 12.6.
    expect(beyond).toBeGreaterThan(105);
    expect(beyond).toBeLessThan(215);
  });

  it('draws integers evenly, small and large bounds', () => {
    const random = derive(2, 'integers');
    for (const bound of [6, 7, 3_000_000_001]) {
      const counts = new Array<number>(6).fill(0);
      let inside = true;
      for (let i = 0; i < 60_000; i++) {
        const value = random.integer(bound);
        inside &&= value >= 0 && value < bound && Number.isInteger(value);
        counts[Math.min(5, Math.floor((value / bound) * 6))]++;
      }
      expect(inside).toBe(true);
      const expected =
        bound === 7 ? [2, 1, 1, 1, 1, 1].map((k) => (60_000 * k) / 7) : new Array<number>(6).fill(10_000);
      const statistic = counts.reduce((total, count, i) => total + (count - expected[i]) ** 2 / expected[i], 0);
      expect(chiSquareSf(statistic, 5)).toBeGreaterThan(1e-4);
    }
    expect(random.integer(1)).toBe(0);
  });

  it('shuffles, permutes, samples and chooses', () => {
    const random = derive(9);
    const order = random.permutation(100);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(new Set(random.sample(50, 20)).size).toBe(20);
    expect([...random.sample(4, 4)].sort()).toEqual([0, 1, 2, 3]);
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) counts[random.choice([1, 0, 2])]++;
    expect(counts[1]).toBe(0);
    expect(Math.abs(counts[0] - 10_000)).toBeLessThan(400);
    const firsts = new Array<number>(5).fill(0);
    for (let i = 0; i < 10_000; i++) firsts[random.permutation(5)[0]]++;
    expect(Math.min(...firsts)).toBeGreaterThan(1800);
    const sampled = new Array<number>(5).fill(0);
    for (let i = 0; i < 10_000; i++) for (const value of random.sample(5, 2)) sampled[value]++;
    expect(Math.min(...sampled)).toBeGreaterThan(3800);
  });

  it('keeps a Dirichlet draw on the simplex at tiny concentrations', () => {
    const random = derive(4);
    for (let i = 0; i < 100; i++) {
      const point = random.dirichlet([1e-4, 1e-4, 1e-4]);
      expect(point.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      const share = random.beta(1e-4, 1e-4);
      expect(share >= 0 && share <= 1).toBe(true);
    }
  });
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceleration, basicInterval, bcaInterval, bootstrapDistributions, percentileInterval } from './bootstrap.js';
import { delongVariance, rocArea } from './delong.js';
import {
  clopperPearsonInterval,
  criticalValue,
  type Interval,
  moverDifference,
  moverRatio,
  tInterval,
  wilsonInterval,
} from './intervals.js';
import { quantile, weightedQuantiles } from './quantile.js';
import { derive } from './random.js';
import { argsort } from './sort.js';
import { effectiveRows, mean, sum, variance, weightedSum, weightedVariance } from './statistics.js';

interface Golden {
  proportions: { k: number; n: number; level: number; wilson: [number, number]; exact: [number, number] }[];
  t: {
    values: number[];
    interval: [number, number];
    mean: number;
    variance: number;
    weights: number[];
    weightedMean: number;
    weightedVariance: number;
    quantiles: [number, number][];
    weightedQuantiles: [number, number][];
  };
  bootstraps: { method: string; distribution: number[]; interval: [number, number] }[];
  delong: {
    y: number[];
    scores: number[][];
    areas: number[];
    covariance: number[][];
    weights: number[];
    weightedAreas: number[];
  };
}

const golden = JSON.parse(readFileSync(new URL('./goldens/intervals.json', import.meta.url), 'utf8')) as Golden;

function expectClose(ours: ArrayLike<number> | undefined, theirs: readonly number[], tolerance = 1e-10): void {
  expect(ours?.length).toBe(theirs.length);
  theirs.forEach((value, i) => {
    expect(Math.abs((ours?.[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(
      tolerance * Math.max(Math.abs(value), 1e-3),
    );
  });
}

describe('intervals against scipy', () => {
  it('Wilson and Clopper-Pearson', () => {
    for (const { k, n, level, wilson, exact } of golden.proportions) {
      expectClose(wilsonInterval(k, n, level), wilson);
      expectClose(clopperPearsonInterval(k, n, level), exact);
    }
  });

  it('Student t, moments, quantiles', () => {
    const { values, weights } = golden.t;
    expectClose(tInterval(values), golden.t.interval);
    expectClose([mean(values), variance(values)], [golden.t.mean, golden.t.variance]);
    expectClose(
      [mean(values, weights), weightedVariance(values, weights)],
      [golden.t.weightedMean, golden.t.weightedVariance],
    );
    for (const [q, value] of golden.t.quantiles) expectClose([quantile(values, q)], [value]);
    for (const [q, value] of golden.t.weightedQuantiles) expectClose(weightedQuantiles(values, weights, [q]), [value]);
    expect(tInterval([1])).toBeUndefined();
  });

  it('percentile, basic and BCa limits of one bootstrap distribution', () => {
    const { values } = golden.t;
    const center = mean(values);
    const influence = values.map((value) => value - center);
    const methods: Record<string, (distribution: Float64Array) => Interval> = {
      percentile: (distribution) => percentileInterval(distribution),
      basic: (distribution) => basicInterval(distribution, center),
      BCa: (distribution) => bcaInterval(distribution, center, acceleration(influence)),
    };
    for (const { method, distribution, interval } of golden.bootstraps) {
      expectClose(methods[method](Float64Array.from(distribution)), interval);
    }
  });

  it("DeLong's areas and covariance", () => {
    const { y, scores, areas, covariance, weights, weightedAreas } = golden.delong;
    const labels = Uint8Array.from(y);
    const ours = scores.map((score) => rocArea(score, labels));
    expectClose(
      ours.map(({ area }) => area),
      areas,
    );
    expectClose(
      ours.map(({ influence }) => delongVariance(influence, labels)),
      [covariance[0][0], covariance[1][1]],
    );
    const difference = ours[0].influence.map((value, i) => value - ours[1].influence[i]);
    expectClose([delongVariance(difference, labels)], [covariance[0][0] + covariance[1][1] - 2 * covariance[0][1]]);
    expectClose(
      scores.map((score) => rocArea(score, labels, Float64Array.from(weights)).area),
      weightedAreas,
    );
  });
});

describe('intervals', () => {
  it('rejects levels that are none', () => {
    expect(() => criticalValue(1)).toThrow(/between 0 and 1/);
    expect(() => wilsonInterval(1, 2, 95)).toThrow(/between 0 and 1/);
  });

  it('Wilson keeps to [0, 1] and around the proportion', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), (a, b) => {
        const n = a + b;
        const [low, high] = wilsonInterval(a, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        if (n > 0) expect(low <= a / n && a / n <= high).toBe(true);
      }),
    );
  });

  it("reproduces Newcombe's method 10 on his example 56/70 and 48/80", () => {
    const a = { value: 56 / 70, interval: wilsonInterval(56, 70) };
    const b = { value: 48 / 80, interval: wilsonInterval(48, 80) };
    const [low, high] = moverDifference(a, b);
    expect(low).toBeCloseTo(0.0524, 4);
    expect(high).toBeCloseTo(0.3339, 4);
    const ratio = moverRatio(a, b);
    expect(ratio[0]).toBeGreaterThan(1);
    expect(ratio[1]).toBeLessThan(2);
  });

  it('bootstraps statistics on the same resamples, seeded, within strata', () => {
    const values = [1, 2, 3, 4, 100, 200, 300];
    const strata = [0, 0, 0, 0, 1, 1, 1];
    const run = (seed: number): Float64Array[] =>
      bootstrapDistributions({
        rows: 7,
        resamples: 50,
        random: derive(seed),
        strata,
        statistics: [
          (counts) => counts.subarray(0, 4).reduce((a, b) => a + b),
          (counts) => counts.reduce((total, count, i) => total + count * values[i], 0) / 7,
        ],
      });
    const [sizes, means] = run(1);
    expect(new Set(sizes)).toEqual(new Set([4]));
    expect([...run(1)[1]]).toEqual([...means]);
    expect([...run(2)[1]]).not.toEqual([...means]);
  });

  it('covers about 95 %: Wilson, t and BCa on simulated samples', () => {
    const random = derive(1, 'coverage');
    const trials = 400;
    const covered = { wilson: 0, t: 0, bca: 0 };
    for (let trial = 0; trial < trials; trial++) {
      let successes = 0;
      const sample = Float64Array.from({ length: 60 }, () => random.gamma(4));
      for (let i = 0; i < 60; i++) if (random.uniform() < 0.15) successes++;
      const inside = (interval: readonly [number, number] | undefined, truth: number): number =>
        interval !== undefined && interval[0] <= truth && truth <= interval[1] ? 1 : 0;
      covered.wilson += inside(wilsonInterval(successes, 60), 0.15);
      covered.t += inside(tInterval(sample), 4);
      const center = mean(sample);
      const [distribution] = bootstrapDistributions({
        rows: 60,
        resamples: 300,
        random,
        statistics: [(counts) => weightedSum(sample, counts) / 60],
      });
      covered.bca += inside(bcaInterval(distribution, center, acceleration(sample.map((value) => value - center))), 4);
    }
    for (const hits of Object.values(covered)) {
      expect(hits / trials).toBeGreaterThan(0.91);
      expect(hits / trials).toBeLessThan(0.985);
    }
  });
});

describe('sorting and summing', () => {
  it('argsort orders as a comparison sort does, stably', () => {
    const value = fc.oneof(
      fc.double({ noNaN: true }),
      fc.constantFrom(0, -0, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      fc.integer(),
    );
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const reference = values
          .map((_, i) => i)
          .sort((a, b) => (values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : a - b));
        expect([...argsort(values)]).toEqual(reference);
      }),
    );
    expect([...argsort([Number.NaN, 1, Number.NEGATIVE_INFINITY])]).toEqual([2, 1, 0]);
  });

  it('sum keeps what plain addition loses', () => {
    expect(sum([1, 1e100, 1, -1e100])).toBe(2);
    expect(variance([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])).toBe(30);
    expect(effectiveRows([2, 2, 2])).toBe(3);
    expect(effectiveRows([1, 0, 0])).toBe(1);
  });
});

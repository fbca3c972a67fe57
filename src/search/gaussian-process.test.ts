import { describe, expect, test } from 'vitest';
import { fitGaussianProcess } from './gaussian-process.js';
import { logExpectedImprovement } from './samplers/gp.js';

describe('a Gaussian process', () => {
  const points = Array.from({ length: 15 }, (_, i) => [i / 14]);
  const wave = (x: number): number => Math.sin(6 * x);
  const process = fitGaussianProcess(
    points,
    points.map(([x]) => wave(x)),
    ['range'],
  );

  test('goes through what it has seen, and near what lies between', () => {
    for (const [x] of points) expect(process.at([x]).mean).toBeCloseTo(wave(x), 2);
    for (const x of [0.11, 0.43, 0.77]) {
      const { mean, deviation } = process.at([x]);
      expect(Math.abs(mean - wave(x))).toBeLessThan(0.02);
      expect(deviation).toBeLessThan(0.1);
    }
  });

  test('knows less where it has seen less, and more once it has seen it', () => {
    const beyond = process.at([1.6]);
    expect(beyond.deviation).toBeGreaterThan(5 * process.at([0.5]).deviation);
    const then = process.and([1.6], 0.3).at([1.6]);
    expect(then.mean).toBeCloseTo(0.3, 1);
    expect(then.deviation).toBeLessThan(beyond.deviation / 2);
  });

  test('tells noise from shape', () => {
    const noisy = Array.from({ length: 40 }, (_, i) => [i / 39]);
    const { mean, deviation } = fitGaussianProcess(
      noisy,
      noisy.map(([x], i) => x + (i % 2 === 0 ? 0.2 : -0.2)),
      ['range'],
    ).at([0.5]);
    expect(mean).toBeCloseTo(0.5, 1);
    expect(deviation).toBeLessThan(0.15);
  });
});

describe('the logarithm of the expected improvement', () => {
  test('is smooth from the plain formula into its tail', () => {
    // E max(0, z + N): 0.3989 at 0, 1.0833 at 1 (phi(1) + Phi(1)).
    expect(Math.exp(logExpectedImprovement(0))).toBeCloseTo(0.398942, 6);
    expect(Math.exp(logExpectedImprovement(1))).toBeCloseTo(1.083315, 5);
    expect(logExpectedImprovement(-6 - 1e-9) - logExpectedImprovement(-6 + 1e-9)).toBeCloseTo(0, 2);
    expect(logExpectedImprovement(-40)).toBeLessThan(-800);
  });
});

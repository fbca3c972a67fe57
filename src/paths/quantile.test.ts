import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crossValidate } from './cross-validate.js';
import { fitPath } from './path.js';
import type { PathPoint } from './path-point.js';
import { randomProblem } from './problem.fixture.js';
import type { PathData, PathOptions } from './problem.js';

interface Golden {
  readonly columns: number[][];
  readonly target: number[];
  readonly weights: number[];
  readonly offset: number[];
  readonly factors: number[];
  readonly cases: readonly {
    readonly quantile: number;
    readonly setting: 'plain' | 'all';
    readonly alpha: number;
    readonly strength: number;
    /** The intercept before the coefficients. */
    readonly model: number[];
  }[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'goldens', 'quantile.json'), 'utf8')) as Golden;

const dense = ({ columns, coefficients, intercept }: PathPoint, count: number): number[] => {
  const all = new Array<number>(count).fill(0);
  columns.forEach((column, k) => {
    all[column] = coefficients[k];
  });
  return [intercept, ...all];
};

describe('penalised quantiles, against QuantileRegressor and a convex solver', () => {
  const { columns, target, weights, offset, factors } = golden;
  it.each(
    golden.cases.map(
      (each) => [`${each.quantile} ${each.setting} alpha ${each.alpha} at ${each.strength}`, each] as const,
    ),
  )('%s: coefficients within 1e-6', async (_name, { quantile, setting, alpha, strength, model }) => {
    const all = setting === 'all';
    const data: PathData = {
      features: { rows: columns[0].length, columns: columns.length, data: Float64Array.from(columns.flat()) },
      target: Float64Array.from(target),
      weights: all ? Float64Array.from(weights) : undefined,
      offset: all ? Float64Array.from(offset) : undefined,
    };
    const options: PathOptions = {
      ...{ family: 'quantile', quantile, alpha, lambdas: [strength], standardize: false, tolerance: 1e-10 },
      factors: all ? factors : undefined,
    };
    const { points } = await fitPath(data, options);
    expect(points[0].converged).toBe(true);
    dense(points[0], columns.length).forEach((value, j) => {
      expect(Math.abs(value - model[j]), `place ${j}`).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(model[j])));
    });
  });
});

describe('a path of quantiles', () => {
  const options: PathOptions = { family: 'quantile', quantile: 0.3 };

  it.each([
    [60, 12],
    [40, 100],
  ])('reaches the gap that is asked for, with no coefficient at first: %d rows, %d columns', async (rows, columns) => {
    const data = randomProblem('gaussian', { rows, columns });
    const [native, plain] = await Promise.all(
      (['simd', 'script'] as const).map((kernels) => fitPath(data, { ...options, kernels, count: 25 })),
    );
    expect(native.points[0].columns).toHaveLength(0);
    for (const { dualityGap, converged } of native.points) {
      expect(converged).toBe(true);
      expect(dualityGap).toBeLessThanOrEqual(1e-8);
    }
    native.points.forEach(({ deviance }, k) => {
      expect(deviance).toBeCloseTo(plain.points[k].deviance, 6);
    });
  });

  it('is cross-validated by its own loss, and at the least penalty has the share of rows below it', async () => {
    const data = randomProblem('gaussian', { rows: 200, columns: 4 });
    const path = await fitPath(data, { ...options, count: 15 });
    const all = Uint32Array.from({ length: 200 }, (_, row) => row);
    const folds = [0, 1, 2].map((fold) => ({
      train: all.filter((row) => row % 3 !== fold),
      validation: all.filter((row) => row % 3 === fold),
    }));
    const { mean } = await crossValidate(data, options, path, folds);
    expect(mean.every((value) => value > 0)).toBe(true);
    const [, ...b] = dense(path.points[14], 4);
    const { intercept } = path.points[14];
    const below = all.filter((row) => {
      const eta = b.reduce((sum, value, j) => sum + value * data.features.data[j * 200 + row], intercept);
      return data.target[row] < eta - 1e-7;
    });
    expect(Math.abs(below.length / 200 - 0.3)).toBeLessThan(0.03);
  });

  it('weights count as repeated rows do', async () => {
    const data = randomProblem('gaussian', { rows: 50, columns: 5 });
    const repeated = Uint32Array.from({ length: 75 }, (_, i) => (i < 50 ? i : i - 50));
    const { rowsOf } = await import('./rows.js');
    const weights = Float64Array.from({ length: 50 }, (_, i) => (i < 25 ? 2 : 1));
    const settings = { ...options, lambdas: [0.05], standardize: false, tolerance: 1e-10 };
    const once = await fitPath({ ...data, weights }, settings);
    const twice = await fitPath(rowsOf(data, repeated), settings);
    expect(once.points[0].deviance).toBeCloseTo(twice.points[0].deviance, 8);
  });

  it.each<[string, PathOptions, string]>([
    ['a quantile of 1', { family: 'quantile', quantile: 1 }, 'PATH_QUANTILE'],
    ['a quantile of means', { family: 'gaussian', quantile: 0.5 }, 'PATH_QUANTILE'],
    ['bounds', { ...options, lower: new Float64Array(4) }, 'PATH_QUANTILE'],
  ])('refuses %s', async (_name, wrong, code) => {
    const data = randomProblem('gaussian', { rows: 20, columns: 4 });
    await expect(fitPath(data, wrong)).rejects.toMatchObject({ code });
  });
});

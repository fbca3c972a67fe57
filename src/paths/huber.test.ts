import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fitPath } from './path.js';
import type { PathPoint } from './path-point.js';
import type { PathData } from './problem.js';

interface Golden {
  readonly columns: number[][];
  readonly target: number[];
  readonly weights: number[];
  readonly cases: readonly {
    readonly delta: number;
    readonly alpha: number;
    readonly weighted: boolean;
    readonly intercept: boolean;
    readonly strength: number;
    readonly b0: number;
    readonly b: number[];
    readonly objective: number;
  }[];
  readonly joint: readonly {
    readonly delta: number;
    readonly strength: number;
    readonly b0: number;
    readonly b: number[];
  }[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'goldens', 'huber.json'), 'utf8')) as Golden;
const data: PathData = {
  features: {
    rows: golden.target.length,
    columns: golden.columns.length,
    data: Float64Array.from(golden.columns.flat()),
  },
  target: Float64Array.from(golden.target),
};

function expectModel(
  { columns, coefficients, intercept }: PathPoint,
  b0: number,
  b: readonly number[],
  within: number,
) {
  const all = b.map(() => 0);
  columns.forEach((column, k) => {
    all[column] = coefficients[k];
  });
  expect(Math.abs(intercept - b0)).toBeLessThanOrEqual(within);
  b.forEach((value, j) => {
    expect(Math.abs(all[j] - value), `column ${j}`).toBeLessThanOrEqual(within);
  });
}

describe("Huber's loss", () => {
  const name = ({ delta, alpha, weighted, intercept, strength }: Golden['cases'][number]): string =>
    `delta ${delta} alpha ${alpha} strength ${strength}${weighted ? ' weighted' : ''}${intercept ? '' : ' through the origin'}`;

  it.each(golden.cases.map((each) => [name(each), each] as const))(
    '%s: as a convex solver finds it, and no objective above its',
    async (_name, { delta, alpha, weighted, intercept, strength, b0, b, objective }) => {
      const { points } = await fitPath(
        { ...data, weights: weighted ? Float64Array.from(golden.weights) : undefined },
        { family: 'huber', delta, alpha, intercept, lambdas: [strength], standardize: false, tolerance: 1e-13 },
      );
      const [point] = points;
      expectModel(point, b0, b, 1e-6);
      expect(point.dualityGap).toBeLessThanOrEqual(1e-12);
      const penalty = point.coefficients.reduce(
        (sum, value) => sum + strength * (alpha * Math.abs(value) + ((1 - alpha) / 2) * value * value),
        0,
      );
      expect(point.deviance / 2 + penalty).toBeLessThanOrEqual(objective + 1e-10);
    },
  );

  it.each(golden.joint)(
    "delta $delta: scikit-learn's HuberRegressor, at the scale that it fits",
    async ({ delta, strength, b0, b }) => {
      const options = { family: 'huber', delta, alpha: 0, lambdas: [strength], standardize: false } as const;
      const { points } = await fitPath(data, { ...options, tolerance: 1e-13 });
      // Its quasi-Newton steps stop at about this accuracy.
      expectModel(points[0], b0, b, 2e-5);
    },
  );

  it('takes its delta from the target unless it is given, and tells it', async () => {
    const path = await fitPath(data, { family: 'huber', count: 5 });
    const sorted = golden.target.toSorted((a, b) => a - b);
    const away = golden.target.map((value) => Math.abs(value - sorted[24])).toSorted((a, b) => a - b);
    expect(path.delta).toBeCloseTo((1.345 * away[24]) / 0.67448975, 6);
  });

  it('of a delta beyond every residual is the Gaussian', async () => {
    const options = { count: 10, tolerance: 1e-12 } as const;
    const robust = await fitPath(data, { ...options, family: 'huber', delta: 1e6 });
    const plain = await fitPath(data, { ...options, family: 'gaussian' });
    robust.points.forEach(({ coefficients, lambda }, k) => {
      expect(lambda).toBeCloseTo(plain.points[k].lambda, 9);
      coefficients.forEach((value, j) => {
        expect(value).toBeCloseTo(plain.points[k].coefficients[j], 6);
      });
    });
  });

  it.each<[string, Parameters<typeof fitPath>, string]>([
    ['a delta of 0', [data, { family: 'huber', delta: 0 }], 'PATH_DELTA'],
    ['a delta of another family', [data, { family: 'gaussian', delta: 1 }], 'PATH_DELTA'],
    [
      'targets of which most are the same',
      [{ ...data, target: data.target.map((value, i) => (i < 40 ? 1 : value)) }, { family: 'huber' }],
      'PATH_DELTA',
    ],
  ])('%s: one clear error', async (_name, args, code) => {
    await expect(fitPath(...args)).rejects.toMatchObject({ code, kind: 'input' });
  });
});

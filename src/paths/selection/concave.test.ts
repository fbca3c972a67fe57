import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FamilyName } from '../families/family.js';
import { fitPath, linearPredictor } from '../path.js';
import { randomProblem } from '../problem.fixture.js';
import { type ConcavePenalty, concavePath } from './concave.js';

interface Golden {
  readonly columns: number[][];
  readonly targets: Record<string, number[]>;
  readonly cases: readonly {
    readonly family: FamilyName;
    readonly penalty: ConcavePenalty;
    readonly lambdas: number[];
    readonly intercepts: number[];
    readonly coefficients: number[][];
  }[];
}

const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, '../goldens/skglm-concave.json'), 'utf8'));

/** The derivative of the penalty at b, or at 0 what of its subdifferential is nearest to z. */
function slopeAt(
  { penalty, gamma }: { penalty: ConcavePenalty; gamma: number },
  b: number,
  lambda: number,
  z: number,
): number {
  const size = Math.abs(b);
  if (size === 0) return Math.max(-lambda, Math.min(lambda, z));
  if (penalty === 'mcp') return Math.sign(b) * Math.max(0, lambda - size / gamma);
  return Math.sign(b) * (size <= lambda ? lambda : Math.max(0, gamma * lambda - size) / (gamma - 1));
}

describe('concave penalties', () => {
  it.each(golden.cases.map((each) => [`${each.penalty} of a ${each.family} target`, each] as const))(
    '%s: coefficients of skglm within 1e-6',
    async (_name, { family, penalty, lambdas, intercepts, coefficients }) => {
      const { columns, targets } = golden;
      const features = { rows: columns[0].length, columns: columns.length, data: Float64Array.from(columns.flat()) };
      const { points } = await concavePath(
        { features, target: Float64Array.from(targets[family]) },
        { family, penalty, lambdas, tolerance: 1e-14 },
      );
      points.forEach((point, k) => {
        expect(point.converged).toBe(true);
        expect(point.intercept).toBeCloseTo(intercepts[k], 6);
        coefficients[k].forEach((value, column) => {
          const at = point.columns.indexOf(column);
          expect(at === -1 ? 0 : point.coefficients[at], `lambda ${k} column ${column}`).toBeCloseTo(value, 6);
        });
      });
    },
  );

  it.each([
    { penalty: 'mcp', gamma: 2 },
    { penalty: 'scad', gamma: 3 },
  ] as const)(
    '$penalty: every point is stationary, with a penalty factor a column, one free and one left out',
    async (shape) => {
      const { features, target } = randomProblem('gaussian', { rows: 120 });
      const factors = Float64Array.from({ length: 12 }, (_, j) => [0, Number.POSITIVE_INFINITY, 0.5, 2][j] ?? 1);
      const path = await concavePath(
        { features, target },
        { family: 'gaussian', ...shape, factors, count: 15, ratio: 0.02, tolerance: 1e-14 },
      );
      for (const point of path.points) {
        expect(point.converged).toBe(true);
        const eta = linearPredictor(point, features);
        for (let j = 0; j < 12; j++) {
          const own = features.data.subarray(j * 120, (j + 1) * 120);
          const center = own.reduce((sum, value) => sum + value, 0) / 120;
          const product =
            own.reduce((sum, value, i) => sum + (value - center) * (target[i] - eta[i]), 0) / (120 * path.scales[j]);
          const at = point.columns.indexOf(j);
          const b = at === -1 ? 0 : point.coefficients[at] * path.scales[j];
          if (j === 1) expect(b).toBe(0);
          else
            expect(Math.abs(product - slopeAt(shape, b, point.lambda * path.factors[j], product))).toBeLessThan(1e-6);
        }
      }
      expect(path.points[0].columns).toContain(0);
    },
  );

  it('shrink less than the lasso, which they start from', async () => {
    const data = randomProblem('binomial', { rows: 150 });
    const lasso = await fitPath(data, { family: 'binomial', count: 10, ratio: 0.1 });
    const { points } = await concavePath(data, { family: 'binomial', penalty: 'scad', count: 10, ratio: 0.1 });
    expect(points[9].deviance).toBeLessThan(lasso.points[9].deviance);
    expect(points[0].columns).toHaveLength(0);
  });

  it('refuse a gamma at which they are not defined', async () => {
    const wrong = concavePath(randomProblem('gaussian'), { family: 'gaussian', penalty: 'scad', gamma: 2 });
    await expect(wrong).rejects.toMatchObject({ code: 'PATH_GAMMA' });
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FamilyName } from '../families/family.js';
import { fitPath } from '../path.js';
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

describe('concave penalties', () => {
  it.each(golden.cases.map((each) => [`${each.penalty} of a ${each.family} target`, each] as const))(
    '%s: coefficients of skglm within 1e-6',
    async (_name, { family, penalty, lambdas, intercepts, coefficients }) => {
      const { columns, targets } = golden;
      const features = { rows: columns[0].length, columns: columns.length, data: Float64Array.from(columns.flat()) };
      const points = await concavePath(
        { features, target: Float64Array.from(targets[family]) },
        { family, penalty, lambdas, tolerance: 1e-14 },
      );
      points.forEach((point, k) => {
        expect(point.settled).toBe(true);
        expect(point.intercept).toBeCloseTo(intercepts[k], 6);
        coefficients[k].forEach((value, column) => {
          const at = point.columns.indexOf(column);
          expect(at === -1 ? 0 : point.coefficients[at], `lambda ${k} column ${column}`).toBeCloseTo(value, 6);
        });
      });
    },
  );

  it('shrink less than the lasso, which they start from', async () => {
    const data = randomProblem('binomial', { rows: 150 });
    const lasso = await fitPath(data, { family: 'binomial', count: 10, ratio: 0.1 });
    const points = await concavePath(data, { family: 'binomial', penalty: 'scad', count: 10, ratio: 0.1 });
    expect(points[9].deviance).toBeLessThan(lasso.points[9].deviance);
    expect(points[0].columns).toHaveLength(0);
  });

  it('refuse a gamma at which they are not defined', async () => {
    const wrong = concavePath(randomProblem('gaussian'), { family: 'gaussian', penalty: 'scad', gamma: 2 });
    await expect(wrong).rejects.toMatchObject({ code: 'PATH_GAMMA' });
  });
});

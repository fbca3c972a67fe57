import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { informationCriteria } from './criteria.js';
import type { FamilyName } from './families/family.js';
import { fitPath } from './path.js';
import type { PathPoint } from './path-point.js';
import { type DenseProblem, randomProblem } from './problem.fixture.js';
import type { PathData, PathOptions } from './problem.js';

interface Golden {
  readonly columns: number[][];
  readonly groups: number[];
  readonly targets: Record<'gaussian' | 'binomial', number[]>;
  readonly weights: number[];
  readonly offset: number[];
  readonly factors: number[];
  readonly cases: readonly {
    readonly family: 'gaussian' | 'binomial';
    readonly setting: string;
    readonly alpha: number;
    readonly strength: number;
    /** The intercept before the coefficients. */
    readonly model: number[];
  }[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'goldens', 'groups.json'), 'utf8')) as Golden;

const dense = ({ columns, coefficients, intercept }: PathPoint, count: number): number[] => {
  const all = new Array<number>(count).fill(0);
  columns.forEach((column, k) => {
    all[column] = coefficients[k];
  });
  return [intercept, ...all];
};

function expectNear(actual: readonly number[], wanted: readonly number[], within = 1e-6): void {
  actual.forEach((value, j) => {
    expect(Math.abs(value - wanted[j]), `place ${j}`).toBeLessThanOrEqual(within * Math.max(1, Math.abs(wanted[j])));
  });
}

describe('the group lasso, against a convex solver', () => {
  const { columns, groups, targets, weights, offset, factors } = golden;
  it.each(
    golden.cases.map(
      (each) => [`${each.family} ${each.setting} alpha ${each.alpha} at ${each.strength}`, each] as const,
    ),
  )('%s: coefficients within 1e-6', async (_name, { family, setting, alpha, strength, model }) => {
    const has = (part: string): boolean => setting === part || setting === 'all';
    const data: PathData = {
      features: { rows: columns[0].length, columns: columns.length, data: Float64Array.from(columns.flat()) },
      target: Float64Array.from(targets[family]),
      weights: has('weights') ? Float64Array.from(weights) : undefined,
      offset: has('offset') ? Float64Array.from(offset) : undefined,
    };
    const { points } = await fitPath(data, {
      family,
      alpha,
      groups,
      factors: has('factors') ? factors : undefined,
      lambdas: [strength],
      standardize: false,
      tolerance: 1e-14,
    });
    expectNear(dense(points[0], 9), model);
  });
});

const FAMILIES: readonly FamilyName[] = ['gaussian', 'binomial', 'poisson', 'cox', 'huber'];
const GROUPS = [0, 0, 0, 1, 2, 1, 2, 2, 3, 3, 4, 4];

describe.each(FAMILIES)('groups of columns in a %s family', (family) => {
  it.each([1, 0.5, 0])('reach the gap that is asked for, and come and go together, at alpha %d', async (alpha) => {
    const path = await fitPath(randomProblem(family), { family, alpha, groups: GROUPS, count: 40, tolerance: 1e-9 });
    for (const { dualityGap, kkt, converged, columns } of path.points) {
      expect(converged).toBe(true);
      expect(dualityGap).toBeLessThanOrEqual(1e-9);
      expect(kkt).toBeLessThanOrEqual(1e-5);
      const present = new Set(Array.from(columns, (column) => GROUPS[column]));
      expect(columns.length).toBe(GROUPS.filter((group) => present.has(group)).length);
    }
  });

  it('start with no coefficient, and have one group right after, by every kernel', async () => {
    const data = randomProblem(family, { rows: 40, columns: 60 });
    const groups = Array.from({ length: 60 }, (_, j) => j % 20);
    for (const kernels of ['simd', 'script'] as const) {
      const { largestLambda } = await fitPath(data, { family, groups, kernels, count: 2 });
      const lambdas = [largestLambda * 1.0000001, largestLambda * 0.999];
      const { points } = await fitPath(data, { family, groups, kernels, lambdas });
      expect(points.map(({ columns }) => columns.length)).toEqual([0, 3]);
    }
  });
});

describe('groups', () => {
  it('are found among many columns, by bounds on what was not multiplied out', async () => {
    const data = randomProblem('gaussian', { rows: 40, columns: 1200 });
    const groups = Array.from({ length: 1200 }, (_, j) => Math.floor(j / 4));
    const path = await fitPath(data, { family: 'gaussian', groups, count: 25, tolerance: 1e-9 });
    expect(path.points.every(({ converged }) => converged)).toBe(true);
    for (const point of path.points.slice(0, -1)) expectConditions(data, groups, point);
  });

  it('are the same of sparse columns, which keep a residual', async () => {
    const data = randomProblem('binomial', { rows: 40, columns: 60 });
    const groups = Array.from({ length: 60 }, (_, j) => Math.floor(j / 3));
    const values = data.features.data.map((value, at) => (at % 3 === 0 ? value : 0));
    const stored = Array.from(values.keys()).filter((at) => values[at] !== 0);
    const sparse: PathData['features'] = {
      rows: 40,
      columns: 60,
      starts: Int32Array.from({ length: 61 }, (_, j) => stored.filter((at) => at < j * 40).length),
      indices: Int32Array.from(stored, (at) => at % 40),
      values: Float64Array.from(stored, (at) => values[at]),
    };
    const options: PathOptions = { family: 'binomial', groups, count: 8, ratio: 0.1, tolerance: 1e-12 };
    const [whole, parts] = await Promise.all(
      [{ ...data.features, data: values }, sparse].map((features) => fitPath({ ...data, features }, options)),
    );
    whole.points.forEach((point, k) => {
      expect(parts.points[k].converged).toBe(true);
      expectNear(dense(parts.points[k], 60), dense(point, 60), 1e-5);
    });
  });

  it('of one column each are the lasso', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), async (seed) => {
        const data = randomProblem('binomial', { seed, columns: 6 });
        const options: PathOptions = { family: 'binomial', lambdas: [0.1, 0.02], tolerance: 1e-13 };
        const [plain, grouped] = await Promise.all(
          [undefined, [5, 4, 3, 2, 1, 0]].map((groups) => fitPath(data, { ...options, groups })),
        );
        plain.points.forEach((point, k) => {
          expectNear(dense(grouped.points[k], 6), dense(point, 6));
        });
      }),
      { numRuns: 5 },
    );
  });

  it('have degrees of freedom between none and the number of their columns', async () => {
    const data = randomProblem('gaussian');
    const path = await fitPath(data, { family: 'gaussian', groups: GROUPS, count: 30 });
    const degrees = informationCriteria(data, path)?.degrees ?? [];
    path.points.forEach(({ columns }, k) => {
      expect(degrees[k]).toBeGreaterThanOrEqual(1);
      expect(degrees[k]).toBeLessThanOrEqual(1 + columns.length);
    });
    expect(degrees.at(-1)).toBeGreaterThan(10);
  });

  it.each<[string, Partial<PathOptions>, string]>([
    ['with bounds', { lower: new Array<number>(12).fill(0) }, 'PATH_BOUNDS'],
    ['of too few columns', { groups: [0, 1] }, 'PATH_SHAPE'],
    ['with factors that differ', { factors: GROUPS.map((_, j) => j + 1) }, 'PATH_GROUPS'],
  ])('%s are one clear error', async (_name, options, code) => {
    const fitted = fitPath(randomProblem('gaussian'), { family: 'gaussian', groups: GROUPS, ...options });
    await expect(fitted).rejects.toMatchObject({ code, kind: 'input' });
  });
});

/** The length of each group's products with the residual is its limit, or below where the group is out. */
function expectConditions({ features, target }: DenseProblem, groups: readonly number[], point: PathPoint): void {
  const { rows: n, columns: p, data } = features;
  const [intercept, ...b] = dense(point, p);
  const residual = target.map(
    (value, i) => value - intercept - b.reduce((sum, each, j) => sum + each * data[j * n + i], 0),
  );
  const squares = new Map<number, number>();
  const sizes = new Map<number, number>();
  for (let j = 0; j < p; j++) {
    const column = data.subarray(j * n, (j + 1) * n);
    const mean = column.reduce((sum, value) => sum + value, 0) / n;
    const deviation = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
    const product = column.reduce((sum, value, i) => sum + (value - mean) * residual[i], 0) / (n * deviation);
    squares.set(groups[j], (squares.get(groups[j]) ?? 0) + product ** 2);
    sizes.set(groups[j], (sizes.get(groups[j]) ?? 0) + 1);
  }
  const present = new Set(Array.from(point.columns, (column) => groups[column]));
  for (const [group, square] of squares) {
    const limit = point.lambda * Math.sqrt(sizes.get(group) ?? 1);
    const share = Math.sqrt(square) / limit;
    if (present.has(group)) expect(Math.abs(share - 1)).toBeLessThanOrEqual(1e-3);
    else expect(share).toBeLessThanOrEqual(1 + 1e-6);
  }
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossValidate } from './cross-validate.js';
import type { FamilyName } from './families/family.js';
import { fitPath } from './path.js';
import type { PathPoint } from './path-point.js';
import { randomProblem } from './problem.fixture.js';
import type { PathData, PathOptions } from './problem.js';

const families: readonly FamilyName[] = ['gaussian', 'binomial', 'poisson', 'cox', 'huber'];

/** All coefficients of a model, the intercept last. */
function dense({ columns, coefficients, intercept }: PathPoint, count: number): number[] {
  const all = new Array<number>(count).fill(0);
  columns.forEach((column, k) => {
    all[column] = coefficients[k];
  });
  return [...all, intercept];
}

async function coefficients(data: PathData, options: PathOptions): Promise<number[][]> {
  const { points } = await fitPath(data, { tolerance: 1e-13, count: 12, ratio: 0.01, ...options });
  return points.map((point) => dense(point, data.features.columns));
}

function expectNear(
  actual: readonly (readonly number[])[],
  wanted: readonly (readonly number[])[],
  digits = 1e-6,
): void {
  expect(actual.length).toBe(wanted.length);
  actual.forEach((row, k) => {
    row.forEach((value, j) => {
      expect(Math.abs(value - wanted[k][j]), `lambda ${k}, column ${j}`).toBeLessThanOrEqual(
        digits * Math.max(1, Math.abs(wanted[k][j])),
      );
    });
  });
}

describe.each(families)('the path of a %s family', (family) => {
  it.each([1, 0.5, 0])('reaches the gap it is asked for, at alpha %d', async (alpha) => {
    const path = await fitPath(randomProblem(family), { family, alpha, tolerance: 1e-9 });
    for (const { dualityGap, kkt, converged } of path.points) {
      expect(converged).toBe(true);
      expect(dualityGap).toBeLessThanOrEqual(1e-9);
      expect(kkt).toBeLessThanOrEqual(1e-5);
    }
  });

  it('starts with no coefficient, and has one right after', async () => {
    const data = randomProblem(family);
    const { largestLambda } = await fitPath(data, { family });
    const { points } = await fitPath(data, { family, lambdas: [largestLambda * 1.0000001, largestLambda * 0.999] });
    expect(points.map(({ columns }) => columns.length)).toEqual([0, 1]);
  });

  it('is the same by every kernel', async () => {
    const data = randomProblem(family, { rows: 40, columns: 60 });
    const [simd, script] = await Promise.all(
      (['simd', 'script'] as const).map((kernels) => coefficients(data, { family, kernels })),
    );
    expectNear(simd, script, 1e-7);
  });

  it('rescales a coefficient with its column, and counts weights like repeated rows', async () => {
    const seeds = fc.record({ seed: fc.integer({ min: 0, max: 1e6 }), alpha: fc.constantFrom(1, 0.6) });
    await fc.assert(
      fc.asyncProperty(seeds, async ({ seed, alpha }) => {
        const data = randomProblem(family, { rows: 50, columns: 6, seed });
        const { rows } = data.features;
        const lambdas = [0.3, 0.1, 0.03];
        const reference = await coefficients(data, { family, alpha, lambdas });
        const scaled = Float64Array.from(data.features.data, (value, i) => (i < rows ? value * 8 : value));
        const rescaled = await coefficients(
          { ...data, features: { ...data.features, data: scaled } },
          { family, alpha, lambdas },
        );
        expectNear(
          rescaled.map(([first, ...rest]) => [first * 8, ...rest]),
          reference,
        );
        const weights = Float64Array.from({ length: rows }, (_, i) => 1 + (i % 3));
        const repeated = Array.from(weights).flatMap((times, i) => new Array<number>(times).fill(i));
        const pick = (from: Float64Array, start = 0): number[] => repeated.map((i) => from[start + i]);
        const long: PathData = {
          features: {
            rows: repeated.length,
            columns: 6,
            data: Float64Array.from([0, 1, 2, 3, 4, 5].flatMap((j) => pick(data.features.data, j * rows))),
          },
          target: Float64Array.from(pick(data.target)),
          event: data.event === undefined ? undefined : Float64Array.from(pick(data.event)),
        };
        expectNear(
          await coefficients({ ...data, weights }, { family, alpha, lambdas }),
          await coefficients(long, { family, alpha, lambdas }),
        );
      }),
      { numRuns: 8 },
    );
  });

  it('shares what duplicated columns have between them, where ridge has a part', async () => {
    const data = randomProblem(family, { columns: 4 });
    const { rows } = data.features;
    const twice = new Float64Array(rows * 5);
    twice.set(data.features.data);
    twice.set(data.features.data.subarray(0, rows), 4 * rows);
    const fitted = await coefficients({ ...data, features: { rows, columns: 5, data: twice } }, { family, alpha: 0.5 });
    for (const row of fitted) expect(Math.abs(row[0] - row[4])).toBeLessThanOrEqual(1e-6);
  });

  it('keeps coefficients within their bounds, and what is not penalised in the model', async () => {
    const data = randomProblem(family, { columns: 6 });
    const fitted = await coefficients(data, {
      family,
      lower: [0, 0, 0, -0.05, -1e9, -1e9],
      upper: [0.2, 1e9, 1e9, 0, 1e9, 1e9],
      factors: [1, 1, 1, 1, 1, 0],
    });
    for (const row of fitted) {
      expect(Math.min(row[0], row[1], row[2])).toBeGreaterThanOrEqual(0);
      expect(row[0]).toBeLessThanOrEqual(0.2);
      expect(row[3]).toBeLessThanOrEqual(0);
      expect(row[3]).toBeGreaterThanOrEqual(-0.05);
      expect(row[5]).not.toBe(0);
    }
  });

  it('never fits columns that are constant or left out', async () => {
    const data = randomProblem(family, { columns: 5 });
    data.features.data.fill(7, 0, data.features.rows);
    const factors = [1, Number.POSITIVE_INFINITY, 1, 1, 1];
    const path = await fitPath(data, { family, factors, count: 20 });
    expect(path.constant).toEqual([0]);
    for (const { columns } of path.points) expect([...columns].every((column) => column > 1)).toBe(true);
  });
});

describe('what cannot be fitted', () => {
  const data = randomProblem('gaussian', { rows: 10, columns: 2 });
  const change = (change: Partial<PathData>): PathData => ({ ...data, ...change });
  const broken = (value: number): PathData => {
    const copy = data.features.data.slice();
    copy[13] = value;
    return change({ features: { ...data.features, data: copy } });
  };

  it.each<[string, PathData, Partial<PathOptions>, string]>([
    ['a value that is missing', broken(Number.NaN), {}, 'PATH_NOT_FINITE'],
    ['a value that is infinite', broken(Number.POSITIVE_INFINITY), {}, 'PATH_NOT_FINITE'],
    ['no columns', change({ features: { rows: 10, columns: 0, data: new Float64Array(0) } }), {}, 'PATH_NO_COLUMNS'],
    [
      'one row',
      change({ features: { rows: 1, columns: 1, data: new Float64Array(1) }, target: new Float64Array(1) }),
      {},
      'PATH_TOO_FEW_ROWS',
    ],
    ['a constant target', change({ target: new Float64Array(10).fill(3) }), {}, 'PATH_TARGET'],
    ['one class', change({ target: new Float64Array(10).fill(1) }), { family: 'binomial' }, 'PATH_ONE_CLASS'],
    ['targets that are no classes', data, { family: 'binomial' }, 'PATH_TARGET'],
    ['a lambda of 0', data, { lambdas: [0] }, 'PATH_LAMBDA'],
    ['a lambda below 0', data, { lambdas: [1, -1] }, 'PATH_LAMBDA'],
    ['alpha above 1', data, { alpha: 1.5 }, 'PATH_ALPHA'],
    ['a negative weight', change({ weights: new Float64Array(10).fill(-1) }), {}, 'PATH_WEIGHT'],
    ['weights of 0', change({ weights: new Float64Array(10) }), {}, 'PATH_WEIGHT'],
    ['bounds on one side of 0', data, { lower: [1, 1] }, 'PATH_BOUNDS'],
    ['nothing that is penalised', data, { factors: [0, 0] }, 'PATH_FACTOR'],
    ['too few targets', change({ target: new Float64Array(9) }), {}, 'PATH_SHAPE'],
    [
      'nothing but constant columns',
      change({ features: { rows: 10, columns: 1, data: new Float64Array(10).fill(1) } }),
      {},
      'PATH_NOTHING_TO_FIT',
    ],
  ])('%s is one clear error', async (_name, problem, options, code) => {
    await expect(fitPath(problem, { family: 'gaussian', ...options })).rejects.toMatchObject({ code, kind: 'input' });
  });

  it('classes that a column separates end the path, which says so', async () => {
    const separated = change({
      features: { rows: 10, columns: 1, data: Float64Array.from({ length: 10 }, (_, i) => i) },
      target: Float64Array.from({ length: 10 }, (_, i) => (i < 5 ? 0 : 1)),
    });
    const path = await fitPath(separated, { family: 'binomial' });
    expect(path.stopped).toMatchObject({ reason: 'separation' });
    for (const { coefficients: values } of path.points) expect([...values].every(Number.isFinite)).toBe(true);
  });
});

describe('an interrupted path', () => {
  const data = randomProblem('gaussian', { rows: 40 });

  it('keeps the models that it has, and says so', async () => {
    const controller = new AbortController();
    const path = await fitPath(data, {
      family: 'gaussian',
      signal: controller.signal,
      onProgress: (done) => {
        if (done === 7) controller.abort();
      },
    });
    expect(path.points).toHaveLength(7);
    expect(path.stopped).toMatchObject({ reason: 'interrupted' });
  });

  it('leaves no cross-validation', async () => {
    const path = await fitPath(data, { family: 'gaussian' });
    const rows = Uint32Array.from({ length: 40 }, (_, row) => row);
    const folds = [0, 1].map((half) => ({
      train: rows.filter((row) => row % 2 !== half),
      validation: rows.filter((row) => row % 2 === half),
    }));
    const options: PathOptions = { family: 'gaussian', signal: AbortSignal.abort() };
    await expect(crossValidate(data, options, path, folds)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('names the fold whose rows cannot be fitted', async () => {
    const classes: PathData = { ...data, target: data.target.map((_, i) => (i === 0 ? 1 : 0)) };
    const path = await fitPath(classes, { family: 'binomial' });
    const rows = Uint32Array.from({ length: 40 }, (_, row) => row);
    const folds = [{ train: rows.subarray(1), validation: rows.subarray(0, 1) }];
    await expect(crossValidate(classes, { family: 'binomial' }, path, folds)).rejects.toMatchObject({
      code: 'PATH_ONE_CLASS',
      place: 'fold 1',
    });
  });
});

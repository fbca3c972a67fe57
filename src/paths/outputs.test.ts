import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossValidate } from './cross-validate.js';
import { fitPath } from './path.js';
import type { PathPoint } from './path-point.js';
import { type DenseProblem, randomProblem } from './problem.fixture.js';
import type { PathData, PathOptions } from './problem.js';
import { type ChoiceOptions, fitAndChoose } from './selection/choose.js';

type Kind = 'multinomial' | 'grouped' | 'two' | 'mgaussian';

interface Golden {
  readonly columns: number[][];
  readonly classes: number[];
  readonly targets: number[][];
  readonly weights: number[];
  readonly offset: number[][];
  readonly folds: number[];
  readonly settings: Record<string, { readonly [key: string]: unknown; 'penalty.factor'?: number[] }>;
  readonly cases: readonly {
    readonly family: Kind;
    readonly setting: string;
    readonly alpha: number;
    readonly lambdas: number[];
    /** By lambda and output, the intercept before the coefficients. */
    readonly models: number[][][];
    readonly explained: number[];
  }[];
  readonly cv: readonly {
    readonly family: Kind;
    readonly lambdas: number[];
    readonly mean: number[];
    readonly se: number[];
    readonly lambdaMin: number;
    readonly lambda1se: number;
  }[];
  readonly grid: readonly { readonly family: Kind; readonly lambdas: number[] }[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'goldens', 'outputs.json'), 'utf8')) as Golden;

const KINDS: readonly Exclude<Kind, 'two'>[] = ['multinomial', 'grouped', 'mgaussian'];

const optionsOf = (kind: Kind): PathOptions =>
  kind === 'mgaussian' ? { family: 'mgaussian' } : { family: 'multinomial', grouped: kind === 'grouped' };

function goldenData(kind: Kind, setting = 'plain'): PathData {
  const { columns, classes, targets, weights, offset } = golden;
  return {
    features: { rows: columns[0].length, columns: columns.length, data: Float64Array.from(columns.flat()) },
    target: Float64Array.from(
      kind === 'mgaussian' ? targets.flat() : kind === 'two' ? classes.map((code) => Math.min(code, 1)) : classes,
    ),
    weights: setting === 'weights' ? Float64Array.from(weights) : undefined,
    offset: setting === 'offset' ? Float64Array.from(offset.flat()) : undefined,
  };
}

/** By output, the intercept before the coefficients. */
function dense({ outputs = [] }: PathPoint, count: number): number[][] {
  return outputs.map(({ columns, coefficients, intercept }) => {
    const all = new Array<number>(count).fill(0);
    columns.forEach((column, k) => {
      all[column] = coefficients[k];
    });
    return [intercept, ...all];
  });
}

function expectNear(actual: readonly number[][], wanted: readonly number[][], within = 1e-6): void {
  expect(actual.length).toBe(wanted.length);
  actual.forEach((row, k) => {
    row.forEach((value, j) => {
      const limit = within * Math.max(1, Math.abs(wanted[k][j]));
      expect(Math.abs(value - wanted[k][j]), `output ${k}, place ${j}`).toBeLessThanOrEqual(limit);
    });
  });
}

describe('several outputs, against glmnet', () => {
  it.each(golden.cases.map((each) => [`${each.family} ${each.setting} alpha ${each.alpha}`, each] as const))(
    '%s: coefficients within 1e-6',
    async (_name, { family, setting, alpha, lambdas, models, explained }) => {
      const { standardize, intercept, 'penalty.factor': factors } = golden.settings[setting];
      const path = await fitPath(goldenData(family, setting), {
        ...optionsOf(family),
        alpha,
        lambdas,
        factors,
        standardize: standardize !== false,
        intercept: intercept !== false,
        tolerance: 1e-14,
      });
      path.points.forEach((point, k) => {
        expectNear(dense(point, 6), models[k]);
        // glmnet's null model has intercepts only, ours what is not penalised too.
        if (factors === undefined) expect(point.explained).toBeCloseTo(explained[k], 6);
      });
    },
  );

  it.each(golden.cv.map((each) => [each.family, each] as const))(
    '%s: cross-validated deviance, lambda.min and lambda.1se',
    async (family, { lambdas, mean, se, lambdaMin, lambda1se }) => {
      const data = goldenData(family, 'weights');
      const options: PathOptions = { ...optionsOf(family), lambdas, tolerance: 1e-13 };
      const rows = Uint32Array.from(golden.folds.keys());
      const folds = [1, 2, 3, 4, 5].map((fold) => ({
        train: rows.filter((row) => golden.folds[row] !== fold),
        validation: rows.filter((row) => golden.folds[row] === fold),
      }));
      const cv = await crossValidate(data, options, await fitPath(data, options), folds);
      cv.mean.forEach((value, k) => {
        expect(Math.abs(value / mean[k] - 1)).toBeLessThanOrEqual(1e-6);
        expect(Math.abs(cv.se[k] / se[k] - 1)).toBeLessThanOrEqual(1e-5);
      });
      expect(cv).toMatchObject({ lambdaMin, lambda1se });
    },
  );

  it.each(golden.grid.map((each) => [each.family, each] as const))('%s: penalties of a path', async (family, grid) => {
    const path = await fitPath(goldenData(family), { ...optionsOf(family), count: 10 });
    path.points.slice(0, grid.lambdas.length).forEach(({ lambda }, k) => {
      expect(Math.abs(lambda / grid.lambdas[k] - 1)).toBeLessThanOrEqual(1e-9);
    });
  });
});

/** Three classes, or three targets, of which each depends on other columns. */
function problemOf(kind: Kind, { rows = 60, columns = 8, seed = 1 } = {}): DenseProblem {
  const parts = [0, 1, 2].map((part) => randomProblem('gaussian', { rows, columns, seed: seed + 1000 * part }));
  const { features } = parts[0];
  const targets = parts.map(({ target }) => target);
  const lean = (i: number, k: number): number => targets[k][i] + (k + 1) * features.data[k * rows + i];
  const target =
    kind === 'mgaussian'
      ? Float64Array.from({ length: 3 * rows }, (_, at) => lean(at % rows, Math.floor(at / rows)))
      : Float64Array.from({ length: rows }, (_, i) => {
          const all = [0, 1, 2].map((k) => lean(i, k));
          return all.indexOf(Math.max(...all));
        });
  return { features, target };
}

async function coefficients(data: PathData, options: PathOptions): Promise<number[][]> {
  const { points } = await fitPath(data, { tolerance: 1e-13, count: 10, ratio: 0.02, ...options });
  return points.flatMap((point) => dense(point, data.features.columns));
}

describe.each(KINDS)('the path of several outputs, %s', (kind) => {
  const options = optionsOf(kind);

  it.each([1, 0.5, 0])('reaches the gap it is asked for, at alpha %d', async (alpha) => {
    const path = await fitPath(problemOf(kind), { ...options, alpha, count: 40, tolerance: 1e-9 });
    for (const { dualityGap, kkt, converged } of path.points) {
      expect(converged).toBe(true);
      expect(dualityGap).toBeLessThanOrEqual(1e-9);
      expect(kkt).toBeLessThanOrEqual(1e-5);
    }
  });

  it('does so with more columns than rows', async () => {
    const wide = await fitPath(problemOf(kind, { rows: 30, columns: 80 }), { ...options, count: 20, tolerance: 1e-9 });
    expect(wide.points.every(({ converged }) => converged)).toBe(true);
  });

  it('starts with no coefficient, and has one right after', async () => {
    const data = problemOf(kind);
    const { largestLambda } = await fitPath(data, { ...options, count: 2 });
    const { points } = await fitPath(data, { ...options, lambdas: [largestLambda * 1.0000001, largestLambda * 0.999] });
    expect(points.map(({ columns }) => columns.length)).toEqual([0, 1]);
    const inOutputs = (points[1].outputs ?? []).map(({ columns }) => columns.length);
    expect(inOutputs.reduce((sum, count) => sum + count, 0)).toBe(kind === 'multinomial' ? 1 : 3);
  });

  it('is the same by every kernel', async () => {
    const data = problemOf(kind, { rows: 40, columns: 30 });
    const [simd, script] = await Promise.all(
      (['simd', 'script'] as const).map((kernels) => coefficients(data, { ...options, kernels })),
    );
    expectNear(simd, script, 1e-7);
  });

  it('rescales coefficients with their column, and counts weights like repeated rows', async () => {
    const seeds = fc.record({ seed: fc.integer({ min: 0, max: 1e6 }), alpha: fc.constantFrom(1, 0.6) });
    await fc.assert(
      fc.asyncProperty(seeds, async ({ seed, alpha }) => {
        const data = problemOf(kind, { rows: 45, columns: 5, seed });
        const { rows } = data.features;
        const settings = { ...options, alpha, lambdas: [0.3, 0.1, 0.03] };
        const reference = await coefficients(data, settings);
        const scaled = data.features.data.map((value, i) => (i < rows ? value * 8 : value));
        const rescaled = await coefficients({ ...data, features: { ...data.features, data: scaled } }, settings);
        expectNear(
          rescaled.map(([intercept, first, ...rest]) => [intercept, first * 8, ...rest]),
          reference,
        );
        const weights = Float64Array.from({ length: rows }, (_, i) => 1 + (i % 3));
        const repeated = Array.from(weights).flatMap((times, i) => new Array<number>(times).fill(i));
        const parts = (from: Float64Array): number[] => Array.from({ length: from.length / rows }, (_, part) => part);
        const pick = (from: Float64Array): Float64Array =>
          Float64Array.from(parts(from).flatMap((part) => repeated.map((i) => from[part * rows + i])));
        const long: PathData = {
          features: { rows: repeated.length, columns: 5, data: pick(data.features.data) },
          target: pick(data.target),
        };
        expectNear(await coefficients({ ...data, weights }, settings), await coefficients(long, settings));
      }),
      { numRuns: 5 },
    );
  });

  it('never fits columns that are constant or left out', async () => {
    const data = problemOf(kind, { columns: 5 });
    data.features.data.fill(7, 0, data.features.rows);
    const path = await fitPath(data, { ...options, factors: [1, Number.POSITIVE_INFINITY, 1, 1, 0], count: 10 });
    expect(path.constant).toEqual([0]);
    for (const { columns } of path.points) {
      expect([...columns].every((column) => column > 1)).toBe(true);
      expect(columns).toContain(4);
    }
  });
});

describe('coefficients of classes', () => {
  it('stay within their bounds, unless they are grouped', async () => {
    const lower = [0, 0, 0, -1e9, -1e9, -1e9, -1e9, -1e9];
    const fitted = await coefficients(problemOf('multinomial'), { family: 'multinomial', lower });
    for (const [, ...row] of fitted) expect(Math.min(...row.slice(0, 3))).toBeGreaterThanOrEqual(0);
    const grouped = fitPath(problemOf('multinomial'), { family: 'multinomial', grouped: true, lower });
    await expect(grouped).rejects.toMatchObject({ code: 'PATH_BOUNDS', kind: 'input' });
  });

  it('of two classes are those of the binomial ridge, halved', async () => {
    const data = problemOf('multinomial');
    const two = { ...data, target: data.target.map((code) => Math.min(code, 1)) };
    const settings = { alpha: 0, lambdas: [0.2, 0.02], tolerance: 1e-13 };
    const classes = await fitPath(two, { ...settings, family: 'multinomial' });
    // Two halves have half the square of the whole: the same penalty is half as large.
    const binomial = await fitPath(two, { ...settings, family: 'binomial', lambdas: [0.1, 0.01] });
    classes.points.forEach((point, k) => {
      const [, second] = dense(point, 8);
      const { intercept, coefficients: whole } = binomial.points[k];
      expectNear([second], [[intercept / 2, ...whole.map((value) => value / 2)]]);
    });
  });

  it.each<[string, (codes: Float64Array) => Float64Array, string]>([
    ['no indices', (codes) => codes.map((code) => code + 0.5), 'PATH_TARGET'],
    ['one class', (codes) => codes.map(() => 1), 'PATH_ONE_CLASS'],
    ['a class without rows', (codes) => codes.map((code) => (code === 1 ? 2 : code)), 'PATH_CLASS'],
  ])('%s are one clear error', async (_name, change, code) => {
    const data = problemOf('multinomial');
    const fitted = fitPath({ ...data, target: change(data.target) }, { family: 'multinomial' });
    await expect(fitted).rejects.toMatchObject({ code, kind: 'input' });
  });

  it('that are separated end the path, which says so', async () => {
    const data = problemOf('multinomial', { rows: 12, columns: 2 });
    const features = {
      ...data.features,
      data: Float64Array.from({ length: 24 }, (_, i) => (i < 12 ? i : (i * 7) % 5)),
    };
    const target = Float64Array.from({ length: 12 }, (_, i) => Math.floor(i / 4));
    const path = await fitPath({ features, target }, { family: 'multinomial', ratio: 1e-8 });
    expect(path.stopped).toMatchObject({ reason: 'separation' });
    for (const point of path.points) expect(dense(point, 2).flat().every(Number.isFinite)).toBe(true);
  });

  it('of a fold that lacks a class are refused, naming the fold', async () => {
    const data = problemOf('multinomial');
    const target = data.target.map((code, i) => (i === 0 ? 3 : code));
    const rows = Uint32Array.from(target.keys());
    const path = await fitPath({ ...data, target }, { family: 'multinomial', count: 3 });
    const folds = [{ train: rows.subarray(1), validation: rows.subarray(0, 1) }];
    const cv = crossValidate({ ...data, target }, { family: 'multinomial' }, path, folds);
    await expect(cv).rejects.toMatchObject({ code: 'PATH_CLASS', place: 'fold 1' });
  });
});

describe('the model that is taken', () => {
  const data = problemOf('multinomial');
  const rows = Uint32Array.from({ length: 60 }, (_, row) => row);
  const folds = [0, 1].map((fold) => ({
    train: rows.filter((row) => row % 2 !== fold),
    validation: rows.filter((row) => row % 2 === fold),
  }));

  it.each(['bic', 'min'] as const)('of classes, by %s', async (by) => {
    const { chosen, criteria } = await fitAndChoose(
      data,
      { family: 'multinomial', count: 6, ratio: 0.1 },
      { by, folds },
    );
    expect(chosen.model.outputs).toHaveLength(3);
    expect(criteria?.degrees).toHaveLength(6);
  });

  it.each<[string, Partial<PathOptions>, Partial<ChoiceOptions>, string]>([
    ['by a criterion, without degrees of freedom', { grouped: true }, { by: 'bic' }, 'PATH_CRITERION'],
    ['under a penalty of one coefficient a column', {}, { penalty: { type: 'mcp' } }, 'PATH_PENALTY'],
    ['relaxed', {}, { by: 'relaxed' }, 'PATH_OUTPUTS'],
    ['of groups, adaptively', { groups: [0, 0, 0, 0, 1, 1, 1, 1] }, { penalty: { type: 'adaptive' } }, 'PATH_GROUPS'],
    ['of groups, by stability', { groups: [0, 0, 0, 0, 1, 1, 1, 1] }, { by: 'stability' }, 'PATH_GROUPS'],
  ])('%s is refused by name', async (_name, options, choice, code) => {
    const chosen = fitAndChoose(data, { family: 'multinomial', count: 6, ...options }, { by: 'min', folds, ...choice });
    await expect(chosen).rejects.toMatchObject({ code, kind: 'input' });
  });
});

describe('several targets', () => {
  it.each<[string, PathData, PathOptions, string]>([
    ['what is never ungrouped', problemOf('mgaussian'), { family: 'mgaussian', grouped: false }, 'PATH_GROUPED'],
    [
      'too few numbers',
      { ...problemOf('mgaussian'), target: problemOf('mgaussian').target.slice(1) },
      { family: 'mgaussian' },
      'PATH_SHAPE',
    ],
    [
      'one that never varies',
      { ...problemOf('mgaussian'), target: problemOf('mgaussian').target.fill(2, 60, 120) },
      { family: 'mgaussian' },
      'PATH_TARGET',
    ],
  ])('%s is one clear error', async (_name, data, options, code) => {
    await expect(fitPath(data, options)).rejects.toMatchObject({ code, kind: 'input' });
  });
});

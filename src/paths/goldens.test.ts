import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crossValidate } from './cross-validate.js';
import type { FamilyName } from './families/family.js';
import { fromGlmnet } from './glmnet.js';
import { fitPath } from './path.js';
import type { PathPoint } from './path-point.js';
import type { PathData, PathOptions } from './problem.js';

const read = <T>(name: string): T => JSON.parse(readFileSync(join(import.meta.dirname, 'goldens', name), 'utf8')) as T;

interface Glmnet {
  readonly columns: number[][];
  readonly targets: Record<FamilyName, number[]>;
  readonly weights: number[];
  readonly offset: number[];
  readonly folds: number[];
  readonly settings: Record<string, Record<string, (number | string)[] | boolean>>;
  readonly cases: readonly {
    readonly family: FamilyName;
    readonly setting: string;
    readonly alpha: number;
    readonly lambdas: number[];
    readonly intercepts: number[];
    readonly coefficients: number[][];
    readonly explained: number[];
  }[];
  readonly cv: readonly {
    readonly family: FamilyName;
    readonly lambdas: number[];
    readonly mean: number[];
    readonly se: number[];
    readonly lambdaMin: number;
    readonly lambda1se: number;
  }[];
  readonly grid: readonly { readonly family: FamilyName; readonly lambdas: number[] }[];
}

interface ScikitLearn extends Pick<Glmnet, 'columns' | 'targets' | 'weights'> {
  readonly cases: readonly {
    readonly family: FamilyName;
    readonly alpha: number;
    readonly weighted: boolean;
    readonly intercept: boolean;
    readonly strength: number;
    readonly b0: number;
    readonly b: number[];
  }[];
}

const features = (columns: readonly (readonly number[])[]): PathData['features'] => ({
  rows: columns[0].length,
  columns: columns.length,
  data: Float64Array.from(columns.flat()),
});

function expectModel({ columns, coefficients, intercept }: PathPoint, b0: number, b: readonly number[]): void {
  const all = new Array<number>(b.length).fill(0);
  columns.forEach((column, k) => {
    all[column] = coefficients[k];
  });
  expect(Math.abs(intercept - b0)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(b0)));
  b.forEach((value, j) => {
    expect(Math.abs(all[j] - value), `column ${j}`).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value)));
  });
}

describe('against glmnet', () => {
  const golden = read<Glmnet>('glmnet.json');
  const { columns, targets, weights, offset, settings } = golden;
  const numbers = (values: (number | string)[] | boolean | undefined): number[] | undefined =>
    Array.isArray(values) ? values.map((value) => Number(String(value).replace('Inf', 'Infinity'))) : undefined;

  it.each(golden.cases.map((each) => [`${each.family} ${each.setting} alpha ${each.alpha}`, each] as const))(
    '%s: coefficients within 1e-6',
    async (_name, { family, setting, alpha, lambdas, intercepts, coefficients, explained }) => {
      const options = settings[setting];
      const intercept = options.intercept !== false;
      const data: PathData = {
        features: features(columns),
        target: Float64Array.from(targets[family]),
        weights: setting === 'weights' || setting === 'all' ? Float64Array.from(weights) : undefined,
        offset: setting === 'offset' || setting === 'all' ? Float64Array.from(offset) : undefined,
      };
      const deviation = family === 'gaussian' ? deviationOf(data, intercept) : 1;
      const translated = lambdas.map((lambda) => fromGlmnet({ lambda, alpha }, deviation));
      const path = await fitPath(data, {
        family,
        alpha: translated[0].alpha,
        lambdas: translated.map(({ lambda }) => lambda),
        standardize: options.standardize !== false,
        intercept,
        factors: numbers(options['penalty.factor']),
        lower: numbers(options['lower.limits']),
        upper: numbers(options['upper.limits']),
        tolerance: 1e-14,
      });
      path.points.forEach((point, k) => {
        expectModel(point, intercepts[k], coefficients[k]);
        // glmnet's null model has an intercept only, ours what is not penalised too.
        if (options['penalty.factor'] === undefined) expect(point.explained).toBeCloseTo(explained[k], 6);
      });
    },
  );

  it.each(golden.cv.map((each) => [each.family, each] as const))(
    '%s: cross-validated deviance, lambda.min and lambda.1se',
    async (family, { lambdas, mean, se, lambdaMin, lambda1se }) => {
      const data: PathData = {
        features: features(columns),
        target: Float64Array.from(targets[family]),
        weights: Float64Array.from(weights),
      };
      const options: PathOptions = { family, lambdas, tolerance: 1e-13 };
      const path = await fitPath(data, options);
      const rows = Uint32Array.from(golden.folds.keys());
      const folds = [1, 2, 3, 4, 5].map((fold) => ({
        train: rows.filter((row) => golden.folds[row] !== fold),
        validation: rows.filter((row) => golden.folds[row] === fold),
      }));
      const cv = await crossValidate(data, options, path, folds);
      cv.mean.forEach((value, k) => {
        expect(Math.abs(value / mean[k] - 1)).toBeLessThanOrEqual(1e-6);
        expect(Math.abs(cv.se[k] / se[k] - 1)).toBeLessThanOrEqual(1e-5);
      });
      expect(cv).toMatchObject({ lambdaMin, lambda1se });
    },
  );

  it.each(golden.grid.map((each) => [each.family, each] as const))(
    '%s: penalties of a path',
    async (family, { lambdas }) => {
      const data: PathData = { features: features(columns), target: Float64Array.from(targets[family]) };
      const path = await fitPath(data, { family, count: 10 });
      path.points.slice(0, lambdas.length).forEach(({ lambda }, k) => {
        expect(Math.abs(lambda / lambdas[k] - 1)).toBeLessThanOrEqual(1e-9);
      });
    },
  );
});

describe('against scikit-learn', () => {
  const golden = read<ScikitLearn>('scikit-learn.json');
  const { columns, targets, weights } = golden;
  const name = ({ family, alpha, weighted, intercept, strength }: ScikitLearn['cases'][number]): string =>
    `${family} alpha ${alpha} strength ${strength}${weighted ? ' weighted' : ''}${intercept ? '' : ' through the origin'}`;

  it.each(golden.cases.map((each) => [name(each), each] as const))(
    '%s: coefficients within 1e-6',
    async (_name, { family, alpha, weighted, intercept, strength, b0, b }) => {
      const data: PathData = {
        features: features(columns),
        target: Float64Array.from(targets[family]),
        weights: weighted ? Float64Array.from(weights) : undefined,
      };
      const options: PathOptions = {
        family,
        alpha,
        intercept,
        lambdas: [strength],
        standardize: false,
        tolerance: 1e-14,
      };
      const { points } = await fitPath(data, options);
      expectModel(points[0], b0, b);
    },
  );
});

function deviationOf({ target, weights, offset }: PathData, centred: boolean): number {
  const left = target.map((value, i) => value - (offset?.[i] ?? 0));
  const by = weights ?? new Float64Array(left.length).fill(1);
  const sum = by.reduce((total, weight) => total + weight, 0);
  const mean = centred ? left.reduce((total, value, i) => total + by[i] * value, 0) / sum : 0;
  return Math.sqrt(left.reduce((total, value, i) => total + by[i] * (value - mean) ** 2, 0) / sum);
}

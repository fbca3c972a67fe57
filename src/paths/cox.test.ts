import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { concordanceOf } from '../numeric/concordance.js';
import { crossValidate } from './cross-validate.js';
import { fitPath, linearPredictor } from './path.js';
import type { PathData, PathOptions } from './problem.js';

interface Golden {
  readonly columns: number[][];
  readonly time: number[];
  readonly event: number[];
  readonly weights: number[];
  readonly offset: number[];
  readonly folds: number[];
  readonly settings: Record<string, Record<string, number[] | boolean>>;
  readonly cases: readonly {
    readonly setting: string;
    readonly alpha: number;
    readonly lambdas: number[];
    readonly coefficients: number[][];
    readonly explained: number[];
  }[];
  readonly cv: readonly {
    readonly measure: 'deviance' | 'C';
    readonly lambdas: number[];
    readonly mean: number[];
    readonly se: number[];
    readonly lambdaMin: number;
    readonly lambda1se: number;
  }[];
  readonly grid: number[];
  readonly free: {
    readonly coefficients: number[];
    readonly logLikelihood: number[];
    readonly concordance: number;
    readonly weighted: number;
    readonly eta: number[];
  };
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'goldens', 'cox.json'), 'utf8')) as Golden;
const wide = (values: number[]): Float64Array => Float64Array.from(values);
const data: PathData = {
  features: { rows: golden.time.length, columns: golden.columns.length, data: wide(golden.columns.flat()) },
  target: wide(golden.time),
  event: wide(golden.event),
};

function dense({ columns, coefficients }: { columns: Int32Array; coefficients: Float64Array }): number[] {
  const all = golden.columns.map(() => 0);
  columns.forEach((column, k) => {
    all[column] = coefficients[k];
  });
  return all;
}

const numbers = (values: number[] | boolean | undefined): number[] | undefined =>
  Array.isArray(values) ? values : undefined;

describe("Cox's model against glmnet", () => {
  it.each(golden.cases.map((each) => [`${each.setting} alpha ${each.alpha}`, each] as const))(
    '%s: coefficients within 1e-6',
    async (_name, { setting, alpha, lambdas, coefficients, explained }) => {
      const settings = golden.settings[setting];
      const path = await fitPath(
        {
          ...data,
          weights: setting === 'weights' ? wide(golden.weights) : undefined,
          offset: setting === 'offset' ? wide(golden.offset) : undefined,
        },
        {
          family: 'cox',
          alpha,
          lambdas,
          standardize: settings.standardize !== false,
          factors: numbers(settings['penalty.factor']),
          lower: numbers(settings['lower.limits']),
          upper: numbers(settings['upper.limits']),
          tolerance: 1e-13,
        },
      );
      path.points.forEach((point, k) => {
        dense(point).forEach((value, j) => {
          expect(Math.abs(value - coefficients[k][j]), `column ${j}`).toBeLessThanOrEqual(1e-6);
        });
        // glmnet's null model is that of no column, ours has the columns that are not penalised.
        if (setting !== 'factors') expect(point.explained).toBeCloseTo(explained[k], 6);
        expect(point.intercept).toBe(0);
        expect(point.dualityGap).toBeLessThanOrEqual(1e-12);
      });
    },
  );

  it('penalties of a path', async () => {
    const path = await fitPath(data, { family: 'cox', count: 10 });
    path.points.forEach(({ lambda }, k) => {
      expect(Math.abs(lambda / golden.grid[k] - 1)).toBeLessThanOrEqual(1e-6);
    });
  });

  it.each(golden.cv.map((each) => [each.measure, each] as const))('cross-validated %s', async (measure, expected) => {
    const weighted = measure === 'C' ? { ...data, weights: wide(golden.weights) } : data;
    const options: PathOptions = { family: 'cox', lambdas: expected.lambdas, tolerance: 1e-12 };
    const path = await fitPath(weighted, options);
    const rows = Uint32Array.from(golden.folds.keys());
    const folds = [1, 2, 3, 4, 5].map((fold) => ({
      train: rows.filter((row) => golden.folds[row] !== fold),
      validation: rows.filter((row) => golden.folds[row] === fold),
    }));
    const cv = await crossValidate(weighted, options, path, folds);
    if (measure === 'deviance') {
      expect(cv).toMatchObject({ lambdaMin: expected.lambdaMin, lambda1se: expected.lambda1se });
      cv.mean.forEach((value, k) => {
        expect(Math.abs(value / expected.mean[k] - 1)).toBeLessThanOrEqual(1e-6);
        expect(Math.abs(cv.se[k] / expected.se[k] - 1)).toBeLessThanOrEqual(1e-5);
      });
    } else {
      cv.concordance?.mean.forEach((value, k) => {
        expect(value).toBeCloseTo(expected.mean[k], 6);
        expect(cv.concordance?.se[k]).toBeCloseTo(expected.se[k], 6);
      });
      expect(cv.concordance?.mean).toHaveLength(expected.mean.length);
    }
  });

  it("comes to survival's own fit where the penalty is next to nothing, and to its concordance", async () => {
    const { free } = golden;
    const weighted = { ...data, weights: wide(golden.weights) };
    const { points } = await fitPath(weighted, { family: 'cox', lambdas: [1e-10], tolerance: 1e-13 });
    dense(points[0]).forEach((value, j) => {
      expect(value).toBeCloseTo(free.coefficients[j], 6);
    });
    const ranked = { time: golden.time, event: golden.event, risk: free.eta };
    expect(concordanceOf(ranked)()).toBeCloseTo(free.concordance, 12);
    expect(concordanceOf(ranked)(golden.weights)).toBeCloseTo(free.weighted, 12);
  });

  it('only tells rows apart: a constant added to the offset changes nothing', async () => {
    const options: PathOptions = { family: 'cox', count: 10, tolerance: 1e-12 };
    const [plain, shifted] = await Promise.all([
      fitPath(data, options),
      fitPath({ ...data, offset: new Float64Array(golden.time.length).fill(3) }, options),
    ]);
    plain.points.forEach((point, k) => {
      linearPredictor(point, data.features).forEach((eta, i) => {
        expect(eta).toBeCloseTo(linearPredictor(shifted.points[k], data.features)[i], 5);
      });
    });
  });

  it('weights equal repeated rows', async () => {
    const { rows, columns, data: values } = { data: new Float64Array(0), ...data.features };
    const twice = Array.from({ length: rows }, (_, i) => (i < 20 ? [i, i] : [i])).flat();
    const repeated: PathData = {
      features: {
        rows: twice.length,
        columns,
        data: Float64Array.from({ length: twice.length * columns }, (_, at) => {
          const [j, i] = [Math.floor(at / twice.length), at % twice.length];
          return values[j * rows + twice[i]];
        }),
      },
      target: Float64Array.from(twice, (i) => golden.time[i]),
      event: Float64Array.from(twice, (i) => golden.event[i]),
    };
    const options: PathOptions = { family: 'cox', lambdas: [0.1, 0.02], tolerance: 1e-13 };
    const weights = Float64Array.from({ length: rows }, (_, i) => (i < 20 ? 2 : 1));
    const [weighted, written] = await Promise.all([fitPath({ ...data, weights }, options), fitPath(repeated, options)]);
    weighted.points.forEach((point, k) => {
      dense(point).forEach((value, j) => {
        expect(value).toBeCloseTo(dense(written.points[k])[j], 6);
      });
    });
  });

  it('is exact where columns are many and rows few', async () => {
    const columns = 300;
    const rows = golden.time.length;
    let state = 1;
    const next = (): number => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647 - 0.5;
    };
    const features = { rows, columns, data: Float64Array.from({ length: rows * columns }, next) };
    for (const alpha of [1, 0.5, 0]) {
      const path = await fitPath({ ...data, features }, { family: 'cox', alpha, count: 20, tolerance: 1e-9 });
      for (const { dualityGap, kkt, converged } of path.points) {
        expect(converged).toBe(true);
        expect(dualityGap).toBeLessThanOrEqual(1e-9);
        expect(kkt).toBeLessThanOrEqual(1e-4);
      }
    }
  });
});

describe('survival times that cannot be fitted', () => {
  const changed = (change: Partial<PathData>): PathData => ({ ...data, ...change });
  it.each<[string, PathData, string]>([
    ['without events', changed({ event: undefined }), 'PATH_EVENT'],
    ['with an event that is neither seen nor not', changed({ event: data.target.map(() => 0.5) }), 'PATH_EVENT'],
    ['of which none ended', changed({ event: data.target.map(() => 0) }), 'PATH_EVENT'],
    ['below 0', changed({ target: data.target.map((time) => -time) }), 'PATH_TARGET'],
    ['with fewer events than rows', changed({ event: new Float64Array(3) }), 'PATH_SHAPE'],
  ])('%s are one clear error', async (_name, problem, code) => {
    await expect(fitPath(problem, { family: 'cox' })).rejects.toMatchObject({ code, kind: 'input' });
  });
});

import { describe, expect, it } from 'vitest';
import { crossValidate } from '../cross-validate.js';
import { fitPath } from '../path.js';
import { randomProblem } from '../problem.fixture.js';
import { fitAndChoose } from './choose.js';
import { adaptivePath } from './penalized.js';

const folds = [0, 1, 2].map((fold) => {
  const rows = Uint32Array.from({ length: 90 }, (_, row) => row);
  return { train: rows.filter((row) => row % 3 !== fold), validation: rows.filter((row) => row % 3 === fold) };
});

describe('the adaptive lasso', () => {
  const problem = randomProblem('gaussian', { rows: 90 });

  it('is the lasso of columns that are stretched by their pilot coefficients', async () => {
    const options = { family: 'gaussian', tolerance: 1e-12 } as const;
    const pilot = 0.1;
    const adaptive = await adaptivePath(problem, { ...options, lambdas: [0.02, 0.01] }, { pilot });
    const first = await fitPath(problem, { ...options, lambdas: [pilot] });
    const [{ columns, coefficients }] = first.points;
    const { rows, data } = problem.features;
    const stretched = new Float64Array(rows * columns.length);
    columns.forEach((column, k) => {
      const stretch = Math.abs(coefficients[k]);
      for (let i = 0; i < rows; i++) stretched[k * rows + i] = data[column * rows + i] * stretch;
    });
    // Not standardised, a column x |b| has the coefficient of x at a penalty of 1 / |b|; both are in standardised units.
    const byHand = await fitPath(
      { features: { rows, columns: columns.length, data: stretched }, target: problem.target },
      { ...options, standardize: false, lambdas: [0.02, 0.01] },
    );
    adaptive.points.forEach((point, at) => {
      point.columns.forEach((column, k) => {
        const place = columns.indexOf(column);
        const other = byHand.points[at];
        const value = other.coefficients[other.columns.indexOf(place)] * Math.abs(coefficients[place]);
        expect(point.coefficients[k]).toBeCloseTo(value, 5);
      });
      expect(point.columns).toHaveLength(byHand.points[at].columns.length);
    });
  });

  it('chooses its pilot by cross-validation and makes it anew in every fold', async () => {
    const options = { family: 'gaussian', count: 25 } as const;
    const { path, cv, shape, chosen } = await fitAndChoose(problem, options, {
      by: 'min',
      folds,
      penalty: { type: 'adaptive' },
    });
    const lasso = await fitPath(problem, options);
    const { lambdaMin, indexMin } = await crossValidate(problem, options, lasso, folds);
    expect(shape).toEqual({ type: 'adaptive', pilot: lambdaMin });
    expect(cv.mean).toHaveLength(path.points.length);
    expect(chosen.model.columns.length).toBeLessThanOrEqual(lasso.points[indexMin].columns.length);
  });

  it('has models without columns where its pilot has none', async () => {
    const path = await adaptivePath(problem, { family: 'gaussian', lambdas: [0.2, 0.1] }, { pilot: 1e3 });
    expect(path.points.map(({ columns, lambda }) => [columns.length, lambda])).toEqual([
      [0, 0.2],
      [0, 0.1],
    ]);
  });
});

describe('the concave penalties', () => {
  it('are cross-validated and chosen from like any path', async () => {
    const problem = randomProblem('binomial', { rows: 90 });
    for (const type of ['mcp', 'scad'] as const) {
      const { path, cv, chosen } = await fitAndChoose(
        problem,
        { family: 'binomial', count: 15, ratio: 0.05 },
        { by: '1se', folds, penalty: { type } },
      );
      expect(path.points.every(({ converged }) => converged)).toBe(true);
      expect(chosen.index).toBe(cv.index1se);
    }
  });

  it('do not go with selections that look at where columns enter', async () => {
    const chosen = fitAndChoose(
      randomProblem('gaussian', { rows: 90 }),
      { family: 'gaussian' },
      { by: 'stability', folds, penalty: { type: 'mcp' } },
    );
    await expect(chosen).rejects.toMatchObject({ code: 'PATH_PENALTY' });
  });
});

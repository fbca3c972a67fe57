import { describe, expect, it } from 'vitest';
import { derive } from '../../numeric/random.js';
import { linearPredictor } from '../path.js';
import { randomProblem } from '../problem.fixture.js';
import { fitAndChoose } from './choose.js';
import { knockoffSelection } from './knockoffs.js';
import { nestedEstimate } from './nested.js';
import { stabilitySelection } from './stability.js';

const folds = (rows: number, count = 4) =>
  Array.from({ length: count }, (_, fold) => {
    const all = Uint32Array.from({ length: rows }, (_row, row) => row);
    return { train: all.filter((row) => row % count !== fold), validation: all.filter((row) => row % count === fold) };
  });

describe('the bounds of stability selection', () => {
  // Theorems 1 and 2 of Shah and Samworth (2013), by hand.
  it.each([
    { threshold: 0.75, perHalf: 3, none: 1.5, unimodal: 9 / (12 * 2 * (0.5 - 1 / 40)) },
    { threshold: 0.9, perHalf: 4, none: 16 / (0.8 * 12), unimodal: ((4 * (0.1 + 1 / 40)) / (1 + 1 / 20)) * (16 / 12) },
  ])('at $threshold are those of the papers', async ({ threshold, perHalf, none, unimodal }) => {
    const found = await stabilitySelection(
      randomProblem('gaussian'),
      { family: 'gaussian' },
      { pairs: 20, threshold, perHalf },
    );
    expect(found.expectedFalse).toBeCloseTo(none, 12);
    expect(found.expectedFalseUnimodal).toBeCloseTo(unimodal, 12);
  });

  it('say how many columns a half may select', async () => {
    const options = { pairs: 4, threshold: 0.9, expectedFalse: 1 };
    const found = await stabilitySelection(randomProblem('gaussian'), { family: 'gaussian' }, options);
    expect(found.perHalf).toBe(3);
    expect(found.expectedFalse).toBeLessThanOrEqual(1);
    for (const [column, shares] of found.paths) {
      expect(shares[found.perHalf - 1]).toBe(found.frequencies[column]);
      expect([...shares]).toEqual([...shares].sort((a, b) => a - b));
    }
  });

  it('are of the columns that compete: those without penalty are neither selected nor counted', async () => {
    const factors = Float64Array.from({ length: 12 }, (_, column) => (column < 2 ? 0 : 1));
    const found = await stabilitySelection(randomProblem('gaussian'), { family: 'gaussian', factors }, { pairs: 4 });
    expect(found.candidates).toBe(10);
    expect(found.selected).not.toContain(0);
    expect(found.frequencies[0]).toBe(0);
  });

  it('cannot be as low as wanted of few columns', async () => {
    const wanted = stabilitySelection(randomProblem('gaussian'), { family: 'gaussian' }, { expectedFalse: 0.01 });
    await expect(wanted).rejects.toMatchObject({ code: 'PATH_STABILITY' });
  });
});

describe('knockoffs', () => {
  it('leave out what repeats others or never varies, and say so', async () => {
    const { features, target } = randomProblem('gaussian', { rows: 400 });
    const data = new Float64Array(400 * 14);
    data.set(features.data);
    for (let i = 0; i < 400; i++) data[12 * 400 + i] = features.data[i] - 2 * features.data[3 * 400 + i];
    data.fill(7, 13 * 400);
    const problem = { features: { rows: 400, columns: 14, data }, target };
    const found = await knockoffSelection(problem, { family: 'gaussian' }, { rate: 0.5 });
    expect(found.leftOut).toEqual([12, 13]);
    expect(found.selected).toEqual(expect.arrayContaining([0, 1, 2]));
  });

  it('do not select a column that is not penalised, and count it in all the same', async () => {
    const factors = Float64Array.from({ length: 12 }, (_, column) => (column === 0 ? 0 : 1));
    const problem = randomProblem('gaussian', { rows: 400 });
    const found = await knockoffSelection(problem, { family: 'gaussian', factors }, { rate: 0.5 });
    expect(found.selected).not.toContain(0);
    expect(found.selected).toEqual(expect.arrayContaining([1, 2]));
  });
});

describe('a model that is chosen', () => {
  it('by stability is the fit of its columns without penalty, with those that never are penalised', async () => {
    const problem = randomProblem('gaussian', { rows: 200 });
    const factors = Float64Array.from({ length: 12 }, (_, column) => (column === 11 ? 0 : 1));
    const options = { family: 'gaussian', factors, count: 20 } as const;
    const { chosen } = await fitAndChoose(problem, options, {
      by: 'stability',
      folds: folds(200),
      stability: { pairs: 5 },
    });
    expect([...chosen.model.columns]).toEqual([...(chosen.stability?.selected ?? []), 11].sort((a, b) => a - b));
    const eta = linearPredictor(chosen.model, problem.features);
    for (const column of chosen.model.columns) {
      const own = problem.features.data.subarray(column * 200, (column + 1) * 200);
      const product = own.reduce((sum, value, i) => sum + value * (problem.target[i] - eta[i]), 0) / 200;
      expect(Math.abs(product)).toBeLessThan(1e-6);
    }
  });

  it('relaxed is of no more cross-validated error than the best of the path', async () => {
    const problem = randomProblem('binomial', { rows: 150 });
    const options = { family: 'binomial', count: 20, ratio: 0.01 } as const;
    const { cv, chosen } = await fitAndChoose(problem, options, { by: 'relaxed', folds: folds(150) });
    expect(cv.relaxed?.map(({ share }) => share)).toEqual([0.75, 0.5, 0.25, 0]);
    expect(chosen.relaxed?.mean).toBeLessThanOrEqual(Math.min(...cv.mean));
  });

  it('is without columns where the target has nothing to do with any', async () => {
    const random = derive(5, 'noise');
    const problem = { ...randomProblem('gaussian'), target: Float64Array.from({ length: 60 }, () => random.normal()) };
    const { chosen } = await fitAndChoose(
      problem,
      { family: 'gaussian', count: 20 },
      { by: 'stability', folds: folds(60), stability: { threshold: 1 } },
    );
    expect(chosen.model.columns).toHaveLength(0);
    expect(chosen.model.intercept).toBeCloseTo(problem.target.reduce((sum, value) => sum + value, 0) / 60, 8);
  });

  it('stops short of coefficients without end where its columns separate the classes', async () => {
    const { features } = randomProblem('gaussian');
    const target = Float64Array.from({ length: 60 }, (_, i) => Number(features.data[i] > 0));
    const { chosen } = await fitAndChoose(
      { features, target },
      { family: 'binomial', count: 20 },
      { by: 'stability', folds: folds(60), stability: { pairs: 4 } },
    );
    expect(chosen.stopped?.reason).toBe('separation');
    expect(chosen.model.coefficients.every(Number.isFinite)).toBe(true);
  });
});

describe('the nested estimate', () => {
  it('predicts every row by a model that has not seen it, whatever the rule', async () => {
    const problem = randomProblem('gaussian', { rows: 80 });
    const options = { family: 'gaussian', count: 20 } as const;
    const found = await nestedEstimate(problem, options, folds(80), (rows) => folds(rows.length), {
      by: 'stability',
      stability: { pairs: 3 },
    });
    expect(found.predictors.every(Number.isFinite)).toBe(true);
    const errors = found.predictors.map((value, i) => (value - problem.target[i]) ** 2);
    const mean = errors.reduce((sum, value) => sum + value, 0) / 80;
    expect(mean).toBeCloseTo(found.mean, 10);
  });
});

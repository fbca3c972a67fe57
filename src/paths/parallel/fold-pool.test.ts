import { afterEach, describe, expect, it } from 'vitest';
import { crossValidate } from '../cross-validate.js';
import { fitPath } from '../path.js';
import { randomProblem } from '../problem.fixture.js';
import { type FoldPool, openFoldPool } from './fold-pool.js';

const ROWS = 90;
const folds = [0, 1, 2].map((fold) => {
  const rows = Uint32Array.from({ length: ROWS }, (_, row) => row);
  return { train: rows.filter((row) => row % 3 !== fold), validation: rows.filter((row) => row % 3 === fold) };
});

let pool: FoldPool | undefined;
afterEach(async () => {
  await pool?.close();
  pool = undefined;
});

describe('folds in threads', () => {
  const problem = randomProblem('binomial', { rows: ROWS });
  const options = {
    family: 'binomial',
    count: 15,
    ratio: 0.05,
    lower: new Float64Array(12).fill(-1),
    factors: Float64Array.from({ length: 12 }, (_, column) => (column === 11 ? Number.POSITIVE_INFINITY : 1)),
  } as const;

  it('give what folds in this thread give, to the bit, relaxed and adaptive too', async () => {
    pool = openFoldPool(2);
    const path = await fitPath(problem, options);
    for (const how of [{}, { shares: [0.5, 0] }, { shape: { type: 'adaptive', pilot: 0.02 } as const }]) {
      const here = await crossValidate(problem, options, path, folds, how);
      let told = 0;
      const telling = {
        ...options,
        onProgress: (done: number) => {
          told = Math.max(told, done);
        },
      };
      const there = await crossValidate(problem, telling, path, folds, { ...how, runner: pool });
      expect(there).toEqual(here);
      expect(told).toBeLessThanOrEqual(45);
    }
  });

  it('tell what is wrong with one, with its place, and leave the others', async () => {
    pool = openFoldPool(2);
    const path = await fitPath(problem, options);
    const odd = { train: Uint32Array.of(0), validation: Uint32Array.of(1, 2) };
    const failing = crossValidate(problem, options, path, [folds[0], odd, ...folds], { runner: pool });
    await expect(failing).rejects.toMatchObject({ code: 'PATH_TOO_FEW_ROWS', place: 'fold 2' });
  });

  it('stop when they are asked to', async () => {
    pool = openFoldPool(2);
    const large = randomProblem('binomial', { rows: 400, columns: 300, seed: 2 });
    const positions = Uint32Array.from({ length: 400 }, (_, row) => row);
    const many = Array.from({ length: 8 }, () => ({ train: positions, validation: positions.subarray(0, 50) }));
    const stopping = new AbortController();
    const path = await fitPath(large, { family: 'binomial', count: 5 });
    const lambdas = Array.from({ length: 3000 }, (_, k) => path.largestLambda * 0.999 ** k);
    const points = lambdas.map((lambda) => ({ ...path.points[0], lambda }));
    const running = crossValidate(
      large,
      { family: 'binomial', tolerance: 1e-12, signal: stopping.signal },
      { ...path, points },
      many,
      { runner: pool },
    );
    setTimeout(() => stopping.abort(), 1500);
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED', kind: 'cancelled' });
  });
});

describe('repeated cross-validation', () => {
  it('is the mean of its repetitions, and no surer of itself for them', async () => {
    const problem = randomProblem('gaussian', { rows: ROWS });
    const options = { family: 'gaussian', count: 10 } as const;
    const path = await fitPath(problem, options);
    const shifted = folds.map(({ validation }) => {
      const held = validation.map((row) => (row + (row % 2) * 3) % ROWS);
      const rows = Uint32Array.from({ length: ROWS }, (_, row) => row);
      return { train: rows.filter((row) => !held.includes(row)), validation: held };
    });
    const [one, other] = [
      await crossValidate(problem, options, path, folds),
      await crossValidate(problem, options, path, shifted),
    ];
    const both = await crossValidate(problem, options, path, [...folds, ...shifted], { repeats: 2 });
    both.mean.forEach((value, k) => {
      expect(value).toBeCloseTo((one.mean[k] + other.mean[k]) / 2, 10);
      expect(both.se[k]).toBeCloseTo((one.se[k] + other.se[k]) / 2, 10);
    });
  });
});

import { describe, expect, it } from 'vitest';
import { derive } from '../../numeric/random.js';
import { crossValidate } from '../cross-validate.js';
import { fitPath } from '../path.js';
import type { DenseProblem } from '../problem.fixture.js';
import { debiasedIntervals } from './debiased.js';
import { knockoffSelection } from './knockoffs.js';
import { nestedEstimate } from './nested.js';
import { adaptiveFactors, relaxedPath } from './refit.js';
import { stabilitySelection } from './stability.js';

/** Normal columns, neighbours correlated, of which the first few matter. */
function draw(
  seed: number,
  { rows = 100, columns = 40, matter = 5, size = 0.7, correlation = 0.3 } = {},
): DenseProblem {
  const random = derive(seed, 'selection');
  const data = new Float64Array(rows * columns);
  const target = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let last = 0;
    for (let j = 0; j < columns; j++) {
      last = correlation * last + Math.sqrt(1 - (j === 0 ? 0 : correlation ** 2)) * random.normal();
      data[j * rows + i] = last;
      // What matters is spread over the columns, so that neighbours of it do not.
      if (j % Math.floor(columns / matter) === 0) target[i] += size * last;
    }
    target[i] += random.normal();
  }
  return { features: { rows, columns, data }, target };
}

const matters = (column: number): boolean => column % 8 === 0;
const thirds = (count: number) =>
  [0, 1, 2].map((fold) => {
    const rows = Uint32Array.from({ length: count }, (_, row) => row);
    return { train: rows.filter((row) => row % 3 !== fold), validation: rows.filter((row) => row % 3 === fold) };
  });

describe('stability selection', () => {
  it('keeps the expected number of wrong columns below its bound, in simulation', async () => {
    let wrong = 0;
    let right = 0;
    let bound = 0;
    const simulations = 6;
    for (let seed = 0; seed < simulations; seed++) {
      const found = await stabilitySelection(draw(seed), { family: 'gaussian' }, { pairs: 15, seed });
      wrong += found.selected.filter((column) => !matters(column)).length;
      right += found.selected.filter(matters).length;
      bound = found.expectedFalse;
    }
    expect(wrong / simulations).toBeLessThanOrEqual(bound);
    expect(right / simulations).toBeGreaterThanOrEqual(4);
  });

  it('refuses a threshold that bounds nothing', async () => {
    await expect(stabilitySelection(draw(1), { family: 'gaussian' }, { threshold: 0.5 })).rejects.toMatchObject({
      code: 'PATH_STABILITY',
    });
  });
});

describe('knockoffs', () => {
  it('keep the share of wrong columns near the rate, in simulation, and find what matters', async () => {
    const rate = 0.3;
    const shares: number[] = [];
    let power = 0;
    const simulations = 20;
    for (let seed = 0; seed < simulations; seed++) {
      const { selected } = await knockoffSelection(draw(seed, { rows: 300 }), { family: 'gaussian' }, { rate, seed });
      shares.push(selected.filter((column) => !matters(column)).length / Math.max(1, selected.length));
      power += selected.filter(matters).length / 5;
    }
    const mean = shares.reduce((sum, share) => sum + share, 0) / simulations;
    // Two standard errors of a mean of shares that are spread like these.
    expect(mean).toBeLessThanOrEqual(rate + 2 * (0.3 / Math.sqrt(simulations)));
    expect(power / simulations).toBeGreaterThan(0.6);
  });

  it('refuse columns whose covariance cannot be told', async () => {
    await expect(knockoffSelection(draw(1, { rows: 60 }), { family: 'gaussian' })).rejects.toMatchObject({
      code: 'PATH_KNOCKOFFS',
    });
  });
});

describe('de-biased intervals', () => {
  it('cover the true coefficients as often as they say, in simulation', async () => {
    let covered = 0;
    let asked = 0;
    for (let seed = 0; seed < 25; seed++) {
      const data = draw(seed);
      const path = await fitPath(data, { family: 'gaussian', tolerance: 1e-6, count: 40 });
      const cv = await crossValidate(data, { family: 'gaussian', tolerance: 1e-6 }, path, thirds(100));
      const columns = [0, 1, 8, 11, 16, 30];
      const intervals = await debiasedIntervals(data, path.points[cv.indexMin], columns);
      for (const { column, interval } of intervals) {
        const truth = matters(column) ? 0.7 : 0;
        asked++;
        if (interval[0] <= truth && truth <= interval[1]) covered++;
      }
    }
    expect(covered / asked).toBeGreaterThan(0.9);
    expect(covered / asked).toBeLessThan(0.995);
  });
});

describe('the nested estimate', () => {
  it('is no lower on average than the least error of the cross-validation that chose', async () => {
    let difference = 0;
    for (let seed = 0; seed < 6; seed++) {
      const data = draw(seed, { rows: 60, size: 0.3 });
      const options = { family: 'gaussian', tolerance: 1e-5, count: 30 } as const;
      const path = await fitPath(data, options);
      const cv = await crossValidate(data, options, path, thirds(60));
      const nested = await nestedEstimate(data, options, thirds(60), (rows) => thirds(rows.length));
      difference += nested.mean - cv.mean[cv.indexMin];
    }
    expect(difference).toBeGreaterThan(0);
  });
});

describe('fits after a fit', () => {
  it('relaxed to the end is least squares on the chosen columns', async () => {
    const data = draw(3);
    const path = await fitPath(data, { family: 'gaussian', count: 10, ratio: 0.2 });
    const relaxed = await relaxedPath(data, { family: 'gaussian' }, path);
    const { columns, coefficients, intercept } = relaxed[relaxed.length - 1];
    const { rows, data: x } = data.features;
    const residual = data.target.map((value, i) => {
      let rest = value - intercept;
      columns.forEach((column, k) => {
        rest -= coefficients[k] * x[column * rows + i];
      });
      return rest;
    });
    for (const column of columns) {
      const product = residual.reduce((sum, value, i) => sum + value * x[column * rows + i], 0) / rows;
      expect(Math.abs(product)).toBeLessThanOrEqual(1e-7);
    }
  });

  it('adaptive penalties leave fewer columns that do not matter', async () => {
    const data = draw(4, { rows: 200 });
    const path = await fitPath(data, { family: 'gaussian' });
    const cv = await crossValidate(data, { family: 'gaussian' }, path, thirds(200));
    const pilot = path.points[cv.indexMin];
    const options = { family: 'gaussian', factors: adaptiveFactors(path, pilot) } as const;
    const adaptive = await fitPath(data, options);
    const again = await crossValidate(data, options, adaptive, thirds(200));
    const chosen = adaptive.points[again.indexMin];
    expect([...chosen.columns].filter(matters)).toHaveLength(5);
    expect(chosen.columns.length).toBeLessThan(pilot.columns.length);
  });
});

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { FEATURES, problem, trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { correlation } from '../../numeric/statistics.js';
import { chiSquareTest, ksTwoSample } from '../../numeric/two-sample.js';
import type { PreparationContext } from '../regularizer.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import type { Matrix } from '../synthetic-rows/real-rows.js';
import { factorOf } from './correlation.js';
import { fitCopula } from './fit.js';
import { gaussianCopula } from './index.js';
import { latentOfCategories, latentOfNumbers } from './latent.js';
import { shareOut } from './rows.js';

interface Golden {
  readonly truth: readonly (readonly number[])[];
  readonly columns: readonly (readonly number[])[];
  readonly scipy: readonly (readonly number[])[];
  readonly copulas: readonly (readonly number[])[];
  readonly categories: readonly number[];
  readonly counts: readonly number[];
}

const golden = JSON.parse(readFileSync(new URL('./goldens/copula.json', import.meta.url), 'utf8')) as Golden;

const matrixOf = (rows: readonly (readonly number[])[]): Matrix => ({
  rows: rows.length,
  width: rows[0].length,
  data: Float32Array.from(rows.flat()),
});
const columnOf = (data: Float32Array, width: number, j: number): number[] =>
  Array.from({ length: data.length / width }, (_, row) => data[row * width + j]);
const NUMBERS = { numbers: [0, 1, 2, 3], categories: [], flags: [] };

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

describe('a Gaussian copula of numbers', () => {
  it("has scipy's correlations of normal scores, and those of the copulas package", async () => {
    const copula = await fitCopula(matrixOf(golden.columns), NUMBERS);
    copula.correlation.forEach((value, at) => {
      const [i, j] = [at >> 2, at & 3];
      expect(Math.abs(value - golden.scipy[i][j])).toBeLessThan(0.012);
      expect(Math.abs(value - golden.copulas[i][j])).toBeLessThan(0.025);
    });
  });

  it('draws rows with the marginals and the correlations of the real ones', async () => {
    const real = matrixOf(golden.columns);
    const copula = await fitCopula(real, NUMBERS);
    const made = await copula.draw(20_000, derive(1, 'test'));
    for (const j of [0, 1, 2, 3]) {
      const [ours, theirs] = [columnOf(made, 4, j), columnOf(real.data, 4, j)];
      // Drawn from the very sample: closer than another sample would be.
      expect(ksTwoSample(ours, theirs).statistic).toBeLessThan(0.015);
      expect(Math.max(...ours)).toBeLessThanOrEqual(Math.max(...theirs));
      expect(Math.min(...ours)).toBeGreaterThanOrEqual(Math.min(...theirs));
      for (let i = 0; i < j; i++) {
        const scores = (column: number[]): Float64Array => latentOfNumbers(column).scores;
        const found = correlation(scores(ours), scores(columnOf(made, 4, i)));
        expect(Math.abs(found - copula.correlation[4 * i + j])).toBeLessThan(0.02);
      }
    }
  });

  it('shrinks to independence what few rows say of many columns, and stays regular', async () => {
    const stream = derive(3, 'noise');
    const rows = Array.from({ length: 8 }, () => Array.from({ length: 30 }, () => stream.normal()));
    const numbers = rows[0].map((_, j) => j);
    const copula = await fitCopula(matrixOf(rows), { numbers, categories: [], flags: [] });
    const off = copula.correlation.filter((_, at) => at % 31 !== 0).map(Math.abs);
    expect(Math.max(...off)).toBeLessThan(0.5);
    expect((await copula.draw(5, stream)).every(Number.isFinite)).toBe(true);
  });
});

describe('a Gaussian copula of categories and counts', () => {
  const rows = golden.columns.map((row, i) => [
    row[1],
    golden.counts[i],
    ...[0, 1, 2, 3].map((code) => (golden.categories[i] === code ? 1 : 0)),
    row[2] > 0.9 ? 1 : 0,
    7,
  ]);
  const layout = { numbers: [0, 1, 7], categories: [[2, 3, 4, 5]], flags: [6] };

  it('finds the correlations of what is behind them', async () => {
    const { correlation: found, order } = await fitCopula(matrixOf(rows), layout);
    // Column 7 does not vary.
    expect(order).toEqual([[0], [1], [6], [2, 3, 4, 5]]);
    const sources = [1, 0, 2, 3];
    for (const i of [0, 1, 2, 3]) {
      for (const j of [0, 1, 2, 3].slice(0, i)) {
        const latent = golden.scipy[sources[i]][sources[j]];
        expect(Math.abs(found[4 * i + j] - latent)).toBeLessThan(0.09);
      }
    }
  });

  it('draws values that occur, one category a row, in their shares', async () => {
    const copula = await fitCopula(matrixOf(rows), layout);
    const made = await copula.draw(4000, derive(2, 'test'));
    const known = new Set(golden.counts);
    const counted = [0, 0, 0, 0];
    for (let row = 0; row < 4000; row++) {
      const values = made.subarray(8 * row, 8 * row + 8);
      expect(known.has(values[1])).toBe(true);
      expect(values.subarray(2, 6).reduce((a, b) => a + b)).toBe(1);
      expect([0, 1]).toContain(values[6]);
      expect(values[7]).toBe(7);
      counted[values.subarray(2, 6).indexOf(1)]++;
    }
    const real = [0, 1, 2, 3].map((code) => golden.categories.filter((category) => category === code).length);
    expect(chiSquareTest([real, counted]).pValue).toBeGreaterThan(0.01);
  });

  it('orders categories by their guide, and without one by how often they occur', () => {
    const guided = latentOfCategories([0, 0, 1, 1, 2, 2], 3, [5, 5, 1, 1, 3, 3]);
    expect([-2, 0, 2].map((draw) => guided.value(draw))).toEqual([1, 2, 0]);
    const counted = latentOfCategories([2, 2, 2, 0, 0, 1], 4);
    expect([-2, -0.5, 1].map((draw) => counted.value(draw))).toEqual([1, 0, 2]);
  });
});

it('moves a matrix that is none of correlations towards independence', async () => {
  const impossible = Float64Array.from([1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1]);
  const factor = await factorOf(impossible, 3);
  for (const i of [0, 1, 2]) {
    expect(factor.subarray(3 * i, 3 * i + 3).reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 10);
  }
});

describe('gaussian-copula', () => {
  it('shares rows out as the classes are, or to the rarest first', () => {
    expect(shareOut(50, [60, 30, 10], 'as-is')).toEqual([30, 15, 5]);
    expect(shareOut(20, [60, 30, 10], 'balanced')).toEqual([0, 0, 20]);
    expect(shareOut(40, [60, 30, 10], 'balanced')).toEqual([0, 10, 30]);
    expect(shareOut(200, [60, 30, 10], 'balanced')).toEqual([40, 70, 90]);
    expect(shareOut(10, [60, 0, 10], 'balanced')).toEqual([0, 0, 10]);
  });

  it('draws the target with the row in regression', async () => {
    const stream = derive(4, 'line');
    const x = Array.from({ length: 300 }, () => stream.normal());
    const y = x.map((value) => 2 * value + 0.5 * stream.normal());
    const made = await gaussianCopula.hooks.examples?.(
      {
        task: 'regression',
        inputs: [{ name: 'features', content: 'tabular', shape: [1] }],
        data: { features: float32([300, 1], x) },
        target: float32([300, 1], y),
        train: Int32Array.from(x, (_, i) => i),
        added: new Int32Array(0),
        strength: 2,
        seed: 1,
      } as unknown as PreparationContext,
      { classes: 'as-is', mostRows: 1e5 },
    );
    const [inputs, targets] = [made?.inputs.features.data ?? [], made?.target.data ?? []];
    expect(targets).toHaveLength(600);
    expect(correlation(Array.from(inputs, Number), Array.from(targets, Number))).toBeCloseTo(correlation(x, y), 1);
    expect(made?.findings?.map(({ code }) => code)).toEqual(['SYNTHETIC_ROWS', 'SYNTHETIC_DOMINATES']);
  });

  it('trains a regression on them', async () => {
    const given = problem({
      inputs: FEATURES,
      task: 'regression',
      regularizers: [{ type: 'gaussian-copula', strength: 1 }],
    });
    const result = await trained(runtime, given);
    expect(result.events.find((event) => event.type === 'started')).toMatchObject({ stepsPerEpoch: 10 });
    expect(result.outputs.train).toHaveLength(40);
  });

  it('refuses what is too wide', () => {
    const conflicts = findConflicts({
      active: [resolveEntry({ type: 'gaussian-copula' }, 'here')],
      task: 'regression',
      parameters: [],
      operators: [],
      optimizer: 'sgd',
      inputs: [{ name: 'features', content: 'tabular', shape: [1001] }],
      rows: 10,
      epochs: 1,
      classes: [],
      columns: [],
    });
    expect(conflicts.map(({ code, severity }) => [code, severity])).toEqual([['GAUSSIAN_COPULA_TOO_WIDE', 'error']]);
  });
});

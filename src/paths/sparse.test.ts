import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derive } from '../numeric/random.js';
import { crossValidate } from './cross-validate.js';
import type { FamilyName } from './families/family.js';
import type { SparseFeatures } from './features.js';
import { fitPath } from './path.js';
import type { PathData, PathOptions } from './problem.js';

/** Counts, most of them 0, and a target that some of them decide; the same rows dense and sparse. */
function texts(family: FamilyName, rows: number, columns: number, seed: number): [dense: PathData, sparse: PathData] {
  const random = derive(seed, 'sparse');
  const data = new Float64Array(rows * columns);
  const starts = new Int32Array(columns + 1);
  const indices: number[] = [];
  const values: number[] = [];
  const eta = new Float64Array(rows);
  for (let j = 0; j < columns; j++) {
    for (let i = 0; i < rows; i++) {
      if (random.uniform() > 0.25) continue;
      const value = 1 + random.integer(3);
      data[j * rows + i] = value;
      indices.push(i);
      values.push(value);
      if (j < 4) eta[i] += (j % 2 === 0 ? 0.6 : -0.6) * value;
    }
    starts[j + 1] = values.length;
  }
  const target = eta.map((value) =>
    family === 'gaussian' ? value + random.normal() : Number(random.uniform() < 1 / (1 + Math.exp(-value))),
  );
  const sparse: SparseFeatures = {
    rows,
    columns,
    starts,
    indices: Int32Array.from(indices),
    values: Float64Array.from(values),
  };
  return [
    { features: { rows, columns, data }, target },
    { features: sparse, target },
  ];
}

describe('sparse columns', () => {
  it.each<FamilyName>(['gaussian', 'binomial'])('of a %s family give what dense ones give', async (family) => {
    const scene = fc.record({
      seed: fc.integer({ min: 0, max: 1e6 }),
      rows: fc.constantFrom(30, 80),
      columns: fc.constantFrom(8, 120),
      alpha: fc.constantFrom(1, 0.5),
      standardize: fc.boolean(),
      intercept: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scene, async ({ seed, rows, columns, ...settings }) => {
        const [dense, sparse] = texts(family, rows, columns, seed);
        const options: PathOptions = { family, tolerance: 1e-13, count: 8, ratio: 0.1, ...settings };
        const [wanted, got] = [await fitPath(dense, options), await fitPath(sparse, options)];
        expect(got.points.length).toBe(wanted.points.length);
        got.points.forEach((point, k) => {
          const other = wanted.points[k];
          expect(point.intercept).toBeCloseTo(other.intercept, 5);
          const by = new Map(Array.from(other.columns, (column, at) => [column, other.coefficients[at]]));
          point.columns.forEach((column, at) => {
            expect(point.coefficients[at]).toBeCloseTo(by.get(column) ?? 0, 5);
          });
        });
      }),
      { numRuns: 12 },
    );
  });

  it('are cross-validated like dense ones', async () => {
    const [dense, sparse] = texts('binomial', 90, 20, 3);
    const rows = Uint32Array.from({ length: 90 }, (_, row) => row);
    const folds = [0, 1, 2].map((fold) => ({
      train: rows.filter((row) => row % 3 !== fold),
      validation: rows.filter((row) => row % 3 === fold),
    }));
    const options: PathOptions = { family: 'binomial', tolerance: 1e-12, count: 10, ratio: 0.1 };
    const [wanted, got] = await Promise.all(
      [dense, sparse].map(async (data) => crossValidate(data, options, await fitPath(data, options), folds)),
    );
    got.mean.forEach((value, k) => {
      expect(value).toBeCloseTo(wanted.mean[k], 6);
    });
    expect(got.index1se).toBe(wanted.index1se);
  });

  it.each([
    ['rows out of order', { indices: Int32Array.of(1, 0), starts: Int32Array.of(0, 2) }],
    ['a row that there is not', { indices: Int32Array.of(0, 9), starts: Int32Array.of(0, 2) }],
    ['starts that leave values over', { indices: Int32Array.of(0, 1), starts: Int32Array.of(0, 1) }],
  ])('with %s are refused', async (_name, change) => {
    const features: SparseFeatures = { rows: 3, columns: 1, values: Float64Array.of(1, 2), ...change };
    await expect(fitPath({ features, target: Float64Array.of(1, 2, 3) }, { family: 'gaussian' })).rejects.toMatchObject(
      {
        code: 'PATH_SHAPE',
      },
    );
  });
});

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derive } from '../../numeric/random.js';
import { type Kernels, openKernels } from './kernels.js';

/** A random problem in the memory of some kernels: the same for both of one seed. */
function scene(kernels: Kernels, { rows, columns, seed }: { rows: number; columns: number; seed: number }) {
  const random = derive(seed, 'kernels');
  const fill = (length: number, of: () => number): Float64Array => {
    const values = kernels.floats(length);
    for (let i = 0; i < length; i++) values[i] = of();
    return values;
  };
  const x = fill(rows * columns, () => random.normal());
  const members = kernels.integers(columns);
  for (let j = 0; j < columns; j++) members[j] = j;
  const curvature = fill(rows, () => random.uniform(0.1, 1) / rows);
  const residual = fill(rows, () => random.normal() / rows);
  const data = { data: x, stride: rows, length: rows };
  const gram = kernels.floats(columns * columns);
  const scaled = kernels.floats(rows);
  for (let j = 0; j < columns; j++) {
    kernels.multiply(x.subarray(j * rows, (j + 1) * rows), curvature, scaled, rows);
    kernels.correlate(data, members, columns, scaled, gram.subarray(j * columns, (j + 1) * columns));
  }
  const g = kernels.floats(columns);
  kernels.correlate(data, members, columns, residual, g);
  const diagonal = fill(columns, () => 0).map((_, j) => gram[j * columns + j]);
  const placed = kernels.floats(columns);
  placed.set(diagonal);
  const l2 = 0.01;
  const inverse = kernels.floats(columns);
  inverse.set(diagonal.map((value) => 1 / (value + l2)));
  const model = {
    b: fill(columns, () => (random.uniform() < 0.5 ? 0 : random.normal())),
    diagonal: placed,
    inverse,
    l1: fill(columns, () => random.uniform(0, 0.05)),
    lower: fill(columns, () => (random.uniform() < 0.2 ? 0 : Number.NEGATIVE_INFINITY)),
    upper: fill(columns, () => Number.POSITIVE_INFINITY),
  };
  return { data, members, curvature, residual, gram, g, model };
}

const sizes = fc.record({
  rows: fc.integer({ min: 1, max: 37 }),
  columns: fc.integer({ min: 1, max: 23 }),
  seed: fc.integer({ min: 0, max: 1e6 }),
});

const near = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThanOrEqual(1e-11 * (1 + Math.abs(b[i])));
};

describe('the kernels in WebAssembly and in TypeScript', () => {
  const both = (): [Kernels, Kernels] => [openKernels(1e6), openKernels(1e6, 'script')];

  it('are what they say', () => {
    expect(both().map(({ name }) => name)).toEqual(['simd', 'script']);
  });

  it('give the same products, whatever the sizes', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const [ours, plain] = both().map((kernels) => {
          const made = scene(kernels, size);
          const sum = kernels.floats(size.rows);
          kernels.combine(made.data, made.members, size.columns, made.g, sum);
          return { ...made, sum };
        });
        near(ours.gram, plain.gram);
        near(ours.g, plain.g);
        near(ours.sum, plain.sum);
      }),
      { numRuns: 50 },
    );
  });

  it('descend alike, on a Gram matrix and on a residual', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const results = both().flatMap((kernels) => {
          const inGram = scene(kernels, size);
          kernels.descend({ ...inGram.model, gram: inGram.gram, stride: size.columns, g: inGram.g }, size.columns);
          const onRows = scene(kernels, size);
          kernels.descendResidual(
            {
              ...onRows.model,
              columns: onRows.data,
              members: onRows.members,
              residual: onRows.residual,
              curvature: onRows.curvature,
            },
            size.columns,
          );
          return [inGram.model.b, onRows.model.b];
        });
        for (const b of results) near(b, results[3]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('simd.wasm', () => {
  it('is what its source compiles to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballast-wasm-'));
    try {
      const script = join(import.meta.dirname, '../../../scripts/build-wasm.mjs');
      await promisify(execFile)(process.execPath, [script, folder]);
      expect(readFileSync(join(folder, 'simd.wasm'))).toEqual(readFileSync(join(import.meta.dirname, 'simd.wasm')));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

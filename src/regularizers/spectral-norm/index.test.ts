import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { farthest, float64, valueAndGradients } from '../../../test/support/gradients.js';
import {
  openRuntimes,
  PICTURES,
  problem,
  SMALL_CNN,
  SMOOTH_MLP,
  trained,
} from '../../../test/support/training-problem.js';
import { spectralNormOf } from './index.js';

interface Golden {
  readonly shape: number[];
  readonly w: number[];
  readonly u: number[];
  readonly steps: readonly { u: number[]; weight: number[] }[];
  readonly c: number[];
  readonly gradient: number[];
  readonly largest: number;
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/spectral-norm.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe('spectralNormOf', () => {
  it.each(cases)("of $shape follows PyTorch's iteration", async ({ shape, w, u, steps, c, gradient, largest }) => {
    const matrix = [shape[0], w.length / shape[0]];
    let left = u;
    let sigma = 0;
    for (const expected of steps) {
      const found = await computed({ m: float64(matrix, w), u: float64([shape[0]], left) }, ({ b, inputs }) => {
        const { sigma: norm, u: next } = spectralNormOf(b, inputs.m, inputs.u);
        return { sigma: norm, u: next };
      });
      left = found.u;
      [sigma] = found.sigma;
      expect(farthest(left, expected.u)).toBeLessThan(1e-9);
      expect(
        farthest(
          w.map((value) => value / sigma),
          expected.weight,
        ),
      ).toBeLessThan(1e-9);
    }
    expect(sigma).toBeLessThanOrEqual(largest * (1 + 1e-12));
    expect(sigma).toBeGreaterThan(0.9 * largest);
    // d sum(c * w / sigma) / d w with the vectors held fast.
    const found = await valueAndGradients(
      { m: float64(matrix, w), u: float64([shape[0]], left), c: float64(matrix, c) },
      ({ b, inputs }) => b.reduceSum(b.mul(inputs.c, b.div(inputs.m, spectralNormOf(b, inputs.m, inputs.u).sigma))),
    );
    expect(farthest(found.gradients.m, gradient)).toBeLessThan(1e-9);
  });
});

describe('spectral-norm', () => {
  it.each([
    ['dense layers', { model: { ...SMOOTH_MLP, hidden: [12, 9] } }],
    ['convolutions', { inputs: PICTURES, model: SMALL_CNN }],
  ])('stores weights that stretch nothing beyond the bound: %s', async (_title, setting) => {
    const { ffi } = await openRuntimes();
    const largest = async (regularizers: Record<string, unknown>[]): Promise<number> => {
      const given = problem({
        ...setting,
        regularizers,
        training: { epochs: 15, optimizer: { type: 'adam', learningRate: 0.05 } },
      });
      const { graph } = await trained(ffi, given);
      const norms = [...graph.initializers].flatMap(([name, { shape, data }]) =>
        name.endsWith('.weight') ? [singularValue(data as Float32Array, shape)] : [],
      );
      return Math.max(...norms);
    };
    expect(await largest([])).toBeGreaterThan(1);
    expect(await largest([{ type: 'spectral-norm', bound: 0.8 }])).toBeLessThan(0.8 * 1.01);
  });
});

/** The largest singular value of [in, out] or [out, in, ...], by many iterations on the first axis. */
function singularValue(data: Float32Array, shape: readonly number[]): number {
  const [rows] = shape;
  const columns = data.length / rows;
  let v = Array.from({ length: columns }, (_, i) => Math.cos(i) + 0.1);
  let norm = 0;
  for (let round = 0; round < 500; round++) {
    const u = Array.from({ length: rows }, (_, i) =>
      v.reduce((sum, value, j) => sum + value * data[i * columns + j], 0),
    );
    const length = Math.hypot(...v);
    norm = Math.hypot(...u) / length;
    v = v.map((_, j) => u.reduce((sum, value, i) => sum + (value / length) * data[i * columns + j], 0));
    const scale = Math.hypot(...v);
    v = v.map((value) => value / scale);
  }
  return norm;
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { farthest, float64 } from '../../../test/support/gradients.js';
import { FEATURES, openRuntimes, PICTURES, problem, trained } from '../../../test/support/training-problem.js';
import { float32, int64 } from '../../graph/tensor.js';
import { blockSoftThreshold } from './index.js';

interface Goldens {
  readonly W: number[][];
  readonly blocks: readonly { threshold: number; result: number[][] }[];
  readonly X: number[][];
  readonly labels: number[];
  readonly softmax: readonly { strength: number; weights: number[][] }[];
}

const goldens = JSON.parse(readFileSync(new URL('./goldens/group-lasso.json', import.meta.url), 'utf8')) as Goldens;

describe('blockSoftThreshold', () => {
  it.each(goldens.blocks)(
    "is scikit-learn's MultiTaskLasso on an orthonormal design at $threshold",
    async ({ threshold, result }) => {
      const { y } = await computed(
        { w: float64([5, 4], goldens.W.flat()), t: float64([], [threshold]) },
        ({ b, inputs }) => ({ y: blockSoftThreshold(b, inputs.w, [1], inputs.t) }),
      );
      expect(farthest(y, result.flat())).toBeLessThan(1e-9);
      expect(y.map((value) => value === 0)).toEqual(result.flat().map((value) => value === 0));
    },
  );

  it('leaves blocks of zeros at zero', async () => {
    const { y } = await computed({ w: float32([2, 2], [0, 0, 3, 4]), t: float32([], [0.5]) }, ({ b, inputs }) => ({
      y: blockSoftThreshold(b, inputs.w, [1], inputs.t),
    }));
    expect(y.slice(0, 2)).toEqual([0, 0]);
    expect(farthest(y.slice(2), [2.7, 3.6])).toBeLessThan(1e-6);
  });
});

describe('group-lasso of inputs', () => {
  it.each(goldens.softmax)(
    'brings softmax regression to rest at the optimum of the penalized loss: $strength',
    async ({ strength, weights }) => {
      const { ffi } = await openRuntimes();
      const [rows, features] = [goldens.X.length, goldens.X[0].length];
      const base = problem({
        inputs: [{ ...FEATURES[0], shape: [features] }],
        model: { type: 'logistic' },
        regularizers: [{ type: 'group-lasso', groups: 'inputs', strength }],
        rows,
        validation: 0,
        training: {
          epochs: 3000,
          batchSize: rows,
          checkpointSeconds: 1000,
          optimizer: { type: 'sgd', learningRate: 0.1, momentum: 0.9 },
        },
      });
      const { graph } = await trained(ffi, {
        ...base,
        data: {
          ...base.data,
          inputs: { features: float32([rows, features], goldens.X.flat()) },
          target: int64([rows], goldens.labels),
        },
        metrics: Object.assign(() => ({ loss: 0 }), { primary: 'loss', loss: 'loss', higherIsBetter: () => false }),
      });
      const found = Array.from(graph.initializers.get('output.weight')!.data as Float32Array);
      expect(farthest(found, weights.flat())).toBeLessThan(1e-4);
      expect(found.map((value) => value === 0)).toEqual(weights.flat().map((value) => value === 0));
    },
  );
});

describe('group-lasso of units', () => {
  it.each([
    ['neurons', { inputs: FEATURES, model: { type: 'mlp', hidden: [12] } }, 'dense1.weight', 1, 0.03],
    [
      'channels',
      { inputs: PICTURES, model: { type: 'cnn', layers: [{ conv: 8 }, { globalPool: 'average' }] } },
      'conv1.weight',
      0,
      0.002,
    ],
  ])('removes whole %s, and none of the network outputs', async (_title, setting, name, unitAxis, strength) => {
    const { ffi } = await openRuntimes();
    const { graph } = await trained(
      ffi,
      problem({
        ...setting,
        regularizers: [{ type: 'group-lasso', strength }],
        training: { epochs: 60, optimizer: { type: 'sgd', learningRate: 0.1 } },
      }),
    );
    const { shape, data } = graph.initializers.get(name)!;
    const units = shape[unitAxis];
    const zeros = new Array<number>(units).fill(0);
    data.forEach((value, i) => {
      if (Number(value) === 0) zeros[unitAxis === 0 ? Math.floor(i / (data.length / units)) : i % units]++;
    });
    // All or nothing.
    expect(zeros.filter((count) => count > 0 && count < data.length / units)).toEqual([]);
    const removed = zeros.filter((count) => count > 0).length;
    expect(removed).toBeGreaterThan(0);
    expect(removed).toBeLessThan(units);
    expect((graph.initializers.get('output.weight')!.data as Float32Array).every((value) => value !== 0)).toBe(true);
  });
});

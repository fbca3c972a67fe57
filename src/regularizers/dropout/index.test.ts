import { describe, expect, it } from 'vitest';
import { type ComputedOptions, computed, stepContext } from '../../../test/support/computed.js';
import {
  FEATURES,
  openRuntimes,
  PICTURES,
  problem,
  SMALL_CNN,
  trained,
} from '../../../test/support/training-problem.js';
import { float32, sizeOf } from '../../graph/tensor.js';
import type { Parameter, SiteKind } from '../regularizer.js';
import { dropout } from './index.js';

type Mode = 'element' | 'spatial' | 'attention' | 'embedding' | 'connect';

/** Ones through the hook: what is left is mask times scale. */
async function dropped(
  mode: Mode,
  shape: readonly number[],
  rate: number,
  options?: ComputedOptions,
  kind: SiteKind = 'hidden',
): Promise<number[]> {
  const ones = new Float32Array(sizeOf(shape)).fill(1);
  const { y } = await computed(
    { x: float32(shape, ones), rate: float32([], [rate]) },
    (computation) => ({
      y: dropout.hooks.forward!(
        stepContext(computation, computation.inputs.rate, { inputs: [], batchSize: shape[0] }),
        { mode },
        { name: 'site', kind, value: computation.inputs.x },
      ),
    }),
    options,
  );
  return y;
}

const kept = (values: readonly number[]): number => values.filter((value) => value !== 0).length / values.length;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('dropout of elements', () => {
  it.each([0.05, 0.2, 0.5, 0.9])('drops a share of %f and scales the rest, keeping the expectation', async (rate) => {
    const values = await dropped('element', [500, 200], rate);
    const error = Math.sqrt((rate * (1 - rate)) / values.length);
    expect(Math.abs(kept(values) - (1 - rate))).toBeLessThan(5 * error);
    const scale = Math.fround(1 / Math.fround(1 - Math.fround(rate)));
    for (const value of new Set(values)) if (value !== 0) expect(value).toBeCloseTo(scale, 6);
    expect(new Set(values).size).toBe(2);
    expect(Math.abs(mean(values) - 1)).toBeLessThan((5 * error) / (1 - rate));
  });

  it('drops by element: neighbours, rows and columns are independent', async () => {
    const [rows, columns] = [400, 100];
    const mask = (await dropped('element', [rows, columns], 0.5)).map((value) => (value === 0 ? -1 : 1));
    const correlation = (offset: number): number => mean(mask.slice(offset).map((value, i) => value * mask[i]));
    for (const offset of [1, 2, columns, columns + 1, 7 * columns]) {
      expect(Math.abs(correlation(offset))).toBeLessThan(5 / Math.sqrt(mask.length));
    }
  });

  it('differs from step to step and from seed to seed', async () => {
    const masks = await Promise.all(
      [{ step: 1 }, { step: 2 }, { seed: 2 }].map((options) => dropped('element', [50, 40], 0.5, options)),
    );
    const agreement = (a: number[], b: number[]): number => mean(a.map((value, i) => (value === b[i] ? 1 : 0)));
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ]) {
      expect(Math.abs(agreement(masks[a], masks[b]) - 0.5)).toBeLessThan(5 * 0.5 * Math.sqrt(1 / 2000));
    }
    expect(await dropped('element', [50, 40], 0.5, { step: 2 })).toEqual(masks[1]);
  });

  it('acts on positions of a sequence, and leaves feature maps to spatial mode', async () => {
    expect(kept(await dropped('element', [20, 10, 8], 0.5))).toBeLessThan(0.6);
    expect(new Set(await dropped('element', [4, 3, 5, 5], 0.5))).toEqual(new Set([1]));
  });
});

describe('dropout of channels', () => {
  it('drops whole channels, each on its own', async () => {
    const [batch, channels, side] = [200, 20, 3];
    const values = await dropped('spatial', [batch, channels, side, side], 0.3);
    const maps = Array.from({ length: batch * channels }, (_, i) => values.slice(i * side ** 2, (i + 1) * side ** 2));
    for (const map of maps) expect(new Set(map).size).toBe(1);
    const firsts = maps.map(([value]) => value);
    expect(Math.abs(kept(firsts) - 0.7)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / firsts.length));
    expect(Math.max(...firsts)).toBeCloseTo(1 / 0.7, 6);
  });

  it('leaves dense activations alone', async () => {
    expect(new Set(await dropped('spatial', [30, 20], 0.5))).toEqual(new Set([1]));
  });
});

describe('dropout of attention', () => {
  it('drops probabilities, and nothing else does', async () => {
    const shape = [30, 2, 12, 12];
    const values = await dropped('attention', shape, 0.3, {}, 'attention');
    expect(Math.abs(kept(values) - 0.7)).toBeLessThan(5 * Math.sqrt(0.21 / values.length));
    expect(Math.abs(mean(values) - 1)).toBeLessThan((5 * Math.sqrt(0.21 / values.length)) / 0.7);
    for (const mode of ['element', 'spatial', 'embedding', 'connect'] as const) {
      expect(new Set(await dropped(mode, shape, 0.3, {}, 'attention'))).toEqual(new Set([1]));
    }
    expect(new Set(await dropped('attention', [30, 12, 8], 0.3, {}, 'branch'))).toEqual(new Set([1]));
  });
});

describe('dropout of weights', () => {
  const weightsAfter = (
    mode: Mode,
    parameter: Parameter,
    phase: 'training' | 'inference' = 'training',
  ): Promise<number[]> =>
    computed(
      { w: float32(parameter.shape, new Float32Array(sizeOf(parameter.shape)).fill(1)), rate: float32([], [0.4]) },
      (computation) => ({
        y: dropout.hooks.weight!(
          stepContext(computation, computation.inputs.rate, { inputs: [], batchSize: 1, phase }),
          { mode },
          { parameter, value: computation.inputs.w },
        ),
      }),
    ).then(({ y }) => y);
  const dense: Parameter = { name: 'w', role: 'weight', shape: [60, 50], unitAxis: 1 };
  const table: Parameter = { name: 't', role: 'embedding', shape: [400, 6], lookup: true };
  const untouched = new Set([1]);

  it('connect: drops single weights of hidden dense layers', async () => {
    const values = await weightsAfter('connect', dense);
    expect(Math.abs(kept(values) - 0.6)).toBeLessThan(5 * Math.sqrt(0.24 / values.length));
    expect(Math.max(...values)).toBeCloseTo(1 / 0.6, 6);
    for (const parameter of [{ ...dense, head: true as const }, { ...dense, role: 'bias' as const }, table]) {
      expect(new Set(await weightsAfter('connect', parameter))).toEqual(untouched);
    }
  });

  it('embedding: drops whole rows of what is looked up', async () => {
    const values = await weightsAfter('embedding', table);
    const rows = Array.from({ length: 400 }, (_, i) => values.slice(6 * i, 6 * i + 6));
    for (const row of rows) expect(new Set(row).size).toBe(1);
    expect(Math.abs(kept(rows.map(([value]) => value)) - 0.6)).toBeLessThan(5 * Math.sqrt(0.24 / 400));
    const { lookup: _lookup, ...positions } = table;
    expect(new Set(await weightsAfter('embedding', positions))).toEqual(untouched);
    expect(new Set(await weightsAfter('embedding', dense))).toEqual(untouched);
  });

  it('is for training alone', async () => {
    expect(new Set(await weightsAfter('connect', dense, 'inference'))).toEqual(untouched);
    expect(new Set(await weightsAfter('embedding', table, 'inference'))).toEqual(untouched);
  });
});

describe('dropout in a run', () => {
  it('leaves the network as it is at inference', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({ regularizers: [{ type: 'dropout', strength: 0.5 }], training: { epochs: 1 } });
    const still = await trained(ffi, {
      ...given,
      options: { ...given.options, optimizer: { ...given.options.optimizer, learningRate: 1e-30 } },
    });
    const plain = await trained(ffi, {
      ...given,
      regularizers: [],
      options: { ...given.options, optimizer: { ...given.options.optimizer, learningRate: 1e-30 } },
    });
    expect(still.outputs).toEqual(plain.outputs);
  });

  it.each([
    ['a linear network', { inputs: FEATURES, model: { type: 'logistic' } }, { strength: 0.5 }],
    ['a linear network, of weights', { inputs: FEATURES, model: { type: 'logistic' } }, { mode: 'connect' }],
    ['a network without attention', {}, { mode: 'attention' }],
    ['a network without embeddings', {}, { mode: 'embedding' }],
    ['dense layers, in spatial mode', {}, { strength: 0.5, mode: 'spatial' }],
    [
      'convolutions only, in element mode',
      { inputs: PICTURES, model: { ...SMALL_CNN, layers: [{ conv: 3 }, { globalPool: 'average' }, { conv: 3 }] } },
      { strength: 0.5 },
    ],
  ])('is refused where it would do nothing: %s', async (_title, setting, options) => {
    const { ffi } = await openRuntimes();
    const given = problem({ ...setting, regularizers: [{ type: 'dropout', ...options }] });
    await expect(trained(ffi, given)).rejects.toMatchObject({ code: 'REGULARIZER_WITHOUT_EFFECT' });
  });
});

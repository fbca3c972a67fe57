import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { problem, trained, weightBytes, weightsOf } from '../../test/support/training-problem.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { sizeOf } from '../graph/tensor.js';
import type { Parameter } from '../regularizers/regularizer.js';
import * as packing from './packing.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

const state = vi.hoisted(() => ({ packs: true }));

// The same module, but with every parameter on its own where the test says so.
vi.mock('./packing.js', async (original) => {
  const actual = await original<typeof packing>();
  return {
    ...actual,
    packParameters: (parameters: readonly Parameter[]) =>
      state.packs
        ? actual.packParameters(parameters)
        : parameters.map((parameter) => ({ ...parameter, members: [parameter] })),
  };
});

afterEach(() => {
  state.packs = true;
});

const SMALL: Parameter[] = [
  { name: 'a', role: 'weight', shape: [3, 2] },
  { name: 'b', role: 'bias', shape: [2] },
  { name: 'c', role: 'weight', shape: [2, 4] },
  { name: 'd', role: 'norm', shape: [2] },
];

describe('packParameters', () => {
  it('puts parameters of one role together in a small network', () => {
    expect(packing.packParameters(SMALL).map(({ name, role, shape }) => ({ name, role, shape }))).toEqual([
      { name: 'all.weight', role: 'weight', shape: [14] },
      { name: 'b', role: 'bias', shape: [2] },
      { name: 'd', role: 'norm', shape: [2] },
    ]);
  });

  it('leaves those of a large network alone', () => {
    const large = [...SMALL, { name: 'e', role: 'weight' as const, shape: [300, 300] }];
    expect(packing.packParameters(large).map(({ name, shape }) => ({ name, shape }))).toEqual(
      large.map(({ name, shape }) => ({ name, shape })),
    );
  });

  it('visits every element of every member once', () => {
    for (const pack of packing.packParameters(SMALL)) {
      const values = Float32Array.from({ length: sizeOf(pack.shape) }, (_, i) => i);
      const seen: number[] = [];
      packing.forEachMember(pack, values, ({ shape }, part) => {
        expect(part).toHaveLength(sizeOf(shape));
        seen.push(...part);
      });
      expect(seen).toEqual(Array.from(values));
    }
  });
});

describe('a packed network', () => {
  const norm = { model: { type: 'mlp', hidden: [6, 5], normalization: 'batch' } };
  it.each([
    ['SGD', { training: { optimizer: { type: 'sgd' } } }],
    [
      'AdamW with everything that looks at roles',
      {
        regularizers: [
          { type: 'weight-decay', strength: 0.1 },
          { type: 'l1', strength: 0.01, include: ['weight', 'bias'] },
          { type: 'l2', strength: 0.02, include: ['norm'] },
          { type: 'dropout', strength: 0.2 },
        ],
      },
    ],
  ])('trains to the same bytes as an unpacked one: %s', async (_name, setting) => {
    const given = problem({ ...norm, ...setting });
    const packed = weightBytes(await trained(runtime, given));
    state.packs = false;
    expect(weightBytes(await trained(runtime, given))).toEqual(packed);
  });

  it('clips by the same norm, up to the order of its sum', async () => {
    const given = problem({ ...norm, training: { gradientClip: 0.1 } });
    const packed = weightsOf(await trained(runtime, given));
    state.packs = false;
    const unpacked = weightsOf(await trained(runtime, given));
    const worst = packed.reduce((most, value, i) => Math.max(most, Math.abs(value - unpacked[i])), 0);
    expect(worst).toBeLessThan(1e-5);
  });
});

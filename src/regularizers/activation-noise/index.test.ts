import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import { expectNormal } from '../../../test/support/normal-numbers.js';
import { openRuntimes, problem, trained } from '../../../test/support/training-problem.js';
import { float32, sizeOf } from '../../graph/tensor.js';
import type { Setting, SiteDescription } from '../regularizer.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import { activationNoise } from './index.js';

const SITES: SiteDescription[] = [
  { name: 'embedded', kind: 'embedding' },
  { name: 'weights', kind: 'attention' },
  { name: 'added', kind: 'branch' },
  { name: 'map', kind: 'hidden', map: true },
  { name: 'dense', kind: 'hidden' },
];

/** A constant 2 at a site, after the hook. */
async function noisy(
  entry: Readonly<Record<string, unknown>>,
  { name = 'dense', shape = [200, 100], strength = 0.5, sites = SITES } = {},
): Promise<number[]> {
  const { options } = resolveEntry({ type: 'activation-noise', ...entry }, 'here');
  const { kind } = sites.find((site) => site.name === name)!;
  const { y } = await computed(
    { x: float32(shape, new Float32Array(sizeOf(shape)).fill(2)), s: float32([], [strength]) },
    (computation) => ({
      y: activationNoise.hooks.forward!(
        stepContext(computation, computation.inputs.s, { inputs: [], batchSize: shape[0], sites }),
        options as never,
        { name, kind, value: computation.inputs.x },
      ),
    }),
  );
  return y;
}

describe('activation-noise', () => {
  it.each([0.1, 0.2, 0.5])('at sqrt(p / (1 - p)) has the mean and variance of dropout: p = %f', async (p) => {
    const values = await noisy({}, { strength: Math.sqrt(p / (1 - p)) });
    // Dropout of a constant 2: mean 2, variance 4 p / (1 - p).
    expectNormal(values, { mean: 2, deviation: 2 * Math.sqrt(p / (1 - p)), lags: [1, 100, 101] });
  });

  it('adds noise of the strength, whatever the activations', async () => {
    expectNormal(await noisy({ kind: 'additive' }, { strength: 0.3 }), { mean: 2, deviation: 0.3, lags: [1, 100] });
  });

  it('gives all positions of a channel the same number', async () => {
    const maps = await noisy({ per: 'channel' }, { name: 'map', shape: [60, 50, 3, 3] });
    const each = Array.from({ length: 3000 }, (_, i) => maps.slice(9 * i, 9 * i + 9));
    for (const values of each) expect(new Set(values).size).toBe(1);
    expectNormal(
      each.map(([value]) => value),
      { mean: 2, deviation: 1 },
    );
    const [rows, positions, features] = [40, 4, 60];
    const sequence = await noisy({ per: 'channel' }, { name: 'embedded', shape: [rows, positions, features] });
    for (let i = 0; i < sequence.length; i++) {
      const row = Math.floor(i / (positions * features));
      expect(sequence[i]).toBe(sequence[row * positions * features + (i % features)]);
    }
    expect(new Set(sequence).size).toBeGreaterThan(0.9 * rows * features);
  });

  it('costs a linear layer a ridge penalty weighted by the squares of its inputs', async () => {
    const rows = 200_000;
    const [x, w, target, s] = [[1.5, -0.5, 2], [0.3, -1.2, 0.4], 0.7, 0.6];
    const { errors } = await computed(
      { x: float32([1, 3], x), w: float32([3, 1], w), s: float32([], [s]) },
      (computation) => {
        const { b, inputs } = computation;
        const context = stepContext(computation, inputs.s, { inputs: [], batchSize: rows, sites: SITES });
        const value = b.expand(inputs.x, [rows, 3]);
        const site = { name: 'dense', kind: 'hidden' as const, value };
        const { options } = resolveEntry({ type: 'activation-noise' }, 'here');
        const error = b.sub(
          b.matMul(activationNoise.hooks.forward!(context, options as never, site), inputs.w),
          target,
        );
        return { errors: b.mul(error, error) };
      },
    );
    const clean = x.reduce((sum, value, i) => sum + value * w[i], 0) - target;
    const penalty = s ** 2 * x.reduce((sum, value, i) => sum + (value * w[i]) ** 2, 0);
    const mean = errors.reduce((a, b) => a + b) / rows;
    const spread = Math.sqrt(errors.reduce((sum, v) => sum + (v - mean) ** 2, 0) / rows);
    expect(penalty).toBeGreaterThan(0.3);
    expect(Math.abs(mean - (clean ** 2 + penalty))).toBeLessThan((5 * spread) / Math.sqrt(rows));
  });

  it('acts at the places that the options name, and at no others', async () => {
    const touched = async (entry: Readonly<Record<string, unknown>>): Promise<string[]> => {
      const found: string[] = [];
      for (const { name } of SITES) {
        const values = await noisy(entry, { name, shape: [4, 5, 2] });
        if (new Set(values).size > 1) found.push(name);
        else expect(values[0]).toBe(2);
      }
      return found;
    };
    expect(await touched({})).toEqual(['embedded', 'added', 'map', 'dense']);
    expect(await touched({ where: ['hidden'] })).toEqual(['map', 'dense']);
    expect(await touched({ where: ['hidden'], layers: [2] })).toEqual(['dense']);
    expect(await touched({ layers: [1, 2] })).toEqual(['embedded', 'added']);
  });

  it('counts the places of networks side by side alike', async () => {
    const sites = [...SITES, ...SITES.map((site) => ({ ...site, name: `${site.name}.member.1` }))];
    const second = await noisy({ layers: [4] }, { name: 'dense.member.1', sites });
    expect(new Set(second).size).toBeGreaterThan(100);
    expect(new Set(await noisy({ layers: [4] }, { name: 'map.member.1', sites }))).toEqual(new Set([2]));
  });

  it('leaves the network as it is at inference', async () => {
    const { ffi } = await openRuntimes();
    const training = { epochs: 1, optimizer: { type: 'sgd', learningRate: 1e-30, momentum: 0 } };
    const given = problem({ regularizers: [{ type: 'activation-noise' }], training });
    const still = await trained(ffi, given);
    expect(still.outputs).toEqual((await trained(ffi, { ...given, regularizers: [] })).outputs);
    expect(still.graph.nodes).toEqual(given.graph.nodes);
  });

  it('is refused where the network has no such place', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({ regularizers: [{ type: 'activation-noise', where: ['branch'] }] });
    await expect(trained(ffi, given)).rejects.toMatchObject({ code: 'REGULARIZER_WITHOUT_EFFECT' });
  });
});

describe('conflicts of activation-noise', () => {
  const codes = (entries: readonly Record<string, unknown>[], sites = SITES): string[] => {
    const active = entries.map((entry, i) => resolveEntry(entry, `regularizers[${i}]`));
    const setting = { active, sites, task: 'classification', inputs: [], columns: [], operators: [], parameters: [] };
    return findConflicts(setting as unknown as Setting).map(({ code, severity }) => `${severity} ${code}`);
  };

  it('are layers that the network has not, batch normalization after it, and weights that outgrow it', () => {
    expect(codes([{ type: 'activation-noise', layers: [4] }])).toEqual([]);
    expect(codes([{ type: 'activation-noise', layers: [4, 5] }])).toEqual(['error ACTIVATION_NOISE_LAYER_UNKNOWN']);
    const normalized = SITES.map((site) => (site.name === 'map' ? { ...site, beforeBatchNorm: true as const } : site));
    expect(codes([{ type: 'activation-noise' }], normalized)).toEqual(['warning ACTIVATION_NOISE_BEFORE_BATCH_NORM']);
    expect(codes([{ type: 'activation-noise', layers: [4] }], normalized)).toEqual([]);
    const additive = { type: 'activation-noise', kind: 'additive' };
    expect(codes([additive])).toEqual(['warning ADDITIVE_ACTIVATION_NOISE_OUTGROWN']);
    expect(codes([additive, { type: 'weight-decay', strength: 0.01 }])).toEqual([]);
  });
});

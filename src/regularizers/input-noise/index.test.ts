import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import { expectNormal } from '../../../test/support/normal-numbers.js';
import { float32, int64 } from '../../graph/tensor.js';
import type { Setting } from '../regularizer.js';
import { inputNoise } from './index.js';

const [ROWS, COLUMNS] = [2000, 10];

async function noisy(
  strength: number,
  inputs?: string[],
  kind: 'additive' | 'multiplicative' = 'additive',
): Promise<Record<string, number[]>> {
  return computed(
    {
      x: float32([ROWS, COLUMNS], new Float32Array(ROWS * COLUMNS).fill(2)),
      z: float32([ROWS, 1], new Float32Array(ROWS)),
      tokens: int64([ROWS, 1], new BigInt64Array(ROWS).fill(7n)),
      t: float32([ROWS, 1], new Float32Array(ROWS)),
      s: float32([], [strength]),
    },
    (computation) => {
      const { x, z, tokens, t, s } = computation.inputs;
      const context = stepContext(computation, s, { inputs: [], batchSize: ROWS });
      const batch = inputNoise.hooks.batch!(context, { kind, inputs }, { inputs: { x, z, tokens }, target: t });
      expect(batch.target).toBe(t);
      const shown = Object.entries(batch.inputs).map(([name, value]) => [`${name}.out`, value]);
      return Object.fromEntries(shown);
    },
  );
}

describe('input-noise', () => {
  it.each([0.1, 1])('adds normal noise of deviation %f and mean 0', async (strength) => {
    expectNormal((await noisy(strength))['x.out'], { mean: 2, deviation: strength, lags: [1, COLUMNS, 3 * COLUMNS] });
  });

  it('multiplies by normal numbers about 1, so that zeros stay', async () => {
    const outputs = await noisy(0.3, undefined, 'multiplicative');
    expectNormal(outputs['x.out'], { mean: 2, deviation: 0.6, lags: [1, COLUMNS] });
    expect(new Set(outputs['z.out'])).toEqual(new Set([0]));
  });

  it('leaves tokens alone, and inputs that are not named', async () => {
    const all = await noisy(0.5);
    expect(new Set(all['tokens.out'])).toEqual(new Set([7]));
    expect(new Set(all['z.out']).size).toBeGreaterThan(ROWS / 2);
    const named = await noisy(0.5, ['z']);
    expect(new Set(named['x.out'])).toEqual(new Set([2]));
    expect(new Set(named['z.out']).size).toBeGreaterThan(ROWS / 2);
  });

  it('refuses names of inputs that are not there', () => {
    const setting = { inputs: [{ name: 'x', content: 'tabular', shape: [3] }] } as unknown as Setting;
    const codes = (inputs: string[]) =>
      inputNoise.conflicts!(
        { regularizer: inputNoise, strength: 0.1, schedule: undefined, options: { kind: 'additive', inputs } },
        setting,
      ).map(({ code, severity, message }) => [code, severity, message]);
    expect(codes(['x'])).toEqual([]);
    expect(codes(['x', 'y'])).toEqual([['INPUT_NOISE_INPUT_UNKNOWN', 'error', expect.stringContaining('"y"')]]);
  });

  it('is the identity at strength 0', async () => {
    expect(new Set((await noisy(0))['x.out'])).toEqual(new Set([2]));
  });
});

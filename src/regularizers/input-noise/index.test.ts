import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import { float32, int64 } from '../../graph/tensor.js';
import { normalCdf } from '../../numeric/distributions/normal.js';
import { inputNoise } from './index.js';

const [ROWS, COLUMNS] = [2000, 10];

async function noisy(strength: number, inputs?: string[]): Promise<Record<string, number[]>> {
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
      const batch = inputNoise.hooks.batch!(context, { inputs }, { inputs: { x, z, tokens }, target: t });
      expect(batch.target).toBe(t);
      const shown = Object.entries(batch.inputs).map(([name, value]) => [`${name}.out`, value]);
      return Object.fromEntries(shown);
    },
  );
}

describe('input-noise', () => {
  it.each([0.1, 1])('adds normal noise of deviation %f and mean 0', async (strength) => {
    const noise = (await noisy(strength))['x.out'].map((value) => (value - 2) / strength);
    const mean = noise.reduce((a, b) => a + b) / noise.length;
    const variance = noise.reduce((sum, v) => sum + v * v, 0) / noise.length;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(noise.length));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / noise.length));
    const sorted = noise.toSorted((a, b) => a - b);
    const distance = sorted.reduce(
      (most, v, i) => Math.max(most, Math.abs(normalCdf(v) - (i + 0.5) / sorted.length)),
      0,
    );
    expect(distance * Math.sqrt(sorted.length)).toBeLessThan(1.95);
    for (const lag of [1, COLUMNS, 3 * COLUMNS]) {
      const correlation = noise.slice(lag).reduce((sum, v, i) => sum + v * noise[i], 0) / noise.length;
      expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(noise.length));
    }
  });

  it('leaves tokens alone, and inputs that are not named', async () => {
    const all = await noisy(0.5);
    expect(new Set(all['tokens.out'])).toEqual(new Set([7]));
    expect(new Set(all['z.out']).size).toBeGreaterThan(ROWS / 2);
    const named = await noisy(0.5, ['z']);
    expect(new Set(named['x.out'])).toEqual(new Set([2]));
    expect(new Set(named['z.out']).size).toBeGreaterThan(ROWS / 2);
  });

  it('is the identity at strength 0', async () => {
    expect(new Set((await noisy(0))['x.out'])).toEqual(new Set([2]));
  });
});

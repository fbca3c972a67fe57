import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { FEATURES, problem, trained, weightsOf } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { float32 } from '../../graph/tensor.js';
import { softThreshold } from './index.js';

const threshold = (w: number[], t: number): Promise<number[]> =>
  computed({ w: float32([w.length], w), t: float32([], [t]) }, ({ b, inputs }) => ({
    y: softThreshold(b, inputs.w, inputs.t),
  })).then(({ y }) => y);

describe('softThreshold', () => {
  it('is sign(w) max(|w| - t, 0), with exact zeros within the threshold', async () => {
    const w = Array.from(Float32Array.from([3, -3, 0.5, -0.5, 0.5000001, -0.1, 0, -0, 1e-30, 7e8]));
    const y = await threshold(w, 0.5);
    expect(y).toEqual(
      [2.5, -2.5, 0, 0, Math.fround(Math.fround(0.5000001) - 0.5), 0, 0, 0, 0, Math.fround(7e8)].map((v) => v + 0),
    );
    expect(y.filter((value) => value === 0).length).toBe(6);
  });

  it('leaves everything as it is at threshold 0', async () => {
    const w = [1.5, -2.25, 1e-38, -3e38, 0];
    expect(await threshold(w, 0)).toEqual(Array.from(Float32Array.from(w)));
  });

  it('minimizes t |z| + (z - w)^2 / 2', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.double({ min: 0, max: 5, noNaN: true }),
        async (given, t) => {
          const w = Array.from(Float32Array.from(given));
          const y = await threshold(w, t);
          y.forEach((z, i) => {
            const cost = (x: number): number => t * Math.abs(x) + (x - w[i]) ** 2 / 2;
            for (const by of [-0.1, -1e-3, 1e-3, 0.1]) expect(cost(z)).toBeLessThanOrEqual(cost(z + by) + 1e-5);
          });
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('l1', () => {
  it('makes weights exactly zero, more of them the stronger it is, and leaves biases alone', async () => {
    const runtime = await openRuntime();
    const zeros = async (strength: number, include?: string[]): Promise<{ weights: number; biases: number }> => {
      const { graph } = await trained(
        runtime,
        problem({
          inputs: FEATURES,
          model: { type: 'mlp', hidden: [8] },
          regularizers: strength === 0 ? [] : [{ type: 'l1', strength, ...(include ? { include } : {}) }],
          training: { epochs: 30, optimizer: { type: 'sgd', learningRate: 0.05 } },
        }),
      );
      const count = (kind: string): number =>
        [...graph.initializers]
          .filter(([name]) => name.endsWith(kind))
          .reduce((sum, [, { data }]) => sum + Array.from(data as Float32Array).filter((v) => v === 0).length, 0);
      return { weights: count('.weight'), biases: count('.bias') };
    };
    const counts = [];
    for (const strength of [0, 0.01, 0.03, 0.1]) counts.push(await zeros(strength));
    expect(counts[0].weights).toBe(0);
    for (let i = 1; i < counts.length; i++) expect(counts[i].weights).toBeGreaterThan(counts[i - 1].weights);
    expect(counts.map(({ biases }) => biases)).toEqual([0, 0, 0, 0]);
    expect((await zeros(0.3, ['bias'])).biases).toBeGreaterThan(0);
    expect((await zeros(0.3, ['bias'])).weights).toBe(0);
  });

  it('removes every weight where it is strong enough', async () => {
    const runtime = await openRuntime();
    const result = await trained(
      runtime,
      problem({
        inputs: FEATURES,
        model: { type: 'logistic' },
        regularizers: [{ type: 'l1', strength: 100, include: ['weight', 'bias'] }],
        training: { epochs: 2, optimizer: { type: 'sgd', learningRate: 0.05 } },
      }),
    );
    expect(weightsOf(result).every((value) => value === 0)).toBe(true);
  });
});

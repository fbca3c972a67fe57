import { describe, expect, it } from 'vitest';
import { difference, predictive, validationOutput } from '../../../test/support/predictive.js';
import {
  FEATURES,
  openRuntimes,
  PICTURES,
  problem,
  SMALL_CNN,
  trained,
} from '../../../test/support/training-problem.js';

const SAMPLES = 6;

function given(more: Record<string, unknown> = {}) {
  return problem({
    inputs: FEATURES,
    model: { type: 'mlp', hidden: [6, 5], activation: 'tanh' },
    regularizers: [
      { type: 'dropout', strength: 0.4 },
      { type: 'mc-dropout', samples: SAMPLES },
    ],
    ...more,
  });
}

describe('Monte Carlo dropout', () => {
  it('is the mean of thinned networks, computed by hand from weights and masks', async () => {
    const { ffi } = await openRuntimes();
    const run = given();
    const { graph, outputs } = await trained(ffi, run);
    const tensor = (name: string): Float32Array => graph.initializers.get(name)!.data as Float32Array;
    const masks = [...graph.initializers.keys()].filter((name) => name.endsWith('.mask'));
    expect(masks).toHaveLength(2 * SAMPLES);
    const dense = (x: number[], layer: string): number[] => {
      // The first layer stands before every mask: the samples share it.
      const [weight, bias] = [tensor(`${layer}.weight`), tensor(`${layer}.bias`)];
      return Array.from(bias, (b, j) => x.reduce((sum, value, i) => sum + value * weight[i * bias.length + j], b));
    };
    const rows = Array.from(run.data.validation, (row) =>
      Array.from((run.data.inputs.features.data as Float32Array).subarray(row * 7, row * 7 + 7)),
    );
    const logits = Array.from({ length: SAMPLES }, (_, k) => {
      const [first, second] = masks.filter((name) => name.startsWith(`sample.${k}.`)).map(tensor);
      return rows.map((x) => {
        const one = dense(x, 'dense1').map((value, i) => Math.tanh(value) * first[i]);
        const two = dense(one, `dense2`).map((value, i) => Math.tanh(value) * second[i]);
        return dense(two, 'output');
      });
    });
    const expected = predictive(logits);
    expect(difference(outputs.validation, expected.log)).toBeLessThan(1e-5);
    expect(difference(await validationOutput(ffi, run, graph, 'entropy'), expected.entropy)).toBeLessThan(1e-5);
    const information = await validationOutput(ffi, run, graph, 'mutualInformation');
    expect(difference(information, expected.mutualInformation)).toBeLessThan(1e-5);
  });

  it('draws masks as dropout does, other ones by another seed, and weights are stored once', async () => {
    const { ffi } = await openRuntimes();
    const run = given({
      model: { type: 'mlp', hidden: [400], activation: 'tanh' },
      regularizers: [
        { type: 'dropout', strength: 0.4 },
        { type: 'mc-dropout', samples: 20 },
      ],
    });
    const masksOf = async (seed: number): Promise<number[]> => {
      const { graph } = await trained(ffi, { ...run, seed });
      expect([...graph.initializers.keys()].filter((name) => name.endsWith('output.weight'))).toHaveLength(1);
      return [...graph.initializers].flatMap(([name, { data }]) =>
        name.endsWith('.mask') ? Array.from(data as Float32Array) : [],
      );
    };
    const masks = await masksOf(1);
    const kept = masks.filter((value) => value !== 0);
    expect(Math.abs(kept.length / masks.length - 0.6)).toBeLessThan(5 * Math.sqrt((0.4 * 0.6) / masks.length));
    for (const value of new Set(kept)) expect(value).toBeCloseTo(1 / 0.6, 5);
    expect(await masksOf(2)).not.toEqual(masks);
  });

  it('drops whole channels in spatial mode', async () => {
    const { ffi } = await openRuntimes();
    const run = given({
      inputs: PICTURES,
      model: SMALL_CNN,
      regularizers: [
        { type: 'dropout', strength: 0.5, mode: 'spatial' },
        { type: 'mc-dropout', samples: 4 },
      ],
    });
    const { graph } = await trained(ffi, run);
    const [mask] = [...graph.initializers].filter(([name]) => name.endsWith('.mask')).map(([, value]) => value);
    const size = mask.shape.slice(2).reduce((a, b) => a * b, 1);
    for (let c = 0; c < mask.shape[1]; c++) {
      expect(new Set((mask.data as Float32Array).subarray(c * size, (c + 1) * size)).size).toBe(1);
    }
  });
});

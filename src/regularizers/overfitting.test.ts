import { beforeAll, describe, expect, it } from 'vitest';
import { FEATURES, problem, trained } from '../../test/support/training-problem.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';

/** Forty rows that a network of this width learns by heart, and more to see what that is worth. */
const BY_HEART = {
  inputs: FEATURES,
  model: { type: 'mlp', hidden: [64] },
  rows: 40,
  validation: 300,
  training: { epochs: 60, batchSize: 8, optimizer: { type: 'adamw', learningRate: 0.01 } },
};
const SEEDS = [1, 2, 3];

let runtime: Runtime;
let plain: Losses;
beforeAll(async () => {
  runtime = await openRuntime();
  plain = await losses([]);
});

interface Losses {
  readonly train: number;
  readonly validation: number;
}

/** Mean log losses over the seeds, of the weights of the last epoch. */
async function losses(regularizers: readonly Record<string, unknown>[]): Promise<Losses> {
  const last = [];
  for (const seed of SEEDS) {
    const { history } = await trained(runtime, problem({ ...BY_HEART, regularizers, seed }));
    last.push(history[history.length - 1]);
  }
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
  return {
    train: mean(last.map(({ train }) => train.logLoss)),
    validation: mean(last.map(({ validation }) => validation.logLoss)),
  };
}

describe('a network that knows its rows by heart', () => {
  it('is sure of them, and worse than that on others', () => {
    expect(plain.train).toBeLessThan(0.01);
    expect(plain.validation).toBeGreaterThan(0.5);
  });

  it.each([
    [{ type: 'input-noise', strength: 0.5 }],
    [{ type: 'input-noise', strength: 1, kind: 'multiplicative' }],
    [{ type: 'activation-noise', strength: 1 }],
    [{ type: 'activation-noise', strength: 1, kind: 'additive' }],
    [{ type: 'weight-noise', strength: 0.3 }],
    [{ type: 'weight-noise', strength: 0.6, kind: 'multiplicative' }],
    [{ type: 'mixup', strength: 1 }],
    [{ type: 'manifold-mixup', strength: 1 }],
  ])('is held back by %o, and does better on others', async (entry) => {
    const held = await losses([entry]);
    expect(held.train).toBeGreaterThan(plain.train);
    expect(held.validation).toBeLessThan(plain.validation);
  });
});

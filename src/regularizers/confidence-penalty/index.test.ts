import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import { farthest, float64, valueAndGradients } from '../../../test/support/gradients.js';
import { float32 } from '../../graph/tensor.js';
import type { StepView } from '../regularizer.js';
import { confidencePenalty, entropyOf } from './index.js';

const { cases } = JSON.parse(readFileSync(new URL('./goldens/confidence-penalty.json', import.meta.url), 'utf8')) as {
  cases: readonly { logits: number[][]; entropy: number[]; gradient: number[][] }[];
};

describe('entropyOf', () => {
  it.each(cases.map((golden, i) => ({ i, golden })))(
    "is that of PyTorch's Categorical, with its gradient: case $i",
    async ({ golden: { logits, entropy, gradient } }) => {
      const feeds = { logits: float64([logits.length, logits[0].length], logits.flat()) };
      const { y } = await computed(feeds, ({ b, inputs }) => ({ y: entropyOf(b, inputs.logits) }));
      expect(farthest(y, entropy)).toBeLessThan(1e-12);
      const found = await valueAndGradients(feeds, ({ b, inputs }) => b.reduceSum(entropyOf(b, inputs.logits)));
      expect(farthest(found.gradients.logits, gradient.flat())).toBeLessThan(1e-12);
    },
  );
});

describe('confidence-penalty', () => {
  const priceOf = async (logits: number[], threshold?: number): Promise<number> => {
    const { y } = await computed({ logits: float32([1, 3], logits), strength: float32([], [0.5]) }, (computation) => {
      const { logits: value, strength } = computation.inputs;
      const context = stepContext(computation, strength, { inputs: [], batchSize: 1 });
      const view = { logits: value } as StepView;
      return { y: confidencePenalty.hooks.objective!(context, { threshold }, [], view)! };
    });
    return y[0];
  };

  it('is lambda times the negative entropy', async () => {
    expect(await priceOf([0, 0, 0])).toBeCloseTo(-0.5 * Math.log(3), 6);
    expect(await priceOf([80, 0, 0])).toBeCloseTo(0, 6);
  });

  it('is nothing for rows that are less sure than the threshold', async () => {
    expect(await priceOf([0, 0, 0], 1)).toBe(0);
    expect(await priceOf([80, 0, 0], 1)).toBeCloseTo(0.5, 6);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { farthest, float64, valueAndGradients } from '../../../test/support/gradients.js';
import { openRuntimes, problem, trained } from '../../../test/support/training-problem.js';
import { meanSize } from './index.js';

interface Goldens {
  readonly x: number[][];
  readonly w1: number[][];
  readonly w2: number[][];
  readonly cases: readonly { norm: 'l1' | 'l2'; value: number; w1: number[][]; w2: number[][] }[];
}

const { x, w1, w2, cases } = JSON.parse(
  readFileSync(new URL('./goldens/activation-penalty.json', import.meta.url), 'utf8'),
) as Goldens;

describe('meanSize', () => {
  it.each(cases)("summed over layers is PyTorch's $norm loss against zero, with its gradients", async (golden) => {
    const feeds = {
      w1: float64([4, 5], w1.flat()),
      w2: float64([5, 3], w2.flat()),
      x: float64([6, 4], x.flat()),
    };
    const found = await valueAndGradients(feeds, ({ b, inputs }) => {
      const first = b.relu(b.matMul(inputs.x, inputs.w1));
      const second = b.tanh(b.matMul(first, inputs.w2));
      return b.add(meanSize(b, first, golden.norm), meanSize(b, second, golden.norm));
    });
    expect(found.value).toBeCloseTo(golden.value, 12);
    expect(farthest(found.gradients.w1, golden.w1.flat())).toBeLessThan(1e-12);
    expect(farthest(found.gradients.w2, golden.w2.flat())).toBeLessThan(1e-12);
  });
});

describe('activation-penalty', () => {
  it('is refused where there are no hidden activations', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({ model: { type: 'logistic' }, regularizers: [{ type: 'activation-penalty' }] });
    await expect(trained(ffi, given)).rejects.toMatchObject({ code: 'REGULARIZER_WITHOUT_EFFECT' });
  });
});

import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { gradients } from '../../graph/gradients.js';
import { float32 } from '../../graph/tensor.js';
import { halfSquaredNorm } from './index.js';

describe('halfSquaredNorm', () => {
  const feeds = {
    first: float32([2, 3], [1, -2, 3, 0, 0.5, -0.25]),
    second: float32([2], [4, -1]),
    lambda: float32([], [0.3]),
  };

  it('is lambda / 2 times the sum of squares over all values', async () => {
    const { penalty } = await computed(feeds, ({ b, inputs }) => ({
      penalty: halfSquaredNorm(b, [inputs.first, inputs.second], inputs.lambda)!,
    }));
    expect(penalty[0]).toBeCloseTo((0.3 / 2) * (1 + 4 + 9 + 0.25 + 0.0625 + 16 + 1), 5);
  });

  it('has the gradient lambda w', async () => {
    const { ofFirst, ofSecond } = await computed(feeds, ({ b, inputs }) => {
      const penalty = halfSquaredNorm(b, [inputs.first, inputs.second], inputs.lambda)!;
      const [one, two] = gradients(b, penalty, [inputs.first, inputs.second]);
      return { ofFirst: one!, ofSecond: two! };
    });
    const expected = (tensor: { data: Float32Array }): number[] =>
      Array.from(tensor.data, (w) => Math.fround(Math.fround(0.3) * w));
    expect(ofFirst).toEqual(expected(feeds.first).map((v) => v + 0));
    expect(ofSecond).toEqual(expected(feeds.second));
  });

  it('is nothing where nothing is penalized', () => {
    expect(halfSquaredNorm(undefined as never, [], 1)).toBeUndefined();
  });
});

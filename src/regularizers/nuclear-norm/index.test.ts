import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { farthest, float64, valueAndGradients } from '../../../test/support/gradients.js';
import { float32 } from '../../graph/tensor.js';
import { smoothNuclearNorm } from './index.js';

interface Golden {
  readonly shape: number[];
  readonly m: number[];
  readonly nuclear: number;
  readonly smooth: number;
  readonly gradient: number[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/nuclear-norm.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe('smoothNuclearNorm', () => {
  it.each(cases)(
    "of $shape is the sum of PyTorch's singular values, each smoothed near zero, with its gradient",
    async ({ shape, m, nuclear, smooth, gradient }) => {
      const found = await valueAndGradients({ m: float64(shape, m) }, ({ b, inputs }) =>
        smoothNuclearNorm(b, inputs.m),
      );
      expect(found.value).toBeCloseTo(smooth, 9);
      expect(farthest(found.gradients.m, gradient)).toBeLessThan(1e-8);
      expect(Math.abs(found.value / nuclear - 1)).toBeLessThan(0.05);
    },
  );

  it.each(cases)('of $shape keeps four digits in float32', async ({ shape, m, smooth }) => {
    const { y } = await computed({ m: float32(shape, m) }, ({ b, inputs }) => ({ y: smoothNuclearNorm(b, inputs.m) }));
    expect(Math.abs(y[0] / smooth - 1)).toBeLessThan(1e-4);
  });

  it('is 0 for a matrix of zeros, whose gradient is finite', async () => {
    const found = await valueAndGradients({ m: float64([3, 4], new Array<number>(12).fill(0)) }, ({ b, inputs }) =>
      smoothNuclearNorm(b, inputs.m),
    );
    expect(found.value).toBeCloseTo(0, 9);
    expect(found.gradients.m.every((value) => value === 0)).toBe(true);
  });
});

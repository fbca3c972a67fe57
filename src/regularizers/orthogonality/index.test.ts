import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { farthest, float64, valueAndGradients } from '../../../test/support/gradients.js';
import { orthogonalityDefect } from './index.js';

interface Matrix {
  readonly shape: number[];
  readonly m: number[];
}

const { cases, orthonormal } = JSON.parse(
  readFileSync(new URL('./goldens/orthogonality.json', import.meta.url), 'utf8'),
) as { cases: readonly (Matrix & { value: number; gradient: number[] })[]; orthonormal: Matrix };

describe('orthogonalityDefect', () => {
  it.each(cases)("of $shape is PyTorch's ||G - I||_F^2, with its gradient", async ({ shape, m, value, gradient }) => {
    const found = await valueAndGradients({ m: float64(shape, m) }, ({ b, inputs }) =>
      orthogonalityDefect(b, inputs.m),
    );
    expect(found.value).toBeCloseTo(value, 8);
    expect(farthest(found.gradients.m, gradient)).toBeLessThan(1e-8);
  });

  it('is 0 for orthonormal columns', async () => {
    const { shape, m } = orthonormal;
    const found = await valueAndGradients({ m: float64(shape, m) }, ({ b, inputs }) =>
      orthogonalityDefect(b, inputs.m),
    );
    expect(found.value).toBeCloseTo(0, 12);
  });
});

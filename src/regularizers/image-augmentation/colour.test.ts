import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { float32 } from '../../graph/tensor.js';
import { autocontrast, brightness, contrast, equalize, posterize, saturation, sharpness, solarize } from './colour.js';

const OPERATIONS = { autocontrast, brightness, contrast, equalize, posterize, saturation, sharpness, solarize };

interface Golden {
  readonly operation: keyof typeof OPERATIONS;
  readonly amount: number;
  readonly image: readonly (readonly (readonly number[])[])[];
  readonly result: readonly (readonly (readonly number[])[])[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/colour.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

describe('operations on colours', () => {
  it.each(cases.map((golden, i) => ({ ...golden, i })))(
    'are those of torchvision: $operation by $amount, case $i',
    async ({ operation, amount, image, result }) => {
      const shape = [1, image.length, image[0].length, image[0][0].length];
      const bytes = image.flat(2);
      // Beside an image of noise: nothing of one image may depend on another.
      const other = bytes.map((_, i) => (i * 97) % 256);
      const { y } = await computed(
        {
          x: float32(
            [2, ...shape.slice(1)],
            [...bytes, ...other].map((byte) => byte / 255),
          ),
          amount: float32([2, 1, 1, 1], [amount, 0.5]),
        },
        ({ b, inputs }) => ({ y: OPERATIONS[operation](b, inputs.x, inputs.amount) }),
      );
      const expected = result.flat(2);
      expected.forEach((value, i) => {
        expect(Math.abs(y[i] * 255 - value)).toBeLessThan(2e-3);
      });
      expect(Math.max(...y)).toBeLessThanOrEqual(1);
      expect(Math.min(...y)).toBeGreaterThanOrEqual(0);
    },
  );
});

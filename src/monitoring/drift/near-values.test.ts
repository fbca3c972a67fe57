import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ksDistance } from './distances.js';
import { exactNumbers } from './distribution.js';
import { nearAsEqual } from './near-values.js';

test('a score that is there often is one value, whichever its last digit', () => {
  const others = Array.from({ length: 70 }, (_, i) => i / 70);
  const a = exactNumbers([...others, ...Array<number>(30).fill(Math.fround(0.0214))]);
  const b = exactNumbers([...others, ...Array<number>(30).fill(Math.fround(0.0214) + 2e-9)]);
  expect(ksDistance(a, b)).toBeCloseTo(0.3, 12);
  expect(ksDistance(...nearAsEqual(a, b))).toBe(0);
});

test('what really moved is not taken as near, however small the scores', () => {
  const a = exactNumbers(Array.from({ length: 100 }, (_, i) => 1e-4 * (1 + i / 100)));
  const b = exactNumbers(Array.from({ length: 100 }, (_, i) => 1e-4 * (1.1 + i / 100)));
  expect(ksDistance(...nearAsEqual(a, b))).toBeCloseTo(0.1, 12);
});

test('no value moves further than the arithmetic of a model, and all stay in order', () => {
  const values = fc.array(fc.double({ noNaN: true }), { maxLength: 50 });
  fc.assert(
    fc.property(values, values, (one, other) => {
      const [a, b] = [exactNumbers(one), exactNumbers(other)];
      const largest = Math.min(1e300, Math.max(0, ...[...one, ...other].map(Math.abs)));
      nearAsEqual(a, b).forEach(({ values: near }, k) => {
        const before = [a, b][k].values;
        expect([...near]).toEqual([...near].sort((x, y) => x - y));
        near.forEach((value, i) => {
          if (value === before[i]) return;
          expect(Math.abs(before[i] - value)).toBeLessThanOrEqual(1.001e-4 * Math.abs(value) + 1.001e-7 * largest);
        });
      });
    }),
  );
});

import { expect, test } from 'vitest';
import { costAgainst } from './front.js';

test('of two models the one whose time is surely low is cheaper, not the one with a lucky ratio', () => {
  const baseline = { bytes: 1000 };
  const lucky = { bytes: 250, timeRatio: { value: 0.02, interval: [0.001, 0.34] as const } };
  const small = { bytes: 90, timeRatio: { value: 0.08, interval: [0.04, 0.09] as const } };
  expect(costAgainst(small, baseline)).toBeLessThan(costAgainst(lucky, baseline));
  expect(costAgainst({ ...lucky, timeRatio: { value: 1, interval: [1, 1] } }, baseline)).toBeCloseTo(
    Math.log(0.25),
    12,
  );
});

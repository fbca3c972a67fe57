import { expect, test } from 'vitest';
import { importances } from './importance.js';
import { createSpace } from './space.js';
import type { Trial } from './trial.js';

const dimension = { kind: 'float', low: 0, high: 1, log: false } as const;
const space = createSpace([
  { name: 'a', dimension },
  { name: 'b', dimension },
]);
const trials = (loss: (a: number, b: number) => number): Trial[] =>
  Array.from({ length: 40 }, (_, number) => {
    const point = { a: ((7 * number) % 40) / 40, b: ((11 * number) % 40) / 40 };
    return { number, point, state: 'complete', losses: [loss(point.a, point.b)], reports: [], units: [] };
  });

test('what decides has the share; nothing has one where all trials tie', () => {
  const { a, b } = importances(
    space,
    trials((x) => (x - 0.5) ** 2),
  );
  expect(a).toBeGreaterThan(0.8);
  expect(a + b).toBeCloseTo(1, 12);
  expect(
    importances(
      space,
      trials(() => 0.25),
    ),
  ).toEqual({ a: 0, b: 0 });
});

test('trials that tie with the last of the best are among the best, in whatever order they came', () => {
  // Half of all trials are equally good: all of those with a large `a`, whatever their number.
  const { a } = importances(
    space,
    trials((x) => (x < 0.5 ? 1 : 0)),
  );
  expect(a).toBeGreaterThan(0.9);
});

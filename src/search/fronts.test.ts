import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byFronts, hypervolume } from './fronts.js';
import { paretoFront } from './pareto.js';
import type { CompleteTrial } from './trial.js';

const trial = (number: number, losses: readonly number[], violations: readonly number[] = []): CompleteTrial => ({
  number,
  point: {},
  state: 'complete',
  losses,
  violations,
  reports: [],
  units: [],
});

describe('the hypervolume', () => {
  test('is that of boxes whose union is known', () => {
    expect(hypervolume([[1, 1]], [3, 4])).toBe(6);
    // Two boxes of 2 x 1 and 1 x 2 that share a unit square.
    expect(
      hypervolume(
        [
          [1, 2],
          [2, 1],
        ],
        [3, 3],
      ),
    ).toBe(3);
    expect(hypervolume([[0, 0, 0]], [1, 2, 3])).toBe(6);
    expect(
      hypervolume(
        [
          [0, 1, 1],
          [1, 0, 1],
          [1, 1, 0],
        ],
        [2, 2, 2],
      ),
    ).toBe(4);
    expect(hypervolume([[5, 5]], [3, 3])).toBe(0);
  });

  test('is the share of even draws that are dominated', () => {
    const losses = fc.array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(losses, (set) => {
        const side = 12;
        let inside = 0;
        for (let x = 0; x < side; x++) {
          for (let y = 0; y < side; y++) {
            for (let z = 0; z < side; z++) {
              const at = [x, y, z].map((cell) => (cell + 0.5) / side);
              if (set.some((own) => own.every((value, i) => value <= at[i]))) inside++;
            }
          }
        }
        expect(Math.abs(hypervolume(set, [1, 1, 1]) - inside / side ** 3)).toBeLessThan(0.13);
      }),
      { numRuns: 50 },
    );
  });
});

describe('fronts', () => {
  test('put what keeps the constraints first, then front after front, ends before the crowd', () => {
    const trials = [
      trial(0, [0, 0], [1]),
      trial(1, [0, 3]),
      trial(2, [1, 1.9]),
      trial(3, [1.1, 1.8]),
      trial(4, [3, 0]),
      trial(5, [4, 4]),
      trial(6, [0, 0], [0.5]),
    ];
    const order = byFronts(trials).map(({ number }) => number);
    expect(order.slice(0, 2).sort()).toEqual([1, 4]);
    expect(order.slice(4)).toEqual([5, 6, 0]);
  });

  test('hold exactly those that no other dominates', () => {
    expect(
      paretoFront([
        [1, 2],
        [2, 1],
        [2, 2],
        [1, 2],
      ]),
    ).toEqual([0, 1, 3]);
  });
});

import type { Parameter } from '../../src/search/space.js';

/** A function to minimize over a space, with its least value: what samplers are compared on. */
export interface TestFunction<Value = number | Promise<number>> {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly least: number;
  readonly value: (point: Readonly<Record<string, number>>) => Value;
}

const real = (name: string, low: number, high: number, log = false): Parameter => ({
  name,
  dimension: { kind: 'float', low, high, log },
});

/** Hartmann's function in six dimensions (Dixon and Szegö 1978). */
const ALPHA = [1, 1.2, 3, 3.2];
const A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const P = [
  [1312, 1696, 5569, 124, 8283, 5886],
  [2329, 4135, 8307, 3736, 1004, 9991],
  [2348, 1451, 3522, 2883, 3047, 6650],
  [4047, 8828, 8732, 5743, 1091, 381],
];

/**
 * The fixed set: two classics, a valley, a function of many local minima, and two that look like tuning regularization (an
 * optimum in the logarithm of strengths that depend on each other; strengths beside a choice of technique).
 */
export const FUNCTIONS: readonly TestFunction<number>[] = [
  {
    name: 'branin',
    parameters: [real('x', -5, 10), real('y', 0, 15)],
    least: 0.397887,
    value: ({ x, y }) =>
      (y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6) ** 2 +
      10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
      10,
  },
  {
    name: 'hartmann6',
    parameters: Array.from({ length: 6 }, (_, i) => real(`x${i}`, 0, 1)),
    least: -3.32237,
    value: (point) =>
      -ALPHA.reduce(
        (sum, alpha, i) =>
          sum + alpha * Math.exp(-A[i].reduce((inner, a, j) => inner + a * (point[`x${j}`] - 1e-4 * P[i][j]) ** 2, 0)),
        0,
      ),
  },
  {
    name: 'rosenbrock',
    parameters: Array.from({ length: 4 }, (_, i) => real(`x${i}`, -2, 2)),
    least: 0,
    value: (point) => {
      const at = [0, 1, 2, 3].map((i) => point[`x${i}`]);
      return [0, 1, 2].reduce((sum, i) => sum + 100 * (at[i + 1] - at[i] ** 2) ** 2 + (1 - at[i]) ** 2, 0);
    },
  },
  {
    name: 'rastrigin',
    parameters: Array.from({ length: 3 }, (_, i) => real(`x${i}`, -4, 5)),
    least: 0,
    value: (point) =>
      [0, 1, 2].reduce((sum, i) => {
        const x = point[`x${i}`];
        return sum + 10 + x * x - 10 * Math.cos(2 * Math.PI * x);
      }, 0),
  },
  {
    name: 'strengths',
    parameters: [
      real('decay', 1e-5, 10, true),
      real('dropout', 0, 0.8),
      real('rate', 1e-4, 1, true),
      {
        name: 'width',
        dimension: { kind: 'int', low: 8, high: 512, log: true },
      },
    ],
    least: 0,
    value: ({ decay, dropout, rate, width }) => {
      const d = Math.log10(decay) + 2;
      const r = Math.log10(rate) + 2.5;
      const w = Math.log2(width) - 7;
      // Wider networks want more of both; decay acts through the learning rate.
      return 0.3 * (d + r) ** 2 + 4 * (dropout - 0.3 - 0.05 * w) ** 2 + 0.5 * r * r + 0.02 * w * w;
    },
  },
  {
    name: 'techniques',
    parameters: [
      { name: 'technique', dimension: { kind: 'choice', choices: ['none', 'dropout', 'mixup', 'smoothing'] } },
      { ...real('dropout', 0, 0.8), when: { parameter: 'technique', indices: [1] } },
      { ...real('mixup', 0.01, 4, true), when: { parameter: 'technique', indices: [2] } },
      { ...real('smoothing', 0, 0.4), when: { parameter: 'technique', indices: [3] } },
      real('decay', 1e-5, 1, true),
    ],
    least: 0,
    value: ({ technique, dropout, mixup, smoothing, decay }) => {
      const base = 0.1 * (Math.log10(decay) + 3) ** 2;
      const own = [
        1,
        0.35 + 3 * ((dropout ?? 0) - 0.5) ** 2,
        0.4 * (Math.log10(mixup ?? 1) - 0.1) ** 2,
        0.2 + 5 * ((smoothing ?? 0) - 0.1) ** 2,
      ];
      return base + own[technique];
    },
  },
];

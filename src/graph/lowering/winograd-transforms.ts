import { kronecker, type Matrix, matrix } from './matrix.js';

/** Edge of the output tile: 2 or 4. */
export type TileSize = 2 | 4;

/**
 * The constants of a 3x3 convolution over tiles of m x m outputs, e = m + 2 inputs wide (Lavin & Gray 2016), for tiles
 * written as vectors: output = A [(G w) * (B d)], elementwise in the middle, summed over channels.
 */
export interface Transforms {
  /** B: [e*e, e*e], input tile -> its transform. */
  readonly input: Matrix;
  /** G: [e*e, 9], kernel -> its transform. */
  readonly kernel: Matrix;
  /** A: [m*m, e*e], products -> output tile. */
  readonly output: Matrix;
}

const ONE_DIMENSION = {
  2: {
    input: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    kernel: [
      [1, 0, 0],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, -1 / 2, 1 / 2],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    input: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    kernel: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
} as const;

export function transforms(tile: TileSize): Transforms {
  const square = (rows: readonly (readonly number[])[]): Matrix => kronecker(matrix(rows), matrix(rows));
  const { input, kernel, output } = ONE_DIMENSION[tile];
  return { input: square(input), kernel: square(kernel), output: square(output) };
}

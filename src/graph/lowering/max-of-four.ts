import type { GraphBuilder, Value } from '../builder.js';
import { type Matrix, matrix } from './matrix.js';

/**
 * The maximum of the four values of a pooling window, and which it is. A tie goes to the first, as in PyTorch.
 *
 * The gradient d of the maximum is split by winners: d = upper + lower, upper = first + second, lower = third + fourth.
 * Its parts [d, upper, first, third] hold all four; {@link SPREAD} makes the four of them, and is folded into the
 * constant matrix that comes next.
 */
export interface MaxOfFour {
  readonly max: Value;
  readonly parts: (d: Value) => readonly Value[];
  /** [first, second, third, fourth]. */
  readonly winners: (d: Value) => readonly Value[];
  /**
   * A zero [1] that depends on who wins. The runtime puts work off until it is needed: what uses this in the forward
   * pass has the winners found while the values are still in cache, and the values let go.
   */
  readonly zero: Value;
}

/** [first, second, third, fourth] = SPREAD [d, upper, first, third]. */
export const SPREAD: Matrix = matrix([
  [0, 0, 1, 0],
  [0, 1, -1, 0],
  [0, 0, 0, 1],
  [1, -1, 0, -1],
]);

export function maxOfFour(b: GraphBuilder, [v0, v1, v2, v3]: readonly Value[]): MaxOfFour {
  const firstWins = b.greaterOrEqual(v0, v1);
  const thirdWins = b.greaterOrEqual(v2, v3);
  const upper = b.maximum(v0, v1);
  const lower = b.maximum(v2, v3);
  const upperWins = b.greaterOrEqual(upper, lower);
  const parts = (d: Value): readonly [Value, Value, Value, Value] => {
    const toUpper = b.mul(d, b.cast(upperWins, d.type));
    const toFirst = b.mul(toUpper, b.cast(firstWins, d.type));
    const toThird = b.mul(b.sub(d, toUpper), b.cast(thirdWins, d.type));
    return [d, toUpper, toFirst, toThird];
  };
  const [one, two, three] = [firstWins, thirdWins, upperWins].map((wins) => b.slice(wins, [0, 0], [1, 1], [0, 1]));
  return {
    max: b.maximum(upper, lower),
    zero: b.mul(b.reshape(b.cast(b.and(b.and(one, two), three), v0.type), [1]), 0),
    parts,
    winners(d) {
      const [, toUpper, toFirst, toThird] = parts(d);
      return [toFirst, b.sub(toUpper, toFirst), toThird, b.sub(b.sub(d, toUpper), toThird)];
    },
  };
}

import type { GraphBuilder, Value } from '../graph/builder.js';

/** The next row in the place of each, the first in that of the last: batches are shuffled, so that it is a random partner. */
export function neighbourOf(b: GraphBuilder, x: Value): Value {
  const [first, rest] = b.split(x, [1, x.shape[0] - 1], 0);
  return b.concat([rest, first], 0);
}

/** share * x + (1 - share) * x of the next row; x to the bit where the share is 1. */
export function mixWithNeighbour(b: GraphBuilder, x: Value, share: Value): Value {
  return b.add(x, b.mul(b.sub(neighbourOf(b, x), x), b.sub(1, share)));
}

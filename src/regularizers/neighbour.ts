import type { GraphBuilder, Value } from '../graph/builder.js';

/** The next row in the place of each, the first in that of the last: batches are shuffled, so that it is a random partner. */
export function neighbourOf(b: GraphBuilder, x: Value): Value {
  const [first, rest] = b.split(x, [1, x.shape[0] - 1], 0);
  return b.concat([rest, first], 0);
}

/** share * x + (1 - share) * x of the next row. */
export function mixWithNeighbour(b: GraphBuilder, x: Value, share: Value): Value {
  const partner = neighbourOf(b, x);
  return b.add(partner, b.mul(b.sub(x, partner), share));
}

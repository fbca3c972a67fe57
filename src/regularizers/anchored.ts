import type { GraphBuilder, Operand, Value } from '../graph/builder.js';
import { int } from '../graph/model.js';

/** A weight, where it was, and how much it matters that it stays there. */
export interface Anchored {
  readonly value: Value;
  readonly anchor: Value;
  readonly importance: Value;
}

/** factor * sum of importance * (w - anchor)^2 over all weights. */
export function anchoredPenalty(b: GraphBuilder, weights: readonly Anchored[], factor: Operand): Value | undefined {
  if (weights.length === 0) return undefined;
  const terms = weights.map(({ value, anchor, importance }) => {
    const distance = b.sub(value, anchor);
    return b.op('ReduceSum', [b.mul(importance, b.mul(distance, distance))], { keepdims: int(0) });
  });
  return b.mul(terms.reduce(b.add), factor);
}

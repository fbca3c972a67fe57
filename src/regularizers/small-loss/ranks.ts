import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { int } from '../../graph/model.js';
import { tensor } from '../../graph/tensor.js';

/** Place of each value among all, 0 for the smallest, as float32 [batch]; of equal ones the first comes first. */
export function ranksOf(b: GraphBuilder, values: Value): Value {
  return b.detached(() => {
    const [count] = values.shape;
    return placed(b, orderOf(b, values), b.cast(b.constant(tensor('float32', [count], counting(count))), values.type));
  });
}

/**
 * Place of each value among those of its class, and how many there are of it.
 *
 * @param members [batch, classes]: 1 where the row is of the class
 */
export function ranksWithin(b: GraphBuilder, values: Value, members: Value): { ranks: Value; sizes: Value } {
  return b.detached(() => {
    const order = orderOf(b, values);
    const sorted = b.gather(members, order);
    const before = b.op('CumSum', [sorted, b.scalar(0, 'int64')], { exclusive: int(1) });
    const sizes = b.reduceSum(b.mul(members, b.reduceSum(members, [0], true)), [1]);
    return { ranks: placed(b, order, b.reduceSum(b.mul(before, sorted), [1])), sizes };
  });
}

/**
 * 1 for the rows with the smallest losses, 0 for the rest: (1 - share) of the batch stays, the last row in part, so that the
 * weight is continuous in the share.
 */
export function keepSmallest(b: GraphBuilder, losses: Value, share: Operand, members?: Value): Value {
  return b.detached(() => {
    const { ranks, sizes } =
      members === undefined ? { ranks: ranksOf(b, losses), sizes: losses.shape[0] } : ranksWithin(b, losses, members);
    return b.clip(b.sub(b.mul(b.sub(1, share), sizes), ranks), 0, 1);
  });
}

function orderOf(b: GraphBuilder, values: Value): Value {
  const [count] = values.shape;
  const attributes = { largest: int(0), sorted: int(1) };
  return b.apply('TopK', [values, b.indices([count])], attributes, { outputs: 2 })[1];
}

/** Numbers in sorted order -> in the order of the rows. */
function placed(b: GraphBuilder, order: Value, values: Value): Value {
  return b.op('ScatterElements', [values, order, values], { axis: int(0) });
}

function counting(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => i);
}

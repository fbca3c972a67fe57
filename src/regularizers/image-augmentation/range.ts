import type { GraphBuilder, Value } from '../../graph/builder.js';
import { float32 } from '../../graph/tensor.js';
import type { InputDescription } from '../regularizer.js';

/** The least and the greatest value that a channel may take: black and white of an image. */
interface Bounds {
  readonly low: Value;
  readonly high: Value;
}

/** Bounds [1, channels, 1, 1] of an image input; those of the batch where the data do not say. */
export function boundsOf(b: GraphBuilder, { range }: InputDescription, image: Value): Bounds {
  if (range === undefined) {
    return b.detached(() => ({
      low: b.neg(b.reduceMax(b.neg(image), [0, 2, 3], true)),
      high: b.reduceMax(image, [0, 2, 3], true),
    }));
  }
  const shape = [1, range.low.length, 1, 1];
  return { low: b.constant(float32(shape, range.low)), high: b.constant(float32(shape, range.high)) };
}

/** Lets a function work on values from 0 to 1; what it leaves alone stays to the bit. */
export function onUnit(b: GraphBuilder, image: Value, { low, high }: Bounds, change: (unit: Value) => Value): Value {
  const span = b.sub(high, low);
  const unit = b.div(b.sub(image, low), span);
  return b.add(image, b.mul(b.sub(change(unit), unit), span));
}

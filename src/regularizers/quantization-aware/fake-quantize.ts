import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';

/** Whole numbers that `bits` hold: symmetric for weights, from 0 for activations. */
const largestWeight = (bits: number): number => 2 ** (bits - 1) - 1;
export const largestActivation = (bits: number): number => 2 ** bits - 1;

/** Smallest scale: a tensor of zeros has one too. */
const LEAST_SCALE = 1e-12;

/** Where values may lie, in steps, and what a step is. */
export interface Grid {
  readonly scale: Value;
  /** A whole number, as a float. */
  readonly zeroPoint: Operand;
  readonly low: number;
  readonly high: number;
}

/**
 * x as 8-bit (or other) storage would give it back: (clip(round(x / scale) + zeroPoint, low, high) - zeroPoint) * scale,
 * halves rounded to even: ONNX's QuantizeLinear and DequantizeLinear. The gradient passes where x is within the grid, as if
 * nothing had been rounded (straight through).
 */
export function fakeQuantize(b: GraphBuilder, x: Value, { scale, zeroPoint, low, high }: Grid): Value {
  let inside: Value | undefined;
  const [out] = b.composite(
    'fake quantization',
    [x],
    () => {
      const steps = b.add(b.op('Round', [b.div(x, scale)]), zeroPoint);
      const stored = b.clip(steps, low, high);
      inside = b.equal(steps, stored);
      return [b.mul(b.sub(stored, zeroPoint), scale)];
    },
    ([g]) => [g === undefined ? undefined : b.mul(g, b.cast(inside!, g.type))],
  );
  return out;
}

/** Symmetric grid of a weight: scale max |w| / largest, of each output unit where it has an axis of them. */
export function weightGrid(b: GraphBuilder, w: Value, unitAxis: number | undefined, bits: number): Grid {
  const high = largestWeight(bits);
  const axes = w.shape.map((_, axis) => axis).filter((axis) => axis !== unitAxis);
  return b.detached(() => ({
    scale: b.maximum(b.div(b.reduceMax(b.abs(w), axes, true), high), LEAST_SCALE),
    zeroPoint: 0,
    low: -high,
    high,
  }));
}

/** Grid of values between two limits, 0 among them: scale (high - low) / largest, zero point -round(low / scale). */
export function activationGrid(b: GraphBuilder, low: Value, high: Value, bits: number): Grid {
  const largest = largestActivation(bits);
  return b.detached(() => {
    const least = b.minimum(low, 0);
    const scale = b.maximum(b.div(b.sub(b.maximum(high, 0), least), largest), LEAST_SCALE);
    const zeroPoint = b.clip(b.neg(b.op('Round', [b.div(least, scale)])), 0, largest);
    return { scale, zeroPoint, low: 0, high: largest };
  });
}

/**
 * The moving range of an activation after a batch: (1 - rate) old + rate new, of its least and largest value; the first
 * batch's own. A range [2] is [low, high], and equal limits mean that none has been seen.
 */
export function movedRange(b: GraphBuilder, x: Value, range: Value, rate: number): Value {
  return b.detached(() => {
    const least = b.neg(b.reduceMax(b.neg(x)));
    const seen = b.concat([b.reshape(least, [1]), b.reshape(b.reduceMax(x), [1])], 0);
    const [low, high] = b.split(range, [1, 1], 0);
    const moved = b.add(range, b.mul(b.sub(seen, range), rate));
    return b.where(b.equal(low, high), seen, moved);
  });
}

import type { GraphBuilder, Value } from '../graph/builder.js';
import { type DataType, float32, sizeOf } from '../graph/tensor.js';
import type { Parameter } from './regularizer.js';

/** A weight as a matrix [units, inputs of a unit]: rows are neurons or output channels. */
export function asMatrix(b: GraphBuilder, value: Value, { unitAxis = 0 }: Parameter): Value {
  const { shape } = value;
  const units = shape[unitAxis];
  const order = [unitAxis, ...shape.map((_, axis) => axis).filter((axis) => axis !== unitAxis)];
  const front = unitAxis === 0 ? value : b.transpose(value, order);
  return b.reshape(front, [units, sizeOf(shape) / units]);
}

/** The identity matrix [n, n]. */
export function identityOf(b: GraphBuilder, n: number, type: DataType): Value {
  const data = Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  return b.cast(b.constant(float32([n, n], data)), type);
}

/** Whether a weight has units of several inputs each, so that structure can be asked of it. */
export function isStructured({ role, shape, unitAxis }: Parameter): boolean {
  return role === 'weight' && unitAxis !== undefined && shape.length >= 2;
}

/** Axes over which the inputs of one unit lie. */
export function inputAxes({ shape, unitAxis }: Parameter): number[] {
  return shape.map((_, axis) => axis).filter((axis) => axis !== unitAxis);
}

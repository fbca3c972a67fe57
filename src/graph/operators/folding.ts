import { ARRAY_OF, type DataType, type NumericArray, sizeOf, type Tensor } from '../tensor.js';
import { type FoldContext, toNumbers } from './operator.js';

/** Evaluation of small constants while a graph is built: the shape arithmetic of imported models. */

/** Constants above this size are left to the runtime: shape arithmetic is small, weights are not. */
export const FOLD_LIMIT = 4096;

/** Whether all are known, small and numeric. */
export const foldable = (tensors: readonly (Tensor | undefined)[]): tensors is Tensor[] =>
  tensors.every((t) => t !== undefined && t.data.length <= FOLD_LIMIT && isPlain(t.type));

/** Element types that a typed array holds as numbers. */
const isPlain = (type: DataType): type is Exclude<DataType, 'string' | 'float16' | 'bfloat16'> =>
  type !== 'string' && type !== 'float16' && type !== 'bfloat16';

/** The same elements in another shape. */
export const withShape = (from: Tensor, shape: readonly number[]): Tensor => ({ ...from, shape });

/** A constant of the given type from plain numbers; undefined where a value does not fit (a division by zero). */
export function constantOf(type: DataType, shape: readonly number[], values: ArrayLike<number>): Tensor | undefined {
  if (!isPlain(type) || values.length !== sizeOf(shape)) return undefined;
  const data: NumericArray = new ARRAY_OF[type](values.length);
  const integral = type !== 'float32' && type !== 'float64';
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (integral && !Number.isFinite(value)) return undefined;
    if (type === 'bool') data[i] = value === 0 ? 0 : 1;
    else if (data instanceof BigInt64Array) data[i] = toInt64(value);
    else if (data instanceof BigUint64Array) data[i] = BigInt(Math.trunc(value));
    else data[i] = value;
  }
  return { type, shape, data };
}

/** Saturating, so that the largest int64 ("to the end" in slices) survives the way through a double. */
function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  return value <= -(2 ** 63) ? -(2n ** 63n) : BigInt(Math.trunc(value));
}

/** A fold for an operator that works element by element, with broadcasting. */
export function foldElementwise(compute: (operands: readonly number[], context: FoldContext) => number) {
  return (context: FoldContext): Tensor | undefined => {
    const { type, shape } = context.outputs[0];
    const size = sizeOf(shape);
    if (size > FOLD_LIMIT || !foldable(context.inputs)) return undefined;
    const operands = context.inputs.map((input) => ({ values: toNumbers(input), shape: input.shape }));
    const values = Array.from({ length: size }, (_, i) =>
      compute(
        operands.map((operand) => operand.values[broadcastIndex(i, shape, operand.shape)]),
        context,
      ),
    );
    return constantOf(type, shape, values);
  };
}

/** Where element `index` of a broadcast result comes from in an operand of shape `from`. */
function broadcastIndex(index: number, shape: readonly number[], from: readonly number[]): number {
  let result = 0;
  let stride = 1;
  let rest = index;
  for (let i = 1; i <= shape.length; i++) {
    const extent = shape[shape.length - i];
    const coordinate = rest % extent;
    rest = Math.floor(rest / extent);
    const own = from[from.length - i] ?? 1;
    if (own !== 1) result += coordinate * stride;
    stride *= own;
  }
  return result;
}

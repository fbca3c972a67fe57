import type { Value } from '../builder.js';
import { sizeOf } from '../tensor.js';
import { constantOf, FOLD_LIMIT, foldable, withShape } from './folding.js';
import {
  broadcastShapes,
  constantIntegers,
  type InferContext,
  intAttribute,
  intsAttribute,
  mismatch,
  normalizeAxis,
  type Operator,
  required,
  sumTo,
  toNumbers,
} from './operator.js';

/** Operators that change shapes: reshaping, transposing, broadcasting, joining and splitting, and shape arithmetic. */

const reshapeBack: Operator['gradient'] = ({ b, inputs, gradients }) => [
  b.reshape(gradients[0]!, inputs[0]!.shape),
  ...inputs.slice(1).map(() => undefined),
];

const foldReshape: Operator['fold'] = ({ inputs: [x], outputs }) =>
  foldable([x]) ? withShape(x!, outputs[0].shape) : undefined;

export const Reshape: Operator = {
  infer(context) {
    const x = required(context, 0);
    const target = constantIntegers(context, 1) ?? [];
    const allowZero = intAttribute(context.attributes, 'allowzero', 0) === 1;
    const shape = target.map((extent, axis) => (extent === 0 && !allowZero ? x.shape[axis] : extent));
    const unknown = shape.indexOf(-1);
    if (unknown >= 0) {
      const known = shape.reduce((size, extent) => (extent === -1 ? size : size * extent), 1);
      shape[unknown] = sizeOf(x.shape) / known;
    }
    if (sizeOf(shape) !== sizeOf(x.shape) || !shape.every((extent) => Number.isInteger(extent) && extent >= 0)) {
      throw mismatch(context, `[${x.shape}] cannot become [${target}]`);
    }
    return [{ type: x.type, shape }];
  },
  gradient: reshapeBack,
  fold: foldReshape,
};

export const Flatten: Operator = {
  infer(context) {
    const x = required(context, 0);
    const axis = normalizeAxis(intAttribute(context.attributes, 'axis', 1), x.shape.length);
    return [{ type: x.type, shape: [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))] }];
  },
  gradient: reshapeBack,
  fold: foldReshape,
};

export const Squeeze: Operator = {
  infer(context) {
    const x = required(context, 0);
    const given = constantIntegers(context, 1);
    const axes = given?.map((axis) => normalizeAxis(axis, x.shape.length));
    if (axes?.some((axis) => x.shape[axis] !== 1))
      throw mismatch(context, `axes [${axes}] of [${x.shape}] are not all 1`);
    return [{ type: x.type, shape: x.shape.filter((extent, axis) => (axes ? !axes.includes(axis) : extent !== 1)) }];
  },
  gradient: reshapeBack,
  fold: foldReshape,
};

export const Unsqueeze: Operator = {
  infer(context) {
    const x = required(context, 0);
    const given = constantIntegers(context, 1) ?? [];
    const rank = x.shape.length + given.length;
    const axes = new Set(given.map((axis) => normalizeAxis(axis, rank)));
    const rest = [...x.shape];
    return [{ type: x.type, shape: Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : rest.shift()!)) }];
  },
  gradient: reshapeBack,
  fold: foldReshape,
};

function permutation(context: { attributes: InferContext['attributes'] }, rank: number): readonly number[] {
  return intsAttribute(context.attributes, 'perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
}

export const Transpose: Operator = {
  infer(context) {
    const x = required(context, 0);
    const perm = permutation(context, x.shape.length);
    if (perm.length !== x.shape.length) throw mismatch(context, `perm [${perm}] does not fit [${x.shape}]`);
    return [{ type: x.type, shape: perm.map((axis) => x.shape[axis]) }];
  },
  gradient({ b, node, inputs, gradients }) {
    const perm = permutation(node, inputs[0]!.shape.length);
    const inverse = new Array<number>(perm.length);
    perm.forEach((axis, i) => {
      inverse[axis] = i;
    });
    return [b.transpose(gradients[0]!, inverse)];
  },
};

export const Expand: Operator = {
  infer(context) {
    const x = required(context, 0);
    const target = constantIntegers(context, 1) ?? [];
    const shape = broadcastShapes(x.shape, target);
    if (shape === undefined) throw mismatch(context, `[${x.shape}] does not broadcast to [${target}]`);
    return [{ type: x.type, shape }];
  },
  gradient: ({ b, inputs, gradients }) => [sumTo(b, gradients[0]!, inputs[0]!.shape), undefined],
  fold({ inputs: [x], outputs: [{ type, shape }] }) {
    if (!foldable([x]) || x!.data.length !== 1 || sizeOf(shape) > FOLD_LIMIT) return undefined;
    return constantOf(type, shape, new Array<number>(sizeOf(shape)).fill(toNumbers(x!)[0]));
  },
};

export const Tile: Operator = {
  infer(context) {
    const x = required(context, 0);
    const repeats = constantIntegers(context, 1) ?? [];
    if (repeats.length !== x.shape.length) throw mismatch(context, `repeats [${repeats}] do not fit [${x.shape}]`);
    return [{ type: x.type, shape: x.shape.map((extent, axis) => extent * repeats[axis]) }];
  },
  gradient({ b, inputs, outputs, gradients }) {
    const x = inputs[0]!;
    const split = x.shape.flatMap((extent, axis) => [outputs[0].shape[axis] / extent, extent]);
    const axes = x.shape.map((_, axis) => 2 * axis);
    return [b.reduceSum(b.reshape(gradients[0]!, split), axes), undefined];
  },
};

export const Concat: Operator = {
  infer(context) {
    const first = required(context, 0);
    const axis = normalizeAxis(intAttribute(context.attributes, 'axis', 0), first.shape.length);
    const shape = [...first.shape];
    for (let i = 1; i < context.inputs.length; i++) {
      const other = required(context, i);
      if (other.shape.length !== shape.length || other.shape.some((e, a) => a !== axis && e !== shape[a])) {
        throw mismatch(context, `[${first.shape}] and [${other.shape}] do not join along axis ${axis}`);
      }
      shape[axis] += other.shape[axis];
    }
    return [{ type: first.type, shape }];
  },
  gradient({ b, node, inputs, gradients }) {
    const values = inputs as Value[];
    const axis = normalizeAxis(intAttribute(node.attributes, 'axis', 0), values[0].shape.length);
    return b.split(
      gradients[0]!,
      values.map((value) => value.shape[axis]),
      axis,
    );
  },
  fold({ inputs, outputs: [{ type, shape }] }) {
    return shape.length === 1 && foldable(inputs) ? constantOf(type, shape, inputs.flatMap(toNumbers)) : undefined;
  },
};

function splitSizes(context: InferContext): { axis: number; sizes: readonly number[] } {
  const x = required(context, 0);
  const axis = normalizeAxis(intAttribute(context.attributes, 'axis', 0), x.shape.length);
  const given = constantIntegers(context, 1);
  if (given !== undefined) return { axis, sizes: given };
  const parts = intAttribute(context.attributes, 'num_outputs', context.outputs);
  const each = Math.ceil(x.shape[axis] / parts);
  return { axis, sizes: Array.from({ length: parts }, (_, i) => Math.min(each, x.shape[axis] - i * each)) };
}

export const Split: Operator = {
  infer(context) {
    const x = required(context, 0);
    const { axis, sizes } = splitSizes(context);
    if (sizes.reduce((sum, size) => sum + size, 0) !== x.shape[axis]) {
      throw mismatch(context, `parts [${sizes}] do not add up to ${x.shape[axis]}`);
    }
    return sizes.map((size) => ({ type: x.type, shape: x.shape.map((e, a) => (a === axis ? size : e)) }));
  },
  gradient({ b, node, outputs, gradients }) {
    const axis = normalizeAxis(intAttribute(node.attributes, 'axis', 0), outputs[0].shape.length);
    const parts = outputs.map((output, i) => gradients[i] ?? b.scalar(0, output.type, output.shape));
    return [b.concat(parts, axis), undefined];
  },
  fold({ inputs: [x], outputs }) {
    if (!foldable([x]) || x!.shape.length !== 1) return undefined;
    let start = 0;
    return outputs.map(({ shape }) => {
      const [extent] = shape;
      start += extent;
      return { ...x!, shape, data: x!.data.slice(start - extent, start) };
    });
  },
};

export const Shape: Operator = {
  infer(context) {
    return [{ type: 'int64', shape: [shapePart(context.attributes, required(context, 0).shape).length] }];
  },
  gradient: 'zero',
  fold({ shapes, attributes, outputs }) {
    return shapes[0] && constantOf('int64', outputs[0].shape, shapePart(attributes, shapes[0]));
  },
};

/** The part of a shape that `start` and `end` select. */
function shapePart(attributes: InferContext['attributes'], shape: readonly number[]): readonly number[] {
  return shape.slice(intAttribute(attributes, 'start', 0), intAttribute(attributes, 'end', shape.length));
}

export const Size: Operator = {
  infer: () => [{ type: 'int64', shape: [] }],
  gradient: 'zero',
  fold: ({ shapes }) => shapes[0] && constantOf('int64', [], [sizeOf(shapes[0])]),
};

export const ConstantOfShape: Operator = {
  infer(context) {
    const value = context.attributes.value;
    const type = value?.kind === 'tensor' ? value.value.type : 'float32';
    return [{ type, shape: constantIntegers(context, 0) ?? [] }];
  },
  gradient: 'zero',
  fold({ attributes, outputs: [{ type, shape }] }) {
    if (sizeOf(shape) > FOLD_LIMIT) return undefined;
    const value = attributes.value;
    if (value?.kind === 'tensor' && !foldable([value.value])) return undefined;
    const element = value?.kind === 'tensor' ? toNumbers(value.value)[0] : 0;
    return constantOf(type, shape, new Array<number>(sizeOf(shape)).fill(element));
  },
};

/** start, start + delta, ... below (above, for a negative delta) limit. */
export const Range: Operator = {
  infer(context) {
    const { type } = required(context, 0);
    const [start, limit, delta] = [0, 1, 2].map((i) => (constantIntegers(context, i) ?? [0])[0]);
    return [{ type, shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
  },
  gradient: 'zero',
  fold({ inputs, outputs: [{ type, shape }] }) {
    if (!foldable(inputs) || shape[0] > FOLD_LIMIT) return undefined;
    const [start] = toNumbers(inputs[0]!);
    const [delta] = toNumbers(inputs[2]!);
    return constantOf(
      type,
      shape,
      Array.from({ length: shape[0] }, (_, i) => start + i * delta),
    );
  },
};

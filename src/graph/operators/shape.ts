import { BallastError } from '../../errors.js';
import type { Value, ValueType } from '../builder.js';
import { int } from '../model.js';
import { ARRAY_OF, int64, type NumericArray, sizeOf, type Tensor } from '../tensor.js';
import {
  broadcastShapes,
  constantIntegers,
  type InferContext,
  inferContext,
  intAttribute,
  intsAttribute,
  mismatch,
  normalizeAxis,
  type Operator,
  required,
  sumTo,
  toNumbers,
} from './operator.js';

/** Operators that move elements about: reshaping, slicing, gathering, scattering, padding. */

/** Constants up to this size are folded. */
const FOLD_LIMIT = 4096;

const small = (tensors: readonly (Tensor | undefined)[]): tensors is Tensor[] =>
  tensors.every((t) => t !== undefined && t.type !== 'string' && t.data.length <= FOLD_LIMIT);

const withShape = (from: Tensor, to: ValueType): Tensor => ({ type: from.type, shape: to.shape, data: from.data });

const reshapeBack: Operator['gradient'] = ({ b, inputs, gradients }) => [
  b.reshape(gradients[0]!, inputs[0]!.shape),
  ...inputs.slice(1).map(() => undefined),
];

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
  fold: ({ inputs, outputs }) => (small([inputs[0]]) ? withShape(inputs[0]!, outputs[0]) : undefined),
};

export const Flatten: Operator = {
  infer(context) {
    const x = required(context, 0);
    const axis = normalizeAxis(intAttribute(context.attributes, 'axis', 1), x.shape.length);
    return [{ type: x.type, shape: [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))] }];
  },
  gradient: reshapeBack,
};

export const Squeeze: Operator = {
  infer(context) {
    const x = required(context, 0);
    const given = intsAttribute(context.attributes, 'axes') ?? constantIntegers(context, 1);
    const axes = given?.map((axis) => normalizeAxis(axis, x.shape.length));
    if (axes?.some((axis) => x.shape[axis] !== 1))
      throw mismatch(context, `axes [${axes}] of [${x.shape}] are not all 1`);
    return [{ type: x.type, shape: x.shape.filter((extent, axis) => (axes ? !axes.includes(axis) : extent !== 1)) }];
  },
  gradient: reshapeBack,
  fold: ({ inputs, outputs }) => (small([inputs[0]]) ? withShape(inputs[0]!, outputs[0]) : undefined),
};

export const Unsqueeze: Operator = {
  infer(context) {
    const x = required(context, 0);
    const given = intsAttribute(context.attributes, 'axes') ?? constantIntegers(context, 1) ?? [];
    const rank = x.shape.length + given.length;
    const axes = new Set(given.map((axis) => normalizeAxis(axis, rank)));
    const rest = [...x.shape];
    return [{ type: x.type, shape: Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : rest.shift()!)) }];
  },
  gradient: reshapeBack,
  fold: ({ inputs, outputs }) => (small([inputs[0]]) ? withShape(inputs[0]!, outputs[0]) : undefined),
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
  fold({ inputs, outputs }) {
    const [x] = inputs;
    const { type, shape } = outputs[0];
    if (x === undefined || type === 'string' || x.data.length !== 1 || sizeOf(shape) > FOLD_LIMIT) return undefined;
    const data: NumericArray = new ARRAY_OF[type](sizeOf(shape));
    return { type, shape, data: data.fill(x.data[0] as never) };
  },
};

export const Tile: Operator = {
  infer(context) {
    const x = required(context, 0);
    const repeats = constantIntegers(context, 1) ?? [];
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
  fold({ inputs, outputs }) {
    const { type, shape } = outputs[0];
    if (shape.length !== 1 || type !== 'int64' || !small(inputs)) return undefined;
    return int64(shape, inputs.flatMap(toNumbers));
  },
};

function splitSizes(context: InferContext): { axis: number; sizes: readonly number[] } {
  const x = required(context, 0);
  const axis = normalizeAxis(intAttribute(context.attributes, 'axis', 0), x.shape.length);
  const given = intsAttribute(context.attributes, 'split') ?? constantIntegers(context, 1);
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
};

interface SliceRange {
  axis: number;
  start: number;
  step: number;
  count: number;
}

function sliceRanges(context: InferContext): SliceRange[] {
  const x = required(context, 0);
  const starts = intsAttribute(context.attributes, 'starts') ?? constantIntegers(context, 1) ?? [];
  const ends = intsAttribute(context.attributes, 'ends') ?? constantIntegers(context, 2) ?? [];
  const axes = intsAttribute(context.attributes, 'axes') ?? constantIntegers(context, 3) ?? starts.map((_, i) => i);
  const steps = constantIntegers(context, 4) ?? starts.map(() => 1);
  return starts.map((rawStart, i) => {
    const axis = normalizeAxis(axes[i], x.shape.length);
    const extent = x.shape[axis];
    const step = steps[i];
    const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
    const absolute = (value: number): number => (value < 0 ? value + extent : value);
    const start = step > 0 ? clamp(absolute(rawStart), 0, extent) : clamp(absolute(rawStart), 0, extent - 1);
    const end = step > 0 ? clamp(absolute(ends[i]), 0, extent) : clamp(absolute(ends[i]), -1, extent - 1);
    return { axis, start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
}

export const Slice: Operator = {
  infer(context) {
    const x = required(context, 0);
    const shape = [...x.shape];
    for (const { axis, count } of sliceRanges(context)) shape[axis] = count;
    return [{ type: x.type, shape }];
  },
  gradient(context) {
    const { b, inputs, gradients } = context;
    const x = inputs[0]!;
    const ranges = sliceRanges(inferContext(context));
    let g = gradients[0]!;
    const none = inputs.slice(1).map(() => undefined);
    if (ranges.every(({ step }) => step === 1)) {
      const pads = new Array<number>(2 * x.shape.length).fill(0);
      for (const { axis, start, count } of ranges) {
        pads[axis] = start;
        pads[axis + x.shape.length] = x.shape[axis] - start - count;
      }
      return [pads.every((pad) => pad === 0) ? g : b.pad(g, pads), ...none];
    }
    // Any step: place the rows of each axis where they came from, by an index that points at a zero row elsewhere.
    for (const { axis, start, step, count } of ranges) {
      const extent = x.shape[axis];
      const from = new Array<number>(extent).fill(count);
      for (let i = 0; i < count; i++) from[start + i * step] = i;
      const zero = b.scalar(
        0,
        g.type,
        g.shape.map((e, a) => (a === axis ? 1 : e)),
      );
      g = b.gather(b.concat([g, zero], axis), b.indices(from), axis);
    }
    return [g, ...none];
  },
  fold({ inputs, outputs }) {
    const [x, starts, , , steps] = inputs;
    if (!small([x]) || x!.shape.length !== 1 || starts === undefined || x!.type !== 'int64') return undefined;
    const values = toNumbers(x!);
    const step = steps === undefined ? 1 : toNumbers(steps)[0];
    const raw = toNumbers(starts)[0];
    const last = step > 0 ? values.length : values.length - 1;
    const start = Math.min(Math.max(raw < 0 ? raw + values.length : raw, 0), last);
    return int64(
      outputs[0].shape,
      Array.from({ length: outputs[0].shape[0] }, (_, i) => values[start + i * step]),
    );
  },
};

/** Embedding look-ups: the gradient adds rows up by ScatterND, which copes with repeats. */
export const Gather: Operator = {
  infer(context) {
    const [x, indices] = [required(context, 0), required(context, 1)];
    const axis = normalizeAxis(intAttribute(context.attributes, 'axis', 0), x.shape.length);
    return [{ type: x.type, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
  gradient({ b, node, inputs, gradients }) {
    const [x, indices] = inputs as Value[];
    const axis = normalizeAxis(intAttribute(node.attributes, 'axis', 0), x.shape.length);
    const rank = x.shape.length;
    const count = sizeOf(indices.shape);
    // Bring the gathered axis to the front, scatter rows, bring it back.
    const rest = x.shape.filter((_, a) => a !== axis);
    let g = b.reshape(gradients[0]!, [sizeOf(x.shape.slice(0, axis)), count, sizeOf(x.shape.slice(axis + 1))]);
    g = axis === 0 ? g : b.transpose(g, [1, 0, 2]);
    g = b.reshape(g, [count, ...rest]);
    const wide = b.cast(b.reshape(indices, [count, 1]), 'int64');
    const from = b.where(b.less(wide, 0), b.add(wide, x.shape[axis]), wide);
    const zero = b.scalar(0, x.type, [x.shape[axis], ...rest]);
    const scattered = b.op('ScatterND', [zero, from, g], { reduction: { kind: 'string', value: 'add' } });
    const perm = Array.from({ length: rank }, (_, a) => (a < axis ? a + 1 : a === axis ? 0 : a));
    return [axis === 0 ? scattered : b.transpose(scattered, perm), undefined];
  },
  fold({ inputs, outputs }) {
    const [x, indices] = inputs;
    if (!small([x, indices]) || x!.shape.length !== 1 || x!.type !== 'int64') return undefined;
    const values = toNumbers(x!);
    return int64(
      outputs[0].shape,
      toNumbers(indices!).map((i) => values[i < 0 ? i + values.length : i]),
    );
  },
};

/** ScatterND with reduction none or add. */
export const ScatterND: Operator = {
  infer(context) {
    const { type, shape } = required(context, 0);
    return [{ type, shape }];
  },
  gradient({ b, node, inputs, gradients, needs }) {
    const [, indices, updates] = inputs as Value[];
    const g = gradients[0]!;
    const attribute = node.attributes.reduction;
    const mode = attribute?.kind === 'string' ? attribute.value : 'none';
    if (mode !== 'none' && mode !== 'add') {
      throw new BallastError(`ScatterND with reduction "${mode}" has no gradient rule`, {
        code: 'GRAPH_NOT_DIFFERENTIABLE',
        place: `node ${node.name}`,
      });
    }
    const cleared = (): Value => b.op('ScatterND', [g, indices, b.scalar(0, updates.type, updates.shape)]);
    return [
      needs[0] ? (mode === 'add' ? g : cleared()) : undefined,
      undefined,
      needs[2] ? b.op('GatherND', [g, indices]) : undefined,
    ];
  },
};

export const GatherND: Operator = {
  infer(context) {
    const [x, indices] = [required(context, 0), required(context, 1)];
    const batch = intAttribute(context.attributes, 'batch_dims', 0);
    const depth = indices.shape[indices.shape.length - 1];
    return [{ type: x.type, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(batch + depth)] }];
  },
  gradient({ b, node, inputs, gradients }) {
    if (intAttribute(node.attributes, 'batch_dims', 0) !== 0) {
      throw new BallastError('GatherND with batch_dims has no gradient rule', {
        code: 'GRAPH_NOT_DIFFERENTIABLE',
        place: `node ${node.name}`,
      });
    }
    const [x, indices] = inputs as Value[];
    const zero = b.scalar(0, x.type, x.shape);
    return [
      b.op('ScatterND', [zero, indices, gradients[0]!], { reduction: { kind: 'string', value: 'add' } }),
      undefined,
    ];
  },
};

export const GatherElements: Operator = {
  infer(context) {
    return [{ type: required(context, 0).type, shape: required(context, 1).shape }];
  },
  gradient({ b, node, inputs, gradients }) {
    const [x, indices] = inputs as Value[];
    const zero = b.scalar(0, x.type, x.shape);
    return [
      b.op('ScatterElements', [zero, indices, gradients[0]!], {
        axis: int(intAttribute(node.attributes, 'axis', 0)),
        reduction: { kind: 'string', value: 'add' },
      }),
      undefined,
    ];
  },
};

export const ScatterElements: Operator = {
  infer(context) {
    const { type, shape } = required(context, 0);
    return [{ type, shape }];
  },
};

/** Constant, reflect, edge and wrap; only constant padding has a gradient rule. */
export const Pad: Operator = {
  infer(context) {
    const x = required(context, 0);
    const pads = padding(context, x.shape.length);
    return [{ type: x.type, shape: x.shape.map((extent, axis) => extent + pads[axis] + pads[axis + x.shape.length]) }];
  },
  gradient(context) {
    const { b, node, inputs, gradients } = context;
    const mode = node.attributes.mode;
    if (mode?.kind === 'string' && mode.value !== 'constant') {
      throw new BallastError(`Pad with mode "${mode.value}" has no gradient rule`, {
        code: 'GRAPH_NOT_DIFFERENTIABLE',
        place: `node ${node.name}`,
      });
    }
    const x = inputs[0]!;
    const pads = padding(inferContext(context), x.shape.length);
    const starts = x.shape.map((_, axis) => pads[axis]);
    const ends = x.shape.map((extent, axis) => pads[axis] + extent);
    const axes = x.shape.map((_, axis) => axis);
    return [b.slice(gradients[0]!, starts, ends, axes), ...inputs.slice(1).map(() => undefined)];
  },
};

function padding(context: InferContext, rank: number): number[] {
  const given = intsAttribute(context.attributes, 'pads') ?? constantIntegers(context, 1) ?? [];
  const axes = constantIntegers(context, 3)?.map((axis) => normalizeAxis(axis, rank));
  if (axes === undefined) return [...given];
  const pads = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    pads[axis] = given[i];
    pads[axis + rank] = given[i + axes.length];
  });
  return pads;
}

export const OneHot: Operator = {
  infer(context) {
    const [indices, , values] = [required(context, 0), required(context, 1), required(context, 2)];
    const depth = (constantIntegers(context, 1) ?? [0])[0];
    const axis = normalizeAxis(intAttribute(context.attributes, 'axis', -1), indices.shape.length + 1);
    return [{ type: values.type, shape: [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)] }];
  },
  gradient: 'zero',
};

export const Shape: Operator = {
  infer(context) {
    return [{ type: 'int64', shape: [shapePart(context.attributes, required(context, 0).shape).length] }];
  },
  gradient: 'zero',
  fold({ shapes, attributes, outputs }) {
    return shapes[0] === undefined ? undefined : int64(outputs[0].shape, shapePart(attributes, shapes[0]));
  },
};

/** The part of a shape that `start` and `end` select. */
function shapePart(attributes: InferContext['attributes'], shape: readonly number[]): readonly number[] {
  return shape.slice(intAttribute(attributes, 'start', 0), intAttribute(attributes, 'end', shape.length));
}

export const Size: Operator = {
  infer: () => [{ type: 'int64', shape: [] }],
  gradient: 'zero',
  fold: ({ shapes }) => (shapes[0] === undefined ? undefined : int64([], [sizeOf(shapes[0])])),
};

export const ConstantOfShape: Operator = {
  infer(context) {
    const value = context.attributes.value;
    const type = value?.kind === 'tensor' ? value.value.type : 'float32';
    return [{ type, shape: constantIntegers(context, 0) ?? [] }];
  },
  gradient: 'zero',
  fold({ attributes, outputs }) {
    const { type, shape } = outputs[0];
    if (type === 'string' || sizeOf(shape) > FOLD_LIMIT) return undefined;
    const value = attributes.value;
    const data: NumericArray = new ARRAY_OF[type](sizeOf(shape));
    return { type, shape, data: value?.kind === 'tensor' ? data.fill(value.value.data[0] as never) : data };
  },
};

export const Range: Operator = {
  infer(context) {
    const { type } = required(context, 0);
    const [start] = constantIntegers(context, 0) ?? [0];
    const [limit] = constantIntegers(context, 1) ?? [0];
    const [delta] = constantIntegers(context, 2) ?? [1];
    return [{ type, shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
  },
  gradient: 'zero',
  fold({ inputs, outputs }) {
    const { type, shape } = outputs[0];
    if (!small(inputs) || type !== 'int64' || shape[0] > FOLD_LIMIT) return undefined;
    const [start] = toNumbers(inputs[0]!);
    const [delta] = toNumbers(inputs[2]!);
    return int64(
      shape,
      Array.from({ length: shape[0] }, (_, i) => start + i * delta),
    );
  },
};

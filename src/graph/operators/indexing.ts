import type { GraphBuilder, Value } from '../builder.js';
import { string } from '../model.js';
import { int64, sizeOf } from '../tensor.js';
import { constantOf, foldable } from './folding.js';
import {
  constantIntegers,
  type GradientContext,
  type InferContext,
  inferContext,
  intAttribute,
  normalizeAxis,
  notDifferentiable,
  type Operator,
  required,
  sameAsInput,
  stringAttribute,
  toNumbers,
} from './operator.js';

/** Operators that pick, place or pad elements by index: slices, gathers, scatters. */

interface SliceRange {
  axis: number;
  start: number;
  step: number;
  count: number;
}

function sliceRanges(context: InferContext): SliceRange[] {
  const starts = constantIntegers(context, 1) ?? [];
  const ends = constantIntegers(context, 2) ?? [];
  const axes = constantIntegers(context, 3) ?? starts.map((_, i) => i);
  const steps = constantIntegers(context, 4) ?? starts.map(() => 1);
  return ranges(required(context, 0).shape, starts, ends, axes, steps);
}

function ranges(
  shape: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[],
  steps: readonly number[],
): SliceRange[] {
  return starts.map((rawStart, i) => {
    const axis = normalizeAxis(axes[i], shape.length);
    const extent = shape[axis];
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
    const cuts = sliceRanges(inferContext(context));
    let g = gradients[0]!;
    const none = inputs.slice(1).map(() => undefined);
    if (cuts.every(({ step }) => step === 1)) {
      const pads = new Array<number>(2 * x.shape.length).fill(0);
      for (const { axis, start, count } of cuts) {
        pads[axis] = start;
        pads[axis + x.shape.length] = x.shape[axis] - start - count;
      }
      return [pads.every((pad) => pad === 0) ? g : b.pad(g, pads), ...none];
    }
    // Any step: place the rows of each axis where they came from, by an index that points at a zero row elsewhere.
    for (const { axis, start, step, count } of cuts) {
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
  fold({ inputs, outputs: [{ type, shape }] }) {
    const [x, ...rest] = inputs;
    if (!foldable([x]) || x!.shape.length !== 1 || !foldable(rest.filter((input) => input !== undefined)))
      return undefined;
    const values = toNumbers(x!);
    const [starts, ends, , steps] = rest.map((input) => (input === undefined ? undefined : toNumbers(input)));
    if (starts === undefined || ends === undefined) return undefined;
    const [{ start, step, count }] = ranges(x!.shape, starts, ends, [0], steps ?? [1]);
    return constantOf(
      type,
      shape,
      Array.from({ length: count }, (_, i) => values[start + i * step]),
    );
  },
};

const ADD = { reduction: string('add') };

/** The runtime's ScatterND spreads more elements than this over threads, and then loses additions to one place. */
const SEQUENTIAL = 2 ** 17;

/** `x` with updates [N, ...] added at index tuples [N, depth], which may repeat; exact with any number of threads. */
function addedAt(b: GraphBuilder, x: Value, indices: Value, updates: Value): Value {
  const [count, ...rest] = updates.shape;
  const rows = Math.max(1, Math.floor(SEQUENTIAL / sizeOf(rest)));
  if (rows >= count) return b.op('ScatterND', [x, indices, updates], ADD);
  const sizes = Array.from({ length: Math.ceil(count / rows) }, (_, i) => Math.min(rows, count - i * rows));
  const parts = b.split(updates, sizes, 0);
  return b.split(indices, sizes, 0).reduce((sum, at, i) => b.op('ScatterND', [sum, at, parts[i]], ADD), x);
}

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
    const scattered = addedAt(b, zero, from, g);
    const perm = Array.from({ length: rank }, (_, a) => (a < axis ? a + 1 : a === axis ? 0 : a));
    return [axis === 0 ? scattered : b.transpose(scattered, perm), undefined];
  },
  fold({ inputs: [x, indices], outputs: [{ type, shape }] }) {
    if (!foldable([x, indices]) || x!.shape.length !== 1) return undefined;
    const values = toNumbers(x!);
    return constantOf(
      type,
      shape,
      toNumbers(indices!).map((i) => values[i < 0 ? i + values.length : i]),
    );
  },
};

/** The reduction of a scatter whose gradient is known: `none` or `add`. */
function scatterMode(context: GradientContext): string {
  const mode = stringAttribute(context.node.attributes, 'reduction', 'none');
  if (mode !== 'none' && mode !== 'add') throw notDifferentiable(context, `with reduction "${mode}"`);
  return mode;
}

/** Differentiable with reduction none (indices must not repeat, as ONNX demands) or add. */
export const ScatterND: Operator = {
  limits: 'reductions other than none and add',
  infer: sameAsInput,
  gradient(context) {
    const { b, inputs, gradients, needs } = context;
    const [, indices, updates] = inputs as Value[];
    const g = gradients[0]!;
    const mode = scatterMode(context);
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
    const [x, indices] = inputs as Value[];
    const batch = intAttribute(node.attributes, 'batch_dims', 0);
    const zero = b.scalar(0, x.type, x.shape);
    const full = batch === 0 ? indices : b.concat([batchIndices(b, indices, batch), indices], indices.shape.length - 1);
    const depth = full.shape[full.shape.length - 1];
    const count = sizeOf(full.shape.slice(0, -1));
    const updates = b.reshape(gradients[0]!, [count, ...x.shape.slice(depth)]);
    return [addedAt(b, zero, b.reshape(full, [count, depth]), updates), undefined];
  },
};

/** For every index tuple, where it stands in the first `batch` axes. */
function batchIndices(b: GraphBuilder, indices: Value, batch: number): Value {
  const lead = indices.shape.slice(0, -1);
  const data: number[] = [];
  for (let i = 0; i < sizeOf(lead); i++) data.push(...coordinatesOf(i, lead).slice(0, batch));
  return b.constant(int64([...lead, batch], data));
}

export const GatherElements: Operator = {
  infer(context) {
    return [{ type: required(context, 0).type, shape: required(context, 1).shape }];
  },
  gradient({ b, node, inputs, gradients }) {
    const [x, indices] = inputs as Value[];
    const zero = b.scalar(0, x.type, x.shape);
    return [b.op('ScatterElements', [zero, indices, gradients[0]!], { ...node.attributes, ...ADD }), undefined];
  },
};

/** Differentiable with reduction none (indices must not repeat along the axis) or add. */
export const ScatterElements: Operator = {
  limits: 'reductions other than none and add',
  infer: sameAsInput,
  gradient(context) {
    const { b, node, inputs, gradients, needs } = context;
    const [, indices, updates] = inputs as Value[];
    const g = gradients[0]!;
    const mode = scatterMode(context);
    const cleared = (): Value =>
      b.op('ScatterElements', [g, indices, b.scalar(0, updates.type, updates.shape)], node.attributes);
    const { axis } = node.attributes;
    return [
      needs[0] ? (mode === 'add' ? g : cleared()) : undefined,
      undefined,
      needs[2] ? b.op('GatherElements', [g, indices], axis === undefined ? {} : { axis }) : undefined,
    ];
  },
};

export const OneHot: Operator = {
  infer(context) {
    const [indices, , values] = [required(context, 0), required(context, 1), required(context, 2)];
    const depth = (constantIntegers(context, 1) ?? [0])[0];
    const axis = normalizeAxis(intAttribute(context.attributes, 'axis', -1), indices.shape.length + 1);
    return [{ type: values.type, shape: [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)] }];
  },
  gradient: 'zero',
};

/** Positions of what is not zero; their number must be known, so that the input must be a constant. */
export const NonZero: Operator = {
  infer(context) {
    const x = required(context, 0);
    const found = (constantIntegers(context, 0) ?? []).filter((value) => value !== 0);
    return [{ type: 'int64', shape: [x.shape.length, found.length] }];
  },
  gradient: 'zero',
  fold({ inputs: [x], outputs: [{ type, shape }] }) {
    if (!foldable([x])) return undefined;
    const at = toNumbers(x!).flatMap((value, i) => (value === 0 ? [] : [coordinatesOf(i, x!.shape)]));
    return constantOf(
      type,
      shape,
      x!.shape.flatMap((_, axis) => at.map((coordinates) => coordinates[axis])),
    );
  },
};

function coordinatesOf(index: number, shape: readonly number[]): number[] {
  const coordinates = shape.map(() => 0);
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    coordinates[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return coordinates;
}

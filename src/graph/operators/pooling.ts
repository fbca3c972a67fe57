import type { GraphBuilder, Value, ValueType } from '../builder.js';
import { sizeOf } from '../tensor.js';
import { floatConstant, fold, insideCounts, repeatEach, sumBlocks, unfold } from './columns.js';
import {
  constantIntegers,
  type GradientContext,
  type InferContext,
  inferContext,
  intAttribute,
  intsAttribute,
  mismatch,
  notDifferentiable,
  type Operator,
  required,
} from './operator.js';
import { slidingWindow, tiles, type Window } from './window.js';

/**
 * Pooling over windows and over all positions. Windows that tile the input go by repetition of the pooled values;
 * others by columns (im2col and its adjoint).
 */

function poolingWindow(context: InferContext): Window {
  const x = required(context, 0);
  const kernel = intsAttribute(context.attributes, 'kernel_shape');
  if (kernel === undefined || x.shape.length < 3) {
    throw mismatch(context, `needs kernel_shape and an input of rank 3 or more, not [${x.shape}]`);
  }
  return slidingWindow(context, x.shape.slice(2), kernel);
}

function pooled(context: InferContext): ValueType[] {
  const x = required(context, 0);
  return [{ type: x.type, shape: [...x.shape.slice(0, 2), ...poolingWindow(context).output] }];
}

/** Cuts off the rows and columns at the end that no window sees. */
function seen(b: GraphBuilder, x: Value, { kernel, output, input }: Window): Value {
  const axes = input.flatMap((extent, axis) => (output[axis] * kernel[axis] < extent ? [axis] : []));
  if (axes.length === 0) return x;
  return b.slice(
    x,
    axes.map(() => 0),
    axes.map((axis) => output[axis] * kernel[axis]),
    axes.map((axis) => axis + 2),
  );
}

/** Puts zeros back where {@link seen} cut. */
function restored(b: GraphBuilder, x: Value, { kernel, output, input }: Window): Value {
  const ends = input.map((extent, axis) => extent - output[axis] * kernel[axis]);
  if (ends.every((end) => end === 0)) return x;
  return b.pad(x, [...new Array<number>(input.length + 2).fill(0), 0, 0, ...ends]);
}

/**
 * The gradient goes to the maximum of each window. Equal maxima share it equally, so that its sum is conserved
 * (PyTorch gives it to the first; where the ties are zeros of a Relu before it, no difference remains).
 */
export const MaxPool: Operator = {
  infer(context) {
    const [values] = pooled(context);
    return [values, { type: 'int64', shape: values.shape }];
  },
  gradient(context) {
    const { b, inputs, outputs, gradients } = context;
    const x = inputs[0]!;
    const [y] = outputs;
    const g = gradients[0]!;
    const window = poolingWindow(inferContext(context));
    if (tiles(window)) {
      const hit = b.cast(b.equal(seen(b, x, window), repeatEach(b, y, window.kernel)), x.type);
      const share = b.div(g, sumBlocks(b, hit, window.kernel));
      return [restored(b, b.mul(hit, repeatEach(b, share, window.kernel)), window)];
    }
    const [batch, channels] = x.shape;
    const row = [batch, channels, 1, sizeOf(window.output)];
    const hit = b.cast(b.equal(unfold(b, x, window, -Infinity), b.reshape(y, row)), x.type);
    const share = b.div(b.reshape(g, row), b.reduceSum(hit, [2], true));
    return [fold(b, b.mul(hit, share), window)];
  },
};

/** Each input gets g / n from every window that sees it, where n counts the padding or not as the attribute says. */
export const AveragePool: Operator = {
  infer: pooled,
  gradient(context) {
    const { b, node, inputs, gradients } = context;
    const x = inputs[0]!;
    const g = gradients[0]!;
    const window = poolingWindow(inferContext(context));
    const size = sizeOf(window.kernel);
    if (tiles(window)) return [restored(b, repeatEach(b, b.mul(g, 1 / size), window.kernel), window)];
    const padded = intAttribute(node.attributes, 'count_include_pad', 0) === 1;
    const counts = padded ? paddedCounts(window) : insideCounts(window);
    const weights = floatConstant(
      b,
      g,
      [1, 1, 1, counts.length],
      counts.map((count) => 1 / count),
    );
    const [batch, channels] = x.shape;
    const share = b.mul(b.reshape(g, [batch, channels, 1, counts.length]), weights);
    return [fold(b, b.expand(share, [batch, channels, size, counts.length]), window)];
  },
};

/** Window elements inside the padded input: less than all of them only at a rim that `ceil_mode` adds. */
function paddedCounts(window: Window): number[] {
  const { begins, ends, input } = window;
  return insideCounts({
    ...window,
    begins: begins.map(() => 0),
    ends: ends.map(() => 0),
    input: input.map((extent, axis) => extent + begins[axis] + ends[axis]),
  });
}

/** (sum |x|^p)^(1/p) over each window: dx = sign(x) |x|^(p-1) times the sum of g y^(1-p) over the windows. */
export const LpPool: Operator = {
  infer: pooled,
  gradient(context) {
    const { b, node, inputs, outputs, gradients } = context;
    const x = inputs[0]!;
    const p = intAttribute(node.attributes, 'p', 2);
    const window = poolingWindow(inferContext(context));
    const share = lpShare(b, outputs[0], gradients[0]!, p);
    const [batch, channels] = x.shape;
    const places = sizeOf(window.output);
    const columns = b.expand(b.reshape(share, [batch, channels, 1, places]), [
      batch,
      channels,
      sizeOf(window.kernel),
      places,
    ]);
    return [b.mul(lpSlope(b, x, p), fold(b, columns, window))];
  },
};

/** sign(x) |x|^(p-1). */
function lpSlope(b: GraphBuilder, x: Value, p: number): Value {
  if (p === 1) return b.sign(x);
  return p === 2 ? x : b.mul(b.sign(x), b.pow(b.abs(x), p - 1));
}

/** g y^(1-p); zero where the norm is zero. */
function lpShare(b: GraphBuilder, y: Value, g: Value, p: number): Value {
  if (p === 1) return g;
  const safe = b.maximum(y, 1e-30);
  return b.div(g, p === 2 ? safe : b.pow(safe, p - 1));
}

function overAll(context: InferContext): ValueType[] {
  const { type, shape } = required(context, 0);
  if (shape.length < 2) throw mismatch(context, `needs [N, C, ...], not [${shape}]`);
  return [{ type, shape: [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)] }];
}

const spatialAxes = (x: Value): number[] => x.shape.slice(2).map((_, axis) => axis + 2);

function globalPool(gradient: (context: GradientContext, x: Value, g: Value) => Value): Operator {
  return { infer: overAll, gradient: (context) => [gradient(context, context.inputs[0]!, context.gradients[0]!)] };
}

export const GlobalAveragePool: Operator = globalPool(({ b }, x, g) =>
  b.expand(b.mul(g, 1 / sizeOf(x.shape.slice(2))), x.shape),
);

/** Ties share the gradient equally. */
export const GlobalMaxPool: Operator = globalPool(({ b, outputs }, x, g) => {
  const hit = b.cast(b.equal(x, outputs[0]), x.type);
  return b.mul(hit, b.div(g, b.reduceSum(hit, spatialAxes(x), true)));
});

export const GlobalLpPool: Operator = globalPool(({ b, node, outputs }, x, g) => {
  const p = intAttribute(node.attributes, 'p', 2);
  return b.mul(lpSlope(b, x, p), lpShare(b, outputs[0], g, p));
});

/** Puts pooled values back where {@link MaxPool}'s second output says; everything else is zero. */
export const MaxUnpool: Operator = {
  limits: 'an explicit output_shape',
  infer(context) {
    const x = required(context, 0);
    const given = constantIntegers(context, 2);
    if (given !== undefined) return [{ type: x.type, shape: given }];
    const kernel = intsAttribute(context.attributes, 'kernel_shape') ?? [];
    const strides = intsAttribute(context.attributes, 'strides') ?? kernel.map(() => 1);
    const pads = intsAttribute(context.attributes, 'pads') ?? new Array<number>(2 * kernel.length).fill(0);
    const spatial = x.shape
      .slice(2)
      .map((extent, axis) => (extent - 1) * strides[axis] + kernel[axis] - pads[axis] - pads[axis + kernel.length]);
    return [{ type: x.type, shape: [...x.shape.slice(0, 2), ...spatial] }];
  },
  gradient(context) {
    const { b, inputs, outputs, gradients } = context;
    const [x, indices] = inputs as Value[];
    if (inputs[2] !== undefined) throw notDifferentiable(context, 'with output_shape');
    const flat = b.reshape(gradients[0]!, [sizeOf(outputs[0].shape)]);
    return [b.reshape(b.gather(flat, b.reshape(indices, [sizeOf(x.shape)])), x.shape), undefined];
  },
};

import type { GraphBuilder, Value } from '../builder.js';
import { ints } from '../model.js';
import { sizeOf } from '../tensor.js';
import { unfold } from './columns.js';
import {
  constantIntegers,
  type InferContext,
  inferContext,
  intAttribute,
  intsAttribute,
  mismatch,
  type Operator,
  required,
  sumChannels,
} from './operator.js';
import { reach, slidingWindow, type Window, windowAttributes } from './window.js';

/**
 * Convolutions over any number of spatial axes, with groups. With input x [N, C, ...], weight w [O, C/G, ...kernel] and
 * output gradient g: dx is the transposed convolution of g with w, dw[o, c, k] = sum over images and positions of
 * g[o, position] x[c, position * stride + k * dilation - begin]: a product of g with the columns of x, image by image.
 */

export const Conv: Operator = {
  infer(context) {
    const [x, w] = [required(context, 0), required(context, 1)];
    const { output } = convolutionWindow(context);
    return [{ type: x.type, shape: [x.shape[0], w.shape[0], ...output] }];
  },
  gradient(context) {
    const { b, node, inputs, gradients, needs } = context;
    const [x, w] = inputs as Value[];
    const g = gradients[0]!;
    const window = convolutionWindow(inferContext(context));
    const group = intAttribute(node.attributes, 'group', 1);
    return [
      needs[0] ? inputGradient(b, g, w, window, group) : undefined,
      needs[1] ? b.reshape(weightGradient(b, x, g, window, group), w.shape) : undefined,
      needs[2] ? sumChannels(b, g) : undefined,
    ];
  },
};

function convolutionWindow(context: InferContext): Window {
  const [x, w] = [required(context, 0), required(context, 1)];
  const group = intAttribute(context.attributes, 'group', 1);
  const bias = context.inputs[2];
  if (x.shape.length < 3 || w.shape.length !== x.shape.length) {
    throw mismatch(context, `input [${x.shape}] and weight [${w.shape}] must have the same rank, 3 or more`);
  }
  if (x.shape[1] !== w.shape[1] * group || w.shape[0] % group !== 0) {
    throw mismatch(context, `input [${x.shape}] and weight [${w.shape}] do not fit in ${group} groups`);
  }
  if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== w.shape[0])) {
    throw mismatch(context, `bias [${bias.shape}] does not fit ${w.shape[0]} output channels`);
  }
  return slidingWindow(context, x.shape.slice(2), w.shape.slice(2));
}

/** The transposed convolution, with as much output padding as brings it back to the input's extents. */
function inputGradient(b: GraphBuilder, g: Value, w: Value, window: Window, group: number): Value {
  const { kernel, strides, dilations, begins, ends, input, output } = window;
  const extra = input.map(
    (extent, axis) =>
      extent - ((output[axis] - 1) * strides[axis] + reach(kernel[axis], dilations[axis]) - begins[axis] - ends[axis]),
  );
  return b.op('ConvTranspose', [g, w], {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints([...begins, ...ends]),
    ...(extra.every((padding) => padding === 0) ? {} : { output_padding: ints(extra) }),
    ...(group === 1 ? {} : { group: { kind: 'int', value: group } }),
  });
}

/** [O, C/G * K] from the convolution's input and the gradient of its output. */
function weightGradient(b: GraphBuilder, x: Value, g: Value, window: Window, group: number): Value {
  const [batch, channels] = x.shape;
  const outputs = g.shape[1];
  const places = sizeOf(window.output);
  const size = sizeOf(window.kernel);
  const columns = unfold(b, x, window);
  if (group === 1) {
    const perImage = b.batchMatMul(
      b.reshape(g, [batch, outputs, places]),
      b.reshape(columns, [batch, channels * size, places]),
      { transB: true },
    );
    return b.reduceSum(perImage, [0]);
  }
  const perImage = b.batchMatMul(
    b.reshape(g, [batch, group, outputs / group, places]),
    b.reshape(columns, [batch, group, (channels / group) * size, places]),
    { transB: true },
  );
  return b.reduceSum(perImage, [0]);
}

/** y = the adjoint of Conv with the same weight [C, O/G, ...kernel] and attributes, plus bias. */
export const ConvTranspose: Operator = {
  infer(context) {
    const [x, w] = [required(context, 0), required(context, 1)];
    const group = intAttribute(context.attributes, 'group', 1);
    return [{ type: x.type, shape: [x.shape[0], w.shape[1] * group, ...transposedWindow(context).input] }];
  },
  gradient(context) {
    const { b, node, inputs, gradients, needs } = context;
    const [x, w] = inputs as Value[];
    const g = gradients[0]!;
    const window = transposedWindow(inferContext(context));
    const group = intAttribute(node.attributes, 'group', 1);
    const dx = (): Value =>
      b.op('Conv', [cropped(b, g, window), w], {
        kernel_shape: ints(window.kernel),
        strides: ints(window.strides),
        dilations: ints(window.dilations),
        pads: ints([...window.begins, ...window.ends.map((end) => Math.max(0, end))]),
        ...(group === 1 ? {} : { group: { kind: 'int', value: group } }),
      });
    return [
      needs[0] ? dx() : undefined,
      // The roles of input and output are exchanged.
      needs[1] ? b.reshape(weightGradient(b, g, x, window, group), w.shape) : undefined,
      needs[2] ? sumChannels(b, g) : undefined,
    ];
  },
};

/**
 * The window of the convolution that this transposes: it slides over the output (`window.input`) and has one position
 * per input element (`window.output`). `ends` is what makes the last window fit; it is negative where output padding
 * or a large output_shape add positions that no window sees.
 */
function transposedWindow(context: InferContext): Window {
  const [x, w] = [required(context, 0), required(context, 1)];
  const group = intAttribute(context.attributes, 'group', 1);
  if (
    x.shape.length < 3 ||
    w.shape.length !== x.shape.length ||
    x.shape[1] !== w.shape[0] ||
    w.shape[0] % group !== 0
  ) {
    throw mismatch(context, `input [${x.shape}] and weight [${w.shape}] do not fit in ${group} groups`);
  }
  const kernel = w.shape.slice(2);
  const positions = x.shape.slice(2);
  const { strides, dilations, autoPad, begins, ends } = windowAttributes(context, kernel);
  const padding = intsAttribute(context.attributes, 'output_padding') ?? kernel.map(() => 0);
  const wanted = intsAttribute(context.attributes, 'output_shape')?.slice(-kernel.length);
  const same = autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER';
  const before: number[] = [];
  const output = positions.map((count, axis) => {
    const full = (count - 1) * strides[axis] + padding[axis] + reach(kernel[axis], dilations[axis]);
    if (wanted === undefined && !same) {
      before[axis] = autoPad === 'VALID' ? 0 : begins[axis];
      return autoPad === 'VALID' ? full : full - begins[axis] - ends[axis];
    }
    const extent = wanted?.[axis] ?? count * strides[axis];
    const total = Math.max(0, full - extent);
    before[axis] = autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
    return extent;
  });
  const after = output.map(
    (extent, axis) =>
      (positions[axis] - 1) * strides[axis] + reach(kernel[axis], dilations[axis]) - before[axis] - extent,
  );
  return { kernel, strides, dilations, begins: before, ends: after, input: output, output: positions };
}

/** Drops what no window sees at the end of the spatial axes. */
function cropped(b: GraphBuilder, g: Value, { ends, input }: Window): Value {
  const axes = ends.flatMap((end, axis) => (end < 0 ? [axis] : []));
  if (axes.length === 0) return g;
  return b.slice(
    g,
    axes.map(() => 0),
    axes.map((axis) => input[axis] + ends[axis]),
    axes.map((axis) => axis + 2),
  );
}

/** Columns [N, C * K, L] added up into an image: the adjoint of im2col. */
export const Col2Im: Operator = {
  infer(context) {
    const x = required(context, 0);
    const { input, kernel } = columnWindow(context);
    return [{ type: x.type, shape: [x.shape[0], x.shape[1] / sizeOf(kernel), ...input] }];
  },
  gradient(context) {
    const { b, inputs, gradients } = context;
    const window = columnWindow(inferContext(context));
    return [b.reshape(unfold(b, gradients[0]!, window), inputs[0]!.shape), undefined, undefined];
  },
};

function columnWindow(context: InferContext): Window {
  const x = required(context, 0);
  const image = constantIntegers(context, 1) ?? [];
  const window = slidingWindow(context, image, constantIntegers(context, 2) ?? []);
  if (x.shape.length !== 3 || x.shape[1] % sizeOf(window.kernel) !== 0 || x.shape[2] !== sizeOf(window.output)) {
    throw mismatch(context, `columns [${x.shape}] do not fit blocks of [${window.kernel}] in [${image}]`);
  }
  return window;
}

import {
  type InferContext,
  intAttribute,
  intsAttribute,
  mismatch,
  type NamedApplication,
  stringAttribute,
} from './operator.js';

/**
 * The geometry of a sliding window over the spatial axes, shared by convolutions and pooling: window element k of
 * output position o reads input position `o * stride + k * dilation - begin`.
 */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and after each spatial axis. */
  readonly begins: readonly number[];
  readonly ends: readonly number[];
  /** Input and output extents of the spatial axes. */
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Extent of a dilated window. */
export const reach = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/** Strides, dilations and explicit pads as the attributes give them, defaults filled in. */
export function windowAttributes(context: Pick<InferContext, 'attributes'>, kernel: readonly number[]) {
  const rank = kernel.length;
  const pads = intsAttribute(context.attributes, 'pads') ?? new Array<number>(2 * rank).fill(0);
  return {
    strides: intsAttribute(context.attributes, 'strides') ?? kernel.map(() => 1),
    dilations: intsAttribute(context.attributes, 'dilations') ?? kernel.map(() => 1),
    autoPad: stringAttribute(context.attributes, 'auto_pad', 'NOTSET'),
    begins: pads.slice(0, rank),
    ends: pads.slice(rank),
  };
}

/**
 * Works out a window that slides over `input`. `auto_pad` SAME_UPPER and SAME_LOWER pad so that the output has
 * ceil(input / stride) positions; with `ceil_mode` a last, partly outside window counts if it starts inside.
 */
export function slidingWindow(
  context: NamedApplication & Pick<InferContext, 'attributes'>,
  input: readonly number[],
  kernel: readonly number[],
): Window {
  const { strides, dilations, autoPad, begins, ends } = windowAttributes(context, kernel);
  if ([strides, dilations, begins, ends, kernel].some((list) => list.length !== input.length)) {
    throw mismatch(context, `strides, dilations, pads and kernel must have ${input.length} spatial axes`);
  }
  const ceil = intAttribute(context.attributes, 'ceil_mode', 0) === 1;
  const same = autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER';
  const explicit = autoPad === 'NOTSET' || autoPad === '';
  const before = [...begins];
  const after = [...ends];
  const output = input.map((extent, axis) => {
    const span = reach(kernel[axis], dilations[axis]);
    const stride = strides[axis];
    if (same) {
      const total = Math.max(0, (Math.ceil(extent / stride) - 1) * stride + span - extent);
      before[axis] = autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      after[axis] = total - before[axis];
    } else if (!explicit) {
      before[axis] = 0;
      after[axis] = 0;
    }
    const room = extent + before[axis] + after[axis] - span;
    let positions = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    if (ceil && (positions - 1) * stride >= extent + before[axis]) positions--;
    return positions;
  });
  if (output.some((extent) => extent < 1)) {
    throw mismatch(context, `a window of [${kernel}] does not fit into [${input}]`);
  }
  return { kernel, strides, dilations, begins: before, ends: after, input, output };
}

/** Whether the windows tile the input: no overlap, no gaps inside, no padding. */
export function tiles({ kernel, strides, dilations, begins, input, output }: Window): boolean {
  return kernel.every(
    (extent, axis) =>
      extent === strides[axis] &&
      (extent === 1 || dilations[axis] === 1) &&
      begins[axis] === 0 &&
      output[axis] * extent <= input[axis],
  );
}

import type { GraphBuilder, Value } from '../builder.js';
import { ints } from '../model.js';
import { float32, float64, sizeOf } from '../tensor.js';
import { reach, type Window } from './window.js';

/**
 * Windows laid out as columns (im2col) and its adjoint (col2im). K is the number of elements of a window, L the number
 * of its positions.
 */

/** Above this many window elements one Gather replaces a slice for each. */
const SLICES_UP_TO = 32;

/** How far the windows reach beyond the end of each input axis (never negative). */
function overhang({ kernel, strides, dilations, begins, input, output }: Window): number[] {
  return input.map((extent, axis) =>
    Math.max(0, (output[axis] - 1) * strides[axis] + reach(kernel[axis], dilations[axis]) - begins[axis] - extent),
  );
}

/** All multi-indices of a shape, the last axis fastest. */
function positions(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (heads, extent) => heads.flatMap((head) => Array.from({ length: extent }, (_, i) => [...head, i])),
    [[]],
  );
}

/** [N, C, ...input] -> [N, C, K, L]: what every window sees; outside the input it sees `padding`. */
export function unfold(b: GraphBuilder, x: Value, window: Window, padding = 0): Value {
  const { kernel, strides, dilations, begins, output } = window;
  const [batch, channels] = x.shape;
  const [size, places] = [sizeOf(kernel), sizeOf(output)];
  const after = overhang(window);
  const pads = [0, 0, ...begins, 0, 0, ...after];
  const padded = pads.every((pad) => pad === 0)
    ? x
    : b.op('Pad', padding === 0 ? [x, b.indices(pads)] : [x, b.indices(pads), constantLike(b, x, padding)]);
  const extents = padded.shape.slice(2);
  if (size > SLICES_UP_TO) {
    const from = positions(kernel).flatMap((element) =>
      positions(output).map((place) =>
        flatIndex(
          place.map((p, axis) => p * strides[axis] + element[axis] * dilations[axis]),
          extents,
        ),
      ),
    );
    const flat = b.reshape(padded, [batch, channels, sizeOf(extents)]);
    return b.reshape(b.gather(flat, b.indices(from), 2), [batch, channels, size, places]);
  }
  const axes = kernel.map((_, axis) => axis + 2);
  const plain = strides.every((stride) => stride === 1);
  const columns = positions(kernel).map((element) => {
    const starts = element.map((k, axis) => k * dilations[axis]);
    const stops = starts.map((start, axis) => start + (output[axis] - 1) * strides[axis] + 1);
    const whole = plain && starts.every((start, axis) => start === 0 && stops[axis] === extents[axis]);
    const seen = whole ? padded : b.slice(padded, starts, stops, axes, plain ? undefined : strides);
    return b.reshape(seen, [batch, channels, 1, places]);
  });
  return b.concat(columns, 2);
}

/** [N, C, K, L] -> [N, C, ...input]: the adjoint of {@link unfold}; what falls on padding is dropped. */
export function fold(b: GraphBuilder, columns: Value, window: Window): Value {
  const { kernel, strides, dilations, begins, input } = window;
  const [batch, channels, size, places] = columns.shape;
  if (columns.type === 'float32') {
    return b.op('Col2Im', [b.reshape(columns, [batch, channels * size, places]), b.indices(input), b.indices(kernel)], {
      strides: ints(strides),
      dilations: ints(dilations),
      pads: ints([...begins, ...overhang(window)]),
    });
  }
  // No kernel of Col2Im for other types: every input position gathers from the windows that see it.
  const sources = windowsByPosition(window);
  const most = Math.max(1, ...sources.map((list) => list.length));
  const from = sources.flatMap((list) => [...list, ...new Array<number>(most - list.length).fill(size * places)]);
  const flat = b.concat(
    [b.reshape(columns, [batch, channels, size * places]), b.scalar(0, columns.type, [batch, channels, 1])],
    2,
  );
  const gathered = b.reshape(b.gather(flat, b.indices(from), 2), [batch, channels, sizeOf(input), most]);
  return b.reshape(b.reduceSum(gathered, [3]), [batch, channels, ...input]);
}

/** For each input position the columns' elements (k * L + l) that read it. */
function windowsByPosition({ kernel, strides, dilations, begins, input, output }: Window): number[][] {
  const sources: number[][] = Array.from({ length: sizeOf(input) }, () => []);
  let index = 0;
  for (const element of positions(kernel)) {
    for (const place of positions(output)) {
      const at = place.map((p, axis) => p * strides[axis] + element[axis] * dilations[axis] - begins[axis]);
      if (at.every((i, axis) => i >= 0 && i < input[axis])) sources[flatIndex(at, input)].push(index);
      index++;
    }
  }
  return sources;
}

/** How many input positions (not padding) each window sees, in the order of the output positions. */
export function insideCounts({ kernel, strides, dilations, begins, input, output }: Window): number[] {
  return positions(output).map((place) =>
    place.reduce((count, p, axis) => {
      let inside = 0;
      for (let k = 0; k < kernel[axis]; k++) {
        const at = p * strides[axis] + k * dilations[axis] - begins[axis];
        if (at >= 0 && at < input[axis]) inside++;
      }
      return count * inside;
    }, 1),
  );
}

function flatIndex(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, i, axis) => flat * shape[axis] + i, 0);
}

function constantLike(b: GraphBuilder, x: Value, value: number): Value {
  return b.scalar(value, x.type);
}

/** A constant of the float type of `like`. */
export function floatConstant(b: GraphBuilder, like: Value, shape: readonly number[], data: readonly number[]): Value {
  return b.constant(like.type === 'float64' ? float64(shape, data) : float32(shape, data));
}

/** Repeats every element of the spatial axes `factors` times (nearest neighbour). */
export function repeatEach(b: GraphBuilder, x: Value, factors: readonly number[]): Value {
  if (factors.every((factor) => factor === 1)) return x;
  const spatial = x.shape.slice(2);
  if (x.type === 'float32') {
    return b.op('Resize', [x, undefined, b.constant(float32([x.shape.length], [1, 1, ...factors]))], {
      mode: { kind: 'string', value: 'nearest' },
      coordinate_transformation_mode: { kind: 'string', value: 'asymmetric' },
      nearest_mode: { kind: 'string', value: 'floor' },
    });
  }
  const lead = x.shape.slice(0, 2);
  const split = spatial.flatMap((extent) => [extent, 1]);
  const wide = spatial.flatMap((extent, axis) => [extent, factors[axis]]);
  const result = spatial.map((extent, axis) => extent * factors[axis]);
  return b.reshape(b.expand(b.reshape(x, [...lead, ...split]), [...lead, ...wide]), [...lead, ...result]);
}

/** Sums blocks of `factors` elements of the spatial axes: the adjoint of {@link repeatEach}. */
export function sumBlocks(b: GraphBuilder, x: Value, factors: readonly number[]): Value {
  if (factors.every((factor) => factor === 1)) return x;
  const spatial = x.shape.slice(2);
  const lead = x.shape.slice(0, 2);
  if (x.type === 'float32') {
    const mean = b.op('AveragePool', [x], { kernel_shape: ints(factors), strides: ints(factors) });
    return b.mul(mean, sizeOf(factors));
  }
  const split = spatial.flatMap((extent, axis) => [extent / factors[axis], factors[axis]]);
  const sum = b.reduceSum(
    b.reshape(x, [...lead, ...split]),
    spatial.map((_, axis) => 2 * axis + 3),
  );
  return b.reshape(sum, [...lead, ...spatial.map((extent, axis) => extent / factors[axis])]);
}

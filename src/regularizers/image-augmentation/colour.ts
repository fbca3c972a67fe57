import type { GraphBuilder, Value } from '../../graph/builder.js';
import { int, string } from '../../graph/model.js';
import { float32 } from '../../graph/tensor.js';

/**
 * Operations on images [batch, channels, height, width] with values from 0 (black) to 1, as torchvision and Pillow define
 * them; each result is within 0 to 1 again. Amounts are [batch, 1, 1, 1].
 */

/** Parts of red, green and blue in what the eye calls bright (ITU-R 601). */
const LUMA = [0.2989, 0.587, 0.114];

const bounded = (b: GraphBuilder, image: Value): Value => b.clip(image, 0, 1);

/** factor * image + (1 - factor) * other, within 0 to 1; the image itself, to the bit, at a factor of 1. */
function blend(b: GraphBuilder, image: Value, other: Value, factor: Value): Value {
  return bounded(b, b.add(image, b.mul(b.sub(other, image), b.sub(1, factor))));
}

/** Brightness of every pixel, [batch, 1, height, width]; images without three channels are grey already. */
function grey(b: GraphBuilder, image: Value): Value | undefined {
  if (image.shape[1] !== 3) return undefined;
  return b.reduceSum(b.mul(image, b.constant(float32([1, 3, 1, 1], LUMA))), [1], true);
}

/** Towards black below a factor of 1. */
export const brightness = (b: GraphBuilder, image: Value, factor: Value): Value => bounded(b, b.mul(image, factor));

/** Towards an even grey of the image's mean brightness below a factor of 1. */
export function contrast(b: GraphBuilder, image: Value, factor: Value): Value {
  const means = b.reduceMean(image, [2, 3], true);
  return blend(b, image, grey(b, means) ?? b.reduceMean(means, [1], true), factor);
}

/** Towards grey below a factor of 1; images of other than three channels stay. */
export function saturation(b: GraphBuilder, image: Value, factor: Value): Value {
  const other = grey(b, image);
  return other === undefined ? image : blend(b, image, other, factor);
}

/** Towards a smoothed image below a factor of 1; the outermost pixels stay. */
export function sharpness(b: GraphBuilder, image: Value, factor: Value): Value {
  const [, , height, width] = image.shape;
  if (height < 3 || width < 3) return image;
  // The mean of the nine pixels about one, which itself counts five times: sums along one axis, then the other.
  const three = (x: Value, axis: number): Value => {
    const extent = x.shape[axis] - 2;
    return [0, 1, 2].map((from) => b.slice(x, [from], [from + extent], [axis])).reduce(b.add);
  };
  const nine = three(three(image, 2), 3);
  const middle = b.slice(image, [1, 1], [height - 1, width - 1], [2, 3]);
  const inner = b.mul(b.add(nine, b.mul(middle, 4)), 1 / 13);
  const border = Float32Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row === 0 || column === 0 || row === height - 1 || column === width - 1 ? 1 : 0;
  });
  const frame = b.mul(image, b.constant(float32([1, 1, height, width], border)));
  return blend(b, image, b.add(b.pad(inner, [0, 0, 1, 1, 0, 0, 1, 1]), frame), factor);
}

/** Inverts what is at least as bright as the threshold. */
export const solarize = (b: GraphBuilder, image: Value, threshold: Value): Value =>
  b.where(b.less(image, threshold), image, b.sub(1, image));

/** Keeps the upper `bits` of 8-bit values. */
export function posterize(b: GraphBuilder, image: Value, bits: Value): Value {
  const step = b.pow(b.scalar(2), b.sub(8, bits));
  const bytes = b.op('Round', [b.mul(image, 255)]);
  return b.mul(b.mul(b.op('Floor', [b.div(bytes, step)]), step), 1 / 255);
}

/** Stretches each channel to its full range; a channel of one value stays. */
export function autocontrast(b: GraphBuilder, image: Value): Value {
  const low = b.neg(b.reduceMax(b.neg(image), [2, 3], true));
  const span = b.sub(b.reduceMax(image, [2, 3], true), low);
  const flat = b.equal(span, 0);
  const scale = b.where(flat, b.scalar(1), b.reciprocal(b.where(flat, b.scalar(1), span)));
  return bounded(b, b.mul(b.sub(image, b.where(flat, b.scalar(0), low)), scale));
}

/** Makes the histogram of each channel even, over 256 levels. */
export function equalize(b: GraphBuilder, image: Value): Value {
  const [batch, channels, height, width] = image.shape;
  const rows = batch * channels;
  const bytes = b.op('Round', [b.mul(b.reshape(image, [rows, height * width]), 255)]);
  const level = b.cast(bytes, 'int32');
  const counts = b.op(
    'ScatterElements',
    [b.scalar(0, 'float32', [rows, 256]), level, b.scalar(1, 'float32', [rows, height * width])],
    { axis: int(1), reduction: string('add') },
  );
  const brightest = b.reduceMax(bytes, [1], true);
  const last = b.reduceSum(b.cast(b.equal(bytes, brightest), 'float32'), [1], true);
  const step = b.op('Floor', [b.mul(b.sub(height * width, last), 1 / 255)]);
  const even = b.greater(step, 0);
  const divisor = b.where(even, step, b.scalar(1));
  const below = b.op('CumSum', [counts, b.scalar(1, 'int64')], { exclusive: int(1) });
  const table = b.clip(b.op('Floor', [b.div(b.add(below, b.op('Floor', [b.mul(step, 0.5)])), divisor)]), 0, 255);
  const looked = b.mul(b.op('GatherElements', [table, level], { axis: int(1) }), 1 / 255);
  const same = b.reshape(image, [rows, height * width]);
  return b.reshape(b.where(even, looked, same), image.shape);
}

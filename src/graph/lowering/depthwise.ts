import type { GraphBuilder, Value } from '../builder.js';
import { float32 } from '../tensor.js';

/**
 * A 3x3 convolution of stride 1 and padding 1 that keeps channels apart, as one product a channel: with the channels
 * outermost, two lines of the result are the four lines around them times a banded matrix [4 W, 2 W] that holds the
 * kernel. It wastes W / 3 products of each that counts, and still the products are the quickest way while lines are short.
 *
 * @param x [N, C, H, W], H even
 * @param weight [C, 1, 3, 3]
 */
export function depthwise(b: GraphBuilder, x: Value, weight: Value, bias: Value | undefined): Value {
  const [batch, channels, height, width] = x.shape;
  const pairs = height / 2;
  const taps = (): Value => b.reshape(weight, [channels, 9]);
  const bandOf = (reversed: boolean): Value => b.constant(float32([9, 8 * width * width], band(width, reversed)));
  const banded = (reversed: boolean): Value =>
    b.reshape(b.matMul(taps(), bandOf(reversed)), [channels, 4 * width, 2 * width]);
  const neighbours = neighbourIndices(batch, pairs);
  /** [C, N, H, W] -> for each two lines, the four around them: [C, N * H / 2, 4 W]. */
  const around = (planes: Value): Value => {
    const padded = b.reshape(b.pad(planes, [0, 0, 1, 0, 0, 0, 1, 0]), [channels, batch * (pairs + 1), 2 * width]);
    const index = b.constant({ type: 'int32', shape: [neighbours.length], data: neighbours });
    return b.reshape(b.gather(padded, index, 1), [channels, batch * pairs, 4 * width]);
  };
  const shape = [channels, batch, height, width];

  const planes = b.transpose(x, [1, 0, 2, 3]);
  let lines: Value;
  const [result] = b.composite(
    'depthwise',
    [planes, weight, ...(bias === undefined ? [] : [bias])],
    () => {
      lines = around(planes);
      const sums = b.matMul(lines, banded(false));
      const shifted = bias === undefined ? sums : b.add(sums, b.reshape(bias, [channels, 1, 1]));
      return [b.reshape(shifted, shape)];
    },
    ([given]) => {
      const d = given!;
      const pairwise = b.reshape(d, [channels, batch * pairs, 2 * width]);
      const ofBand = b.reshape(b.batchMatMul(lines, pairwise, { transA: true }), [channels, 8 * width * width]);
      const ofWeight = b.reshape(b.gemm(ofBand, bandOf(false), undefined, { transB: true }), weight.shape);
      const ofBias = (): Value => {
        const places = batch * height * width;
        return b.reshape(b.matMul(b.reshape(d, [channels, places]), b.scalar(1, 'float32', [places, 1])), [channels]);
      };
      // The gradient of the input is the convolution of the output's with the kernel turned around.
      const ofInput = b.reshape(b.matMul(around(d), banded(true)), shape);
      return [ofInput, ofWeight, ...(bias === undefined ? [] : [ofBias()])];
    },
  );
  return b.transpose(result, [1, 0, 2, 3]);
}

/** Pairs of lines, of which each image has one more than it has results: two for every result. */
function neighbourIndices(batch: number, pairs: number): Int32Array {
  const result = new Int32Array(2 * batch * pairs);
  for (let image = 0; image < batch; image++) {
    for (let pair = 0; pair < pairs; pair++) {
      const first = image * (pairs + 1) + pair;
      result.set([first, first + 1], 2 * (image * pairs + pair));
    }
  }
  return result;
}

/** [9, 4 W * 2 W]: where each of the nine elements of a kernel stands in the banded matrix. */
function band(width: number, reversed: boolean): Float32Array {
  const size = 8 * width * width;
  const result = new Float32Array(9 * size);
  for (let line = 0; line < 2; line++) {
    for (let x = 0; x < width; x++) {
      for (let tap = 0; tap < 9; tap++) {
        const from = x + (tap % 3) - 1;
        if (from < 0 || from >= width) continue;
        const row = (line + Math.floor(tap / 3)) * width + from;
        result[(reversed ? 8 - tap : tap) * size + row * 2 * width + line * width + x] = 1;
      }
    }
  }
  return result;
}

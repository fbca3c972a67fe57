import type { GraphBuilder, Value } from '../builder.js';
import { int, ints } from '../model.js';
import { reluGradient } from '../operators/operator.js';
import { float32 } from '../tensor.js';
import { constantMatrix, identity, kronecker, type Matrix, product, transposed } from './matrix.js';
import { type MaxOfFour, maxOfFour, SPREAD } from './max-of-four.js';
import { type Rows, splitRows } from './rows.js';
import { type Chain, shift, sum } from './winograd.js';

/** Window of a convolution over two axes. */
export interface PlaneWindow {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
}

/**
 * A convolution of few channels as a product of patches with the kernel. With pooling (3x3, stride 1, padding 1, even
 * extents) a patch is the 4x4 inputs of a pooling window, and the kernel stands at each of its four places.
 */
export function patchConvolution(
  b: GraphBuilder,
  x: Value,
  chain: Chain,
  window: PlaneWindow,
  images: readonly number[],
): Rows {
  const { weight, bias, relu, pool } = chain;
  const [outputs, channels] = weight.shape;
  const cut: PlaneWindow = pool ? { kernel: [4, 4], strides: [2, 2], pads: window.pads } : window;
  const patches = patchesOf(b, x, cut);
  const [, height, width, length] = patches.shape;
  const rows = splitRows(b, b.reshape(patches, [x.shape[0] * height * width, length]), images, height * width);
  const taps = window.kernel[0] * window.kernel[1] * channels;
  const places = pool ? kernelPlaces(channels) : identity(taps);

  const kept: { pooled: MaxOfFour | undefined; result: Value }[] = [];
  let kernels: Value[];
  const flatWeight = (): Value => b.reshape(weight, [outputs, taps]);
  const build = (): Value[] => {
    kernels = pool
      ? b.split(b.gemm(constantMatrix(b, places), flatWeight(), undefined, { transB: true }), Array(4).fill(length), 0)
      : [b.transpose(flatWeight(), [1, 0])];
    return rows.map((chunk) => {
      const z = kernels.map((kernel) => b.matMul(chunk, kernel));
      const pooled = pool ? maxOfFour(b, z) : undefined;
      const best = pooled?.max ?? z[0];
      const shifted = shift(b, best, bias, pooled);
      const result = relu ? b.relu(shifted) : shifted;
      kept.push({ pooled, result });
      return result;
    });
  };
  const gradient = (arriving: readonly (Value | undefined)[]): (Value | undefined)[] => {
    const ofKernels: Value[] = [];
    const ofBias: Value[] = [];
    const ofRows = arriving.map((given, c) => {
      if (given === undefined) return undefined;
      const { pooled, result } = kept[c];
      const d = relu ? reluGradient(b, result, given) : given;
      ofBias.push(b.matMul(b.scalar(1, 'float32', [1, d.shape[0]]), d));
      const parts = pooled?.parts(d) ?? [d];
      ofKernels.push(
        b.concat(
          parts.map((part) => b.gemm(rows[c], part, undefined, { transA: true })),
          0,
        ),
      );
      const winners = pooled?.winners(d) ?? [d];
      return sum(
        b,
        winners.map((part, place) => b.gemm(part, kernels[place], undefined, { transB: true })),
      );
    });
    const total = sum(b, ofKernels);
    const spread = pool ? product(transposed(kronecker(SPREAD, identity(length))), places) : places;
    const ofWeight = pool
      ? b.gemm(total, constantMatrix(b, spread), undefined, { transA: true })
      : b.transpose(total, [1, 0]);
    return [
      ...ofRows,
      b.reshape(ofWeight, weight.shape),
      ...(bias === undefined ? [] : [b.reshape(sum(b, ofBias), [outputs])]),
    ];
  };
  const inputs = [...rows, weight, ...(bias === undefined ? [] : [bias])];
  const chunks = b.composite('patches', inputs, build, gradient);
  return { chunks, images, height, width, channels: outputs };
}

/** [N, C, H, W] -> [N, places down, places across, C * kernel elements]: a convolution with the unit kernels. */
function patchesOf(b: GraphBuilder, x: Value, { kernel, strides, pads }: PlaneWindow): Value {
  const channels = x.shape[1];
  const size = kernel[0] * kernel[1];
  const units = new Float32Array(channels * size * size);
  for (let c = 0; c < channels; c++) for (let k = 0; k < size; k++) units[(c * size + k) * size + k] = 1;
  const planes = b.op('Conv', [x, b.constant(float32([channels * size, 1, ...kernel], units))], {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    pads: ints(pads),
    group: int(channels),
  });
  return b.transpose(planes, [0, 2, 3, 1]);
}

/** [4 * 16 * channels, 9 * channels]: where each element of a 3x3 kernel lies in the 4x4 patch, at its four places. */
function kernelPlaces(channels: number): Matrix {
  const [rows, columns] = [64 * channels, 9 * channels];
  const values = new Array<number>(rows * columns).fill(0);
  for (let dy = 0; dy < 2; dy++) {
    for (let dx = 0; dx < 2; dx++) {
      for (let c = 0; c < channels; c++) {
        for (let y = 0; y < 3; y++) {
          for (let x = 0; x < 3; x++) {
            const row = ((dy * 2 + dx) * channels + c) * 16 + (dy + y) * 4 + dx + x;
            values[row * columns + c * 9 + y * 3 + x] = 1;
          }
        }
      }
    }
  }
  return { rows, columns, values };
}

import { readFileSync } from 'node:fs';
import { ALIGNMENT, type Kernels } from './kernels.js';

const PAGE = 65_536;
/** What 32-bit addresses reach. */
const LARGEST = 2 ** 32 - PAGE;

/** Addresses in the kernels' memory; lengths count values. See assembly/paths.ts. */
interface Exports {
  correlate(x: number, stride: number, length: number, which: number, count: number, r: number, out: number): void;
  combine(x: number, stride: number, length: number, which: number, count: number, by: number, out: number): void;
  squares(x: number, stride: number, length: number, which: number, count: number, by: number, out: number): void;
  multiply(a: number, b: number, out: number, length: number): void;
  descend(...addresses: number[]): number;
  descendResidual(...addresses: number[]): number;
  beyond(...addresses: number[]): number;
  bound(...addresses: number[]): number;
  moments(x: number, weights: number, length: number, out: number): void;
  rescale(x: number, length: number, center: number, factor: number): void;
}

let compiled: WebAssembly.Module | undefined;

/**
 * The kernels in WebAssembly, over a memory of their own that never grows, so that arrays never move. Pages are only
 * taken from the machine when they are first written.
 *
 * @returns undefined where so much memory is not to be had
 */
export function simdKernels(bytes: number): Kernels | undefined {
  if (bytes > LARGEST) return undefined;
  const pages = Math.ceil(bytes / PAGE) + 1;
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./simd.wasm', import.meta.url)));
  const wasm = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Exports;
  const { buffer } = memory;
  let used = ALIGNMENT;
  const take = (size: number): number => {
    const start = used;
    used += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    return start;
  };
  const sums = new Float64Array(buffer, take(24), 3);
  return {
    name: 'simd',
    beyond: (values, { factors, limit, places, count }, out) =>
      wasm.beyond(values.byteOffset, factors.byteOffset, limit, places.byteOffset, count, out.byteOffset),
    bound: ({ first, second, pairs, norms, table }, { factors, limit, places, count }, estimates, out) =>
      wasm.bound(
        first.byteOffset,
        second.byteOffset,
        pairs.byteOffset,
        norms.byteOffset,
        table.byteOffset,
        factors.byteOffset,
        limit,
        places.byteOffset,
        count,
        estimates.byteOffset,
        out.byteOffset,
      ),
    moments(x, weights) {
      wasm.moments(x.byteOffset, weights.byteOffset, x.length, sums.byteOffset);
      const [sum, squares, largest] = sums;
      return { mean: x[0] + sum, variance: Math.max(0, squares - sum * sum), largest };
    },
    rescale: (x, center, factor) => wasm.rescale(x.byteOffset, x.length, center, factor),
    floats: (length) => new Float64Array(buffer, take(8 * length), length),
    integers: (length) => new Int32Array(buffer, take(4 * length), length),
    correlate: ({ data, stride, length }, which, count, r, out) =>
      wasm.correlate(data.byteOffset, stride, length, which.byteOffset, count, r.byteOffset, out.byteOffset),
    combine: ({ data, stride, length }, which, count, by, out) =>
      wasm.combine(data.byteOffset, stride, length, which.byteOffset, count, by.byteOffset, out.byteOffset),
    squares: ({ data, stride, length }, which, count, by, out) =>
      wasm.squares(data.byteOffset, stride, length, which.byteOffset, count, by.byteOffset, out.byteOffset),
    multiply: (a, b, out, length) => wasm.multiply(a.byteOffset, b.byteOffset, out.byteOffset, length),
    descend: ({ gram, stride, b, g, diagonal, inverse, l1, lower, upper }, size) =>
      wasm.descend(
        gram.byteOffset,
        stride,
        size,
        b.byteOffset,
        g.byteOffset,
        diagonal.byteOffset,
        inverse.byteOffset,
        l1.byteOffset,
        lower.byteOffset,
        upper.byteOffset,
      ),
    descendResidual: ({ columns, members, b, residual, curvature, diagonal, inverse, l1, lower, upper }, size) =>
      wasm.descendResidual(
        columns.data.byteOffset,
        columns.stride,
        columns.length,
        members.byteOffset,
        size,
        b.byteOffset,
        residual.byteOffset,
        curvature.byteOffset,
        diagonal.byteOffset,
        inverse.byteOffset,
        l1.byteOffset,
        lower.byteOffset,
        upper.byteOffset,
      ),
  };
}

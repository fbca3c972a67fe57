import { float32 } from '../tensor.js';
import { openFfiRuntime } from './ffi/runtime.js';
import { encodeModel } from './minimal-model.js';
import type { BoundTensor, Runtime } from './runtime.js';
import { openStockRuntime } from './stock.js';

/** What the tests of this folder share. */

/** softmax(relu(x w + b)), with a dynamic batch. */
export const CLASSIFIER = encodeModel({
  nodes: [
    { op: 'Gemm', inputs: ['x', 'w', 'b'], outputs: ['logits'] },
    { op: 'Relu', inputs: ['logits'], outputs: ['hidden'] },
    { op: 'Softmax', inputs: ['hidden'], outputs: ['p'], attributes: { axis: 1 } },
  ],
  inputs: [
    ['x', 'float32', ['batch', 5]],
    ['w', 'float32', [5, 3]],
    ['b', 'float32', [3]],
  ],
  outputs: [
    ['p', 'float32', ['batch', 3]],
    ['hidden', 'float32', ['batch', 3]],
  ],
});

/** x, multiplied `depth` times by m. */
export function matMuls(depth: number, size: number): Uint8Array {
  const name = (i: number): string => (i === 0 ? 'x' : i === depth ? 'y' : `x${i}`);
  return encodeModel({
    nodes: Array.from({ length: depth }, (_, i) => ({ op: 'MatMul', inputs: [name(i), 'm'], outputs: [name(i + 1)] })),
    inputs: [
      ['x', 'float32', [size, size]],
      ['m', 'float32', [size, size]],
    ],
    outputs: [['y', 'float32', [size, size]]],
  });
}

/** An irregular, reproducible sequence in [-1, 1). */
export const wave = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233));

export const classifierFeeds = (batch: number) => ({
  x: float32([batch, 5], wave(batch * 5, 1)),
  w: float32([5, 3], wave(15, 2)),
  b: float32([3], wave(3, 3)),
});

/** Copies values into a bound tensor. */
export function set(bound: BoundTensor, values: ArrayLike<number> | ArrayLike<bigint>): void {
  (bound.data as Float32Array).set(values as ArrayLike<number>);
}

/** What an action throws, or undefined. */
export const failure = async (action: () => unknown): Promise<unknown> => {
  try {
    await action();
  } catch (error) {
    return error;
  }
  return undefined;
};

export const RUNTIMES: readonly Runtime[] = [openFfiRuntime(), openStockRuntime()];

import { sizeOf } from '../../graph/tensor.js';
import { type UpdateKernels, updateKernels } from './kernels.js';

const PAGE = 65_536;
/** Every array starts on a cache line, and is padded with zeros up to the next. */
const ALIGNMENT = 64;
/** What 32-bit addresses reach. */
const LARGEST = 2 ** 32 - PAGE;

const padded = (shape: readonly number[]): number => Math.ceil((4 * sizeOf(shape)) / ALIGNMENT) * ALIGNMENT;

/**
 * WebAssembly memory for weights, optimizer state and gradients, all of whose arrays are known when it is made: it never
 * grows, so that the arrays never move and sessions can bind them.
 */
export class UpdateMemory {
  readonly kernels: UpdateKernels;
  readonly #buffer: ArrayBuffer;
  #used = 0;

  private constructor(memory: WebAssembly.Memory) {
    this.#buffer = memory.buffer;
    this.kernels = updateKernels(memory);
  }

  /** undefined where there is no room: more than 32-bit addresses reach, or than the machine gives. */
  static create(shapes: readonly (readonly number[])[]): UpdateMemory | undefined {
    const bytes = shapes.reduce((sum, shape) => sum + padded(shape), 0);
    if (bytes > LARGEST) return undefined;
    const pages = Math.ceil(bytes / PAGE);
    try {
      return new UpdateMemory(new WebAssembly.Memory({ initial: pages, maximum: pages }));
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** A zeroed array; its address is its `byteOffset`. */
  array(shape: readonly number[]): Float32Array {
    const array = new Float32Array(this.#buffer, this.#used, sizeOf(shape));
    this.#used += padded(shape);
    return array;
  }
}

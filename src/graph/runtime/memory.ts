import { BallastError } from '../../errors.js';
import { ARRAY_OF, type DataType, sizeOf } from '../tensor.js';

/** Longest memory of one tensor, in bytes: what a typed array of every supported Node version can span. */
const LARGEST = 2 ** 32 - 4096;

/** Bytes that a tensor takes. Errors: TENSOR_TOO_LARGE where no typed array can hold it. */
export function bytesOf(type: Exclude<DataType, 'string'>, shape: readonly number[]): number {
  const bytes = sizeOf(shape) * ARRAY_OF[type].BYTES_PER_ELEMENT;
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) || bytes > LARGEST) {
    throw new BallastError(`a ${type} tensor of shape [${shape.join(', ')}] cannot be held`, {
      code: 'TENSOR_TOO_LARGE',
      value: bytes,
      remedy: `A tensor takes at most ${LARGEST} bytes.`,
    });
  }
  return bytes;
}

/** Zeroed memory whose address never changes (V8 may keep small typed arrays on its own heap, which moves). */
export function newBuffer(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    throw new BallastError(`could not allocate ${bytes} bytes`, {
      code: 'OUT_OF_MEMORY',
      kind: 'environment',
      remedy: 'Use smaller batches or a machine with more memory.',
      cause,
    });
  }
}

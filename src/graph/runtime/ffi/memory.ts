import koffi from 'koffi';
import { ARRAY_OF, type DataType, type NumericArray, sizeOf } from '../../tensor.js';
import { bytesOf, newBuffer } from '../memory.js';
import type { Pointer } from './library.js';

/** Width of a cache line, and of the widest vector register that the kernels use. */
const ALIGNMENT = 64;

/**
 * Zeroed, 64-byte-aligned memory that JS owns: an ArrayBuffer's store never moves, is counted by the garbage
 * collector, and cannot be used after it is freed as long as whoever holds `address` holds `data` too.
 */
export interface AlignedMemory {
  readonly data: NumericArray;
  readonly address: Pointer;
  readonly bytes: number;
}

/** Memory for a tensor. Errors: TENSOR_TOO_LARGE, OUT_OF_MEMORY. */
export function allocateAligned(type: Exclude<DataType, 'string'>, shape: readonly number[]): AlignedMemory {
  const bytes = bytesOf(type, shape);
  const buffer = newBuffer(bytes + ALIGNMENT);
  const start = koffi.address(buffer);
  const offset = Number(-start & BigInt(ALIGNMENT - 1));
  return { data: new ARRAY_OF[type](buffer, offset, sizeOf(shape)), address: start + BigInt(offset), bytes };
}

/** The memory of an array that somebody else allocated where it never moves. */
export function heldMemory(data: NumericArray): AlignedMemory {
  return { data, address: koffi.address(data.buffer) + BigInt(data.byteOffset), bytes: data.byteLength };
}

/** `T *[]` in memory that never moves; zeroed where only a length is given. */
export function pointerArray(content: number | readonly Pointer[]): BigUint64Array {
  const length = typeof content === 'number' ? content : content.length;
  const pointers = new BigUint64Array(newBuffer(length * 8));
  if (typeof content !== 'number') pointers.set(content);
  return pointers;
}

/** `const char *[]`: the texts in UTF-8, each ended by NUL, and the address of each. Hold it while it is in use. */
export interface CStrings {
  readonly text: Uint8Array;
  readonly addresses: BigUint64Array;
}

export function cStrings(strings: readonly string[]): CStrings {
  const text = Buffer.from(`${strings.join('\0')}\0`);
  const addresses = pointerArray(strings.length);
  let address = koffi.address(text);
  for (const [i, string] of strings.entries()) {
    addresses[i] = address;
    address += BigInt(Buffer.byteLength(string) + 1);
  }
  return { text, addresses };
}

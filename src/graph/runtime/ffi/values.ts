import koffi from 'koffi';
import { ARRAY_OF, type DataType, ONNX_TYPE_NUMBER, sizeOf, type Tensor, typeOfNumber } from '../../tensor.js';
import { runFailed } from '../faults.js';
import { bytesOf, newBuffer } from '../memory.js';
import { check, created, type Native, reported } from './environment.js';
import type { Pointer } from './library.js';
import { type AlignedMemory, allocateAligned, cStrings } from './memory.js';
import { readTensorInfo } from './metadata.js';

/** Tensors in and out of `OrtValue`s. Whoever creates a value releases it, and holds its memory until then. */

/** An OrtValue that reads and writes `memory` in place. */
export function wrapMemory(native: Native, type: DataType, shape: readonly number[], memory: AlignedMemory): Pointer {
  const { api, cpuMemory } = native;
  const extents = BigInt64Array.from(shape, BigInt);
  const number = ONNX_TYPE_NUMBER[type];
  return created(api, (out) =>
    api.CreateTensorWithDataAsOrtValue(cpuMemory, memory.address, memory.bytes, extents, shape.length, number, out),
  );
}

export interface HeldValue {
  readonly value: Pointer;
  /** What must stay referenced while the value is in use. */
  readonly memory: AlignedMemory | undefined;
}

/** A value to be filled with the content of tensors of a type and shape. */
export function newValue(native: Native, { type, shape }: Pick<Tensor, 'type' | 'shape'>): HeldValue {
  if (type !== 'string') {
    const memory = allocateAligned(type, shape);
    return { value: wrapMemory(native, type, shape, memory), memory };
  }
  const { api, allocator } = native;
  const extents = BigInt64Array.from(shape, BigInt);
  const value = created(api, (out) =>
    api.CreateTensorAsOrtValue(allocator, extents, shape.length, ONNX_TYPE_NUMBER.string, out),
  );
  return { value, memory: undefined };
}

/** Copies a tensor's content into a value of its type and shape, so that the caller may change or transfer his own meanwhile. */
export function copyIn({ api }: Native, { value, memory }: HeldValue, { data }: Tensor): void {
  if (memory !== undefined) copyBytes(data as ArrayBufferView, memory.data);
  else if (data.length > 0) {
    const strings = cStrings(data as readonly string[]);
    check(api, api.FillStringTensor(value, strings.addresses, data.length));
  }
}

function copyBytes(from: ArrayBufferView, to: ArrayBufferView): void {
  const bytes = new Uint8Array(from.buffer, from.byteOffset, from.byteLength);
  new Uint8Array(to.buffer, to.byteOffset, to.byteLength).set(bytes);
}

const TENSOR = 1;

/** Copies a value that a run made into a tensor of JS memory. Errors: RUN_FAILED for a type that Ballast cannot hold. */
export function copyOut(native: Native, name: string, value: Pointer): Tensor {
  const { api } = native;
  if (reported(api, (out) => api.GetValueType(value, out)) !== TENSOR) throw runFailed(`output "${name}" is no tensor`);
  const { number, shape } = readTensorInfo(native, value);
  const type = typeOfNumber(number);
  if (type === undefined) throw runFailed(`output "${name}" has the unsupported element type ${number}`);
  if (type === 'string') return { type, shape, data: copyStringsOut(native, value, sizeOf(shape)) };
  const data = new ARRAY_OF[type](newBuffer(bytesOf(type, shape)), 0, sizeOf(shape));
  if (data.byteLength > 0) {
    const address = created(api, (out) => api.GetTensorMutableData(value, out));
    new Uint8Array(data.buffer).set(new Uint8Array(koffi.view(address, data.byteLength)));
  }
  return { type, shape, data };
}

function copyStringsOut({ api }: Native, value: Pointer, count: number): string[] {
  if (count === 0) return [];
  const bytes = Number(created(api, (out) => api.GetStringTensorDataLength(value, out)));
  // One byte more, so that the pointer is valid where every string is empty.
  const text = Buffer.alloc(bytes + 1);
  const offsets = new BigUint64Array(count);
  check(api, api.GetStringTensorContent(value, text, bytes, offsets, count));
  return Array.from(offsets, (start, i) => {
    const end = i + 1 < count ? Number(offsets[i + 1]) : bytes;
    return text.toString('utf8', Number(start), end);
  });
}

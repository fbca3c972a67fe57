import { BallastError } from '../../errors.js';
import { ARRAY_OF, type DataType, type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import type { RawData } from './feeds.js';
import type { RequestTensor } from './request.js';

/**
 * The binary tensor data extension (Triton, extension_binary_data.md): tensors' bytes follow the JSON header, one after another,
 * little-endian and row-major; texts as 4 bytes of length before each.
 */

/** The header of HTTP that tells how many bytes are JSON. */
export const JSON_LENGTH_HEADER = 'inference-header-content-length';

/**
 * Splits a body into its JSON and the bytes behind it.
 *
 * @throws BallastError `REQUEST_INVALID`
 */
export function splitBody(body: Buffer, jsonLength: string): { json: unknown; binary: Buffer } {
  const length = Number(jsonLength);
  if (!/^\d+$/.test(jsonLength) || length > body.byteLength) {
    throw invalid(`it is no length within the ${body.byteLength} bytes of the body`, JSON_LENGTH_HEADER);
  }
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8', 0, length));
  } catch (cause) {
    throw new BallastError('The request is not JSON', { code: 'REQUEST_INVALID', place: 'body', cause });
  }
  return { json, binary: body.subarray(length) };
}

/**
 * Reads the tensors that have a parameter `binary_data_size`, in the order of the request.
 *
 * @throws BallastError `TENSOR_DATA`
 */
export function binaryData(inputs: readonly RequestTensor[], binary: Buffer): RawData {
  const starts: number[] = [];
  let end = 0;
  for (const { name, parameters } of inputs) {
    starts.push(end);
    const size = parameters?.binary_data_size;
    if (size === undefined) continue;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw invalid('its binary_data_size is no number of bytes', `input ${name}`);
    }
    end += size;
  }
  if (end !== binary.byteLength) {
    throw invalid(`the tensors have ${end} bytes, and ${binary.byteLength} follow the JSON`, 'body');
  }
  return ({ name, shape, parameters, data }, index, type) => {
    const size = parameters?.binary_data_size;
    if (typeof size !== 'number') return undefined;
    if (data !== undefined) throw invalid('it has data both in JSON and in binary', `input ${name}`);
    return decodeBytes(name, type, shape, binary.subarray(starts[index], (starts[index] ?? 0) + size));
  };
}

/** @throws BallastError `TENSOR_DATA` */
export function decodeBytes(name: string, type: DataType, shape: readonly number[], bytes: Buffer): Tensor {
  const size = sizeOf(shape);
  if (type === 'string') return { type, shape, data: decodeTexts(name, size, bytes) };
  const array = ARRAY_OF[type];
  if (bytes.byteLength !== size * array.BYTES_PER_ELEMENT) {
    const message = `${size} elements are ${size * array.BYTES_PER_ELEMENT} bytes, not ${bytes.byteLength}`;
    throw invalid(message, `input ${name}`);
  }
  // A copy: aligned, and not holding on to the whole request.
  const own = new Uint8Array(bytes);
  if (type === 'bool' && own.some((value) => value > 1)) {
    throw invalid('a BOOL is 0 or 1', `input ${name}`);
  }
  return { type, shape, data: new array(own.buffer, 0, size) };
}

function decodeTexts(name: string, count: number, bytes: Buffer): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const texts: string[] = [];
  let at = 0;
  while (at < bytes.byteLength) {
    const end = at + 4 <= bytes.byteLength ? at + 4 + bytes.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.byteLength) throw invalid('a text is longer than the bytes that there are', `input ${name}`);
    try {
      texts.push(decoder.decode(bytes.subarray(at + 4, end)));
    } catch {
      throw invalid(`element ${texts.length} is no UTF-8 text`, `input ${name}`);
    }
    at = end;
  }
  if (texts.length !== count) throw invalid(`it has ${texts.length} texts, not ${count}`, `input ${name}`);
  return texts;
}

/** The bytes of an output. */
export function encodeBytes({ type, data }: Tensor): Buffer {
  if (type !== 'string') {
    const array = data as NumericArray;
    return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  }
  return Buffer.concat(
    (data as readonly string[]).flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.byteLength);
      return [length, bytes];
    }),
  );
}

function invalid(message: string, place: string): BallastError {
  return new BallastError(message, { code: 'TENSOR_DATA', place });
}

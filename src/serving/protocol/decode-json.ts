import { MISSING_INTEGER } from '../../data/preprocess/feature-block.js';
import { BallastError } from '../../errors.js';
import {
  ARRAY_OF,
  type DataType,
  type NumericArray,
  sizeOf,
  type Tensor,
  type TensorData,
} from '../../graph/tensor.js';

/** Ranges of the whole numbers that JSON's numbers can be. */
export const RANGE: Partial<Record<DataType, readonly [number, number]>> = {
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, Number.MAX_SAFE_INTEGER],
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/**
 * The tensor of a JSON array, flat or nested as the shape says. `null` is a missing value: NaN, an empty text, and what Ballast's
 * models take for a missing int64.
 *
 * @throws BallastError `INPUT_TYPE`, `INPUT_SHAPE`, `TENSOR_DATA`
 */
export function decodeJson(name: string, type: DataType, shape: readonly number[], values: readonly unknown[]): Tensor {
  const size = sizeOf(shape);
  const flat = Array.isArray(values[0]) ? flatten(name, shape, values) : values;
  if (flat.length !== size) {
    throw invalid(name, 'INPUT_SHAPE', `a tensor of shape [${shape}] holds ${size} elements, not ${flat.length}`);
  }
  return { type, shape, data: dataOf(name, type, flat) };
}

function flatten(name: string, shape: readonly number[], values: readonly unknown[]): unknown[] {
  let level: readonly unknown[] = [values];
  for (const [axis, extent] of shape.entries()) {
    const next: unknown[] = [];
    for (const part of level) {
      if (!Array.isArray(part) || part.length !== extent) {
        throw invalid(name, 'INPUT_SHAPE', `the data is not nested as its shape [${shape}] says, on axis ${axis}`);
      }
      for (const value of part) next.push(value);
    }
    level = next;
  }
  return [...level];
}

function dataOf(name: string, type: DataType, values: readonly unknown[]): TensorData {
  if (type === 'string') return values.map((value, i) => textOf(name, value, i));
  if (type === 'float16' || type === 'bfloat16') {
    throw invalid(name, 'INPUT_TYPE', 'JSON has no 16-bit floating point data', 'Send it by the binary extension.');
  }
  if (type === 'int64' || type === 'uint64') {
    const data = type === 'int64' ? new BigInt64Array(values.length) : new BigUint64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      data[i] = value === null && type === 'int64' ? MISSING_INTEGER : BigInt(wholeNumber(name, type, value, i));
    }
    return data;
  }
  const data: NumericArray = new ARRAY_OF[type](values.length);
  if (type === 'float32' || type === 'float64') {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value === 'number') data[i] = value;
      else if (value === null) data[i] = Number.NaN;
      else throw odd(name, type, value, i);
    }
    return data;
  }
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (type !== 'bool') data[i] = wholeNumber(name, type, value, i);
    else if (typeof value === 'boolean' || value === 0 || value === 1) data[i] = Number(value);
    else throw odd(name, type, value, i);
  }
  return data;
}

function textOf(name: string, value: unknown, at: number): string {
  if (value === null) return '';
  if (typeof value !== 'string') throw odd(name, 'string', value, at);
  return value;
}

function wholeNumber(name: string, type: DataType, value: unknown, at: number): number {
  const [least, most] = RANGE[type] ?? [0, 0];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw odd(name, type, value, at);
}

function odd(name: string, type: DataType, value: unknown, at: number): BallastError {
  return new BallastError(`element ${at} is no ${type}`, { code: 'TENSOR_DATA', place: `input ${name}`, value });
}

function invalid(name: string, code: string, message: string, remedy?: string): BallastError {
  return new BallastError(message, {
    code,
    place: `input ${name}`,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

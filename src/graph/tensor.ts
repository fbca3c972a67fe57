import { BallastError } from '../errors.js';

/** ONNX element types that Ballast names. float16 and bfloat16 are held as their 16-bit patterns. */
export type DataType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool'
  | 'string';

export type NumericArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

export type TensorData = NumericArray | readonly string[];

/** A dense, row-major tensor. The data is not copied: treat it as immutable once shared. */
export interface Tensor<D extends TensorData = TensorData> {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: D;
}

interface NumericArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): NumericArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray;
}

/** Array class that holds each element type (strings have none). */
export const ARRAY_OF: Readonly<Record<Exclude<DataType, 'string'>, NumericArrayConstructor>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** TensorProto.DataType numbers (onnx.proto). */
export const ONNX_TYPE_NUMBER: Readonly<Record<DataType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

const TYPE_OF_NUMBER = new Map(Object.entries(ONNX_TYPE_NUMBER).map(([type, number]) => [number, type as DataType]));

/** The name of a TensorProto.DataType number, or undefined where Ballast has no such type (int4, float8, ...). */
export function typeOfNumber(number: number): DataType | undefined {
  return TYPE_OF_NUMBER.get(number);
}

/** Number of elements of a static shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Wraps data as a tensor, checking that its length is that of the shape. */
export function tensor<D extends TensorData>(type: DataType, shape: readonly number[], data: D): Tensor<D> {
  if (data.length !== sizeOf(shape)) {
    throw new BallastError(`a ${type} tensor of shape [${shape}] holds ${sizeOf(shape)} elements, not ${data.length}`, {
      code: 'TENSOR_SIZE',
    });
  }
  return { type, shape, data };
}

/** A tensor of zeros. */
export function zeros(type: Exclude<DataType, 'string'>, shape: readonly number[]): Tensor<NumericArray> {
  return { type, shape, data: new ARRAY_OF[type](sizeOf(shape)) };
}

export const float32 = (shape: readonly number[], data: ArrayLike<number>): Tensor<Float32Array> =>
  tensor('float32', shape, data instanceof Float32Array ? data : Float32Array.from(data));

export const float64 = (shape: readonly number[], data: ArrayLike<number>): Tensor<Float64Array> =>
  tensor('float64', shape, data instanceof Float64Array ? data : Float64Array.from(data));

export const int64 = (shape: readonly number[], data: ArrayLike<number | bigint>): Tensor<BigInt64Array> =>
  tensor('int64', shape, data instanceof BigInt64Array ? data : BigInt64Array.from(Array.from(data, BigInt)));

import { BallastError } from '../../errors.js';
import {
  ARRAY_OF,
  type DataType,
  type NumericArray,
  sizeOf,
  type Tensor,
  type TensorData,
} from '../../graph/tensor.js';
import { RANGE } from './decode-json.js';

/**
 * A tensor's data as gRPC carries it where it is not bytes: in the one list that is of its type (Open Inference Protocol v2,
 * InferTensorContents), flat and row-major.
 */
export interface TypedContents {
  readonly boolContents: readonly boolean[];
  /** INT8, INT16, INT32. */
  readonly intContents: readonly number[];
  readonly int64Contents: readonly bigint[];
  /** UINT8, UINT16, UINT32. */
  readonly uintContents: readonly number[];
  readonly uint64Contents: readonly bigint[];
  readonly fp32Contents: readonly number[];
  readonly fp64Contents: readonly number[];
  /** UTF-8. */
  readonly bytesContents: readonly Uint8Array[];
}

const LIST_OF: Readonly<Record<DataType, keyof TypedContents | undefined>> = {
  bool: 'boolContents',
  int8: 'intContents',
  int16: 'intContents',
  int32: 'intContents',
  int64: 'int64Contents',
  uint8: 'uintContents',
  uint16: 'uintContents',
  uint32: 'uintContents',
  uint64: 'uint64Contents',
  float32: 'fp32Contents',
  float64: 'fp64Contents',
  string: 'bytesContents',
  // Only as bytes.
  float16: undefined,
  bfloat16: undefined,
};

const NAMES = [...new Set(Object.values(LIST_OF))].filter((name) => name !== undefined);

/** Whether the data of a type can be told by values, and not only by bytes. */
export function hasTypedContents(type: DataType): boolean {
  return LIST_OF[type] !== undefined;
}

/** @throws BallastError `INPUT_TYPE`, `INPUT_SHAPE`, `TENSOR_DATA` */
export function decodeContents(name: string, type: DataType, shape: readonly number[], all: TypedContents): Tensor {
  const list = LIST_OF[type];
  if (list === undefined) throw invalid(name, 'INPUT_TYPE', `${type} is told by bytes only, in raw_input_contents`);
  const other = NAMES.find((each) => each !== list && all[each].length > 0);
  if (other !== undefined) {
    throw invalid(name, 'TENSOR_DATA', `${type} is told in ${asInProto(list)}, not in ${asInProto(other)}`);
  }
  const values = all[list];
  const size = sizeOf(shape);
  if (values.length !== size) {
    throw invalid(name, 'INPUT_SHAPE', `a tensor of shape [${shape}] holds ${size} elements, not ${values.length}`);
  }
  return { type, shape, data: dataOf(name, type, values) };
}

/** What {@link decodeContents} reads. A type without a list of its own is an error of the caller. */
export function encodeContents({ type, data }: Tensor): Partial<TypedContents> {
  const list = LIST_OF[type];
  if (list === undefined) throw new Error(`${type} is told by bytes only`);
  if (type === 'string') return { bytesContents: (data as readonly string[]).map((text) => Buffer.from(text)) };
  if (type === 'bool') return { boolContents: Array.from(data as Uint8Array, (value) => value !== 0) };
  return { [list]: Array.from<number | bigint>(data as Iterable<number | bigint>) };
}

function dataOf(name: string, type: DataType, values: TypedContents[keyof TypedContents]): TensorData {
  if (type === 'string') return (values as readonly Uint8Array[]).map((bytes, i) => textOf(name, bytes, i));
  if (type === 'bool') return Uint8Array.from(values as readonly boolean[], Number);
  if (type === 'int64') return BigInt64Array.from(values as readonly bigint[]);
  if (type === 'uint64') return BigUint64Array.from(values as readonly bigint[]);
  const numbers = values as readonly number[];
  const isFloat = type === 'float32' || type === 'float64';
  const [least, most] = RANGE[type] ?? [0, 0];
  const data: NumericArray = new ARRAY_OF[type](numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i];
    if (!isFloat && (value < least || value > most)) {
      throw invalid(name, 'TENSOR_DATA', `element ${i} is no ${type}: ${value}`);
    }
    data[i] = value;
  }
  return data;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(name: string, bytes: Uint8Array, at: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw invalid(name, 'TENSOR_DATA', `element ${at} is no UTF-8 text`);
  }
}

const asInProto = (name: keyof TypedContents): string => name.replace('Contents', '_contents');

function invalid(name: string, code: string, message: string): BallastError {
  return new BallastError(message, { code, place: `input ${name}` });
}

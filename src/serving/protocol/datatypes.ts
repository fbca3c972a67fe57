import type { DataType } from '../../graph/index.js';

/** The protocol's name of each type (Open Inference Protocol v2, "Tensor Data Types"). */
export const DATATYPE_OF: Readonly<Record<DataType, string>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  bfloat16: 'BF16',
  string: 'BYTES',
};

const TYPE_OF: ReadonlyMap<string, DataType> = new Map(
  Object.entries(DATATYPE_OF).map(([type, name]) => [name, type as DataType]),
);

/** The type that the protocol calls so. */
export function typeOfDatatype(name: string): DataType | undefined {
  return TYPE_OF.get(name);
}

import type { TensorProto } from 'onnx-buf';
import { ARRAY_OF, type DataType, type Tensor } from '../tensor.js';
import { modelFault, type Place } from './fault.js';
import { decodeText } from './text.js';

/** One of TensorProto's typed fields, as the home of an element type. */
interface TypedField {
  readonly name: string;
  count(proto: TensorProto): number;
  read(proto: TensorProto, place: Place): Tensor['data'];
}

const COUNTS: Readonly<Record<string, (proto: TensorProto) => number>> = {
  float_data: (proto) => proto.floatData.length,
  double_data: (proto) => proto.doubleData.length,
  int32_data: (proto) => proto.int32Data.length,
  int64_data: (proto) => proto.int64Data.length,
  uint64_data: (proto) => proto.uint64Data.length,
  string_data: (proto) => proto.stringData.length,
};

/** Names of the typed fields that hold something. */
export function typedFieldsInUse(proto: TensorProto): string[] {
  return Object.keys(COUNTS).filter((name) => COUNTS[name](proto) > 0);
}

/** The field in which onnx.proto stores each element type, and how it is read from there. */
export function typedFieldOf(type: DataType): TypedField {
  switch (type) {
    case 'float32':
      return field('float_data', (proto) => Float32Array.from(proto.floatData));
    case 'float64':
      return field('double_data', (proto) => Float64Array.from(proto.doubleData));
    case 'int64':
      return field('int64_data', (proto) => BigInt64Array.from(proto.int64Data));
    case 'uint64':
      return field('uint64_data', (proto) => BigUint64Array.from(proto.uint64Data));
    case 'uint32':
      return field('uint64_data', (proto, place) => narrow(type, proto.uint64Data.map(Number), place));
    case 'string':
      return field('string_data', (proto, place) => proto.stringData.map((bytes) => decodeText(bytes, place)));
    case 'bool':
      return field('int32_data', (proto) => Uint8Array.from(proto.int32Data, (value) => (value === 0 ? 0 : 1)));
    // The 16-bit floats are there as their bit patterns.
    default:
      return field('int32_data', (proto, place) => narrow(type, proto.int32Data, place));
  }
}

function field(name: string, read: TypedField['read']): TypedField {
  return { name, count: COUNTS[name], read };
}

function narrow(
  type: Exclude<DataType, 'string' | 'int64' | 'uint64'>,
  values: readonly number[],
  place: Place,
): Tensor['data'] {
  const data = new ARRAY_OF[type](values.length);
  for (let index = 0; index < values.length; index++) {
    data[index] = values[index];
    if (data[index] !== values[index]) {
      throw modelFault('MODEL_TENSOR', place, `element ${index} does not fit ${type}`, { value: values[index] });
    }
  }
  return data;
}

import { create } from '@bufbuild/protobuf';
import {
  type SparseTensorProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from 'onnx-buf';
import { ARRAY_OF, type DataType, ONNX_TYPE_NUMBER, sizeOf, type Tensor, typeOfNumber } from '../tensor.js';
import type { ExternalReader } from './external-reader.js';
import { modelFault, type Place, placeText } from './fault.js';
import { encodeText } from './text.js';
import { typedFieldOf, typedFieldsInUse } from './typed-fields.js';

/** What decoding tensors needs to know of the model around them. */
export interface TensorSource {
  readonly external: ExternalReader;
  /** Bytes that sparse tensors may still take; counted down. */
  denseBytes: number;
  /** Tensors already decoded: a function's constants are shared by all its calls. */
  readonly decoded: Map<TensorProto | SparseTensorProto, Tensor>;
}

/**
 * TensorProto -> Tensor, from whichever encoding it uses: raw_data, the typed field of its element type, or external
 * data. The data is copied (raw_data aliases the file's bytes at any alignment), and nothing is allocated before the
 * declared size is known to be there.
 *
 * @param place names the tensor in errors
 * @throws BallastError MODEL_UNSUPPORTED, MODEL_TENSOR, MODEL_EXTERNAL_DATA
 */
export function decodeTensor(proto: TensorProto, place: Place, source: TensorSource): Tensor {
  const known = source.decoded.get(proto);
  if (known !== undefined) return known;
  const type = elementType(proto.dataType, place);
  const shape = decodeDims(proto.dims, place);
  if (proto.segment !== undefined) {
    throw modelFault('MODEL_UNSUPPORTED', place, 'tensors stored in segments are not supported');
  }
  const tensor = { type, shape, data: decodeData(proto, type, sizeOf(shape), place, source) };
  source.decoded.set(proto, tensor);
  return tensor;
}

function decodeData(
  proto: TensorProto,
  type: DataType,
  size: number,
  place: Place,
  source: TensorSource,
): Tensor['data'] {
  const fields = typedFieldsInUse(proto);
  const external = proto.dataLocation === TensorProto_DataLocation.EXTERNAL;
  const uses = [...fields, ...(proto.rawData.length > 0 ? ['raw_data'] : []), ...(external ? ['external data'] : [])];
  if (uses.length > 1) throw modelFault('MODEL_TENSOR', place, `data is given twice: ${uses.join(' and ')}`);
  if (type === 'string') {
    if (external || proto.rawData.length > 0) {
      throw modelFault('MODEL_TENSOR', place, 'strings are stored as raw or external data');
    }
  } else if (external) {
    const bytes = readExternal(proto, size * ARRAY_OF[type].BYTES_PER_ELEMENT, place, source.external);
    return viewAs(type, bytes, size);
  } else if (proto.rawData.length > 0) {
    const expected = size * ARRAY_OF[type].BYTES_PER_ELEMENT;
    if (proto.rawData.length !== expected) throw wrongSize(type, proto.dims, expected, proto.rawData.length, place);
    return viewAs(type, new Uint8Array(proto.rawData), size);
  }
  const field = typedFieldOf(type);
  if (fields.length > 0 && fields[0] !== field.name) {
    throw modelFault('MODEL_TENSOR', place, `${type} data is stored in ${fields[0]}, not in ${field.name}`);
  }
  const count = field.count(proto);
  if (count !== size) {
    throw modelFault(
      'MODEL_TENSOR',
      place,
      `${describe(type, proto.dims)} needs ${size} elements, and ${count} are there`,
      {
        remedy: 'The file is damaged or was not written completely: get it again.',
      },
    );
  }
  return field.read(proto, place);
}

/** A typed view of a buffer that starts at the beginning of the buffer. */
function viewAs(type: Exclude<DataType, 'string'>, bytes: Uint8Array<ArrayBuffer>, size: number): Tensor['data'] {
  if (type !== 'bool') return new ARRAY_OF[type](bytes.buffer, bytes.byteOffset, size);
  // Any byte but 0 is true; kernels count on 1.
  return bytes.some((byte) => byte > 1) ? bytes.map((byte) => (byte === 0 ? 0 : 1)) : bytes;
}

function readExternal(
  proto: TensorProto,
  length: number,
  place: Place,
  reader: ExternalReader,
): Uint8Array<ArrayBuffer> {
  const entries = new Map(proto.externalData.map((entry) => [entry.key, entry.value]));
  const location = entries.get('location');
  if (location === undefined) throw modelFault('MODEL_EXTERNAL_DATA', place, 'external data without a location');
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) {
      throw modelFault('MODEL_EXTERNAL_DATA', place, `the ${key} of external data is no whole number`, { value: text });
    }
    return value;
  };
  const declared = number('length') ?? length;
  if (declared !== length) {
    throw modelFault(
      'MODEL_EXTERNAL_DATA',
      place,
      `external data declares ${declared} bytes where ${length} are needed`,
    );
  }
  return reader.read(location, number('offset') ?? 0, length, place);
}

/**
 * SparseTensorProto -> dense Tensor, zeros elsewhere. Indices are positions in the dense tensor, [NNZ], or coordinates,
 * [NNZ, rank].
 *
 * @throws BallastError as {@link decodeTensor}, and MODEL_TOO_LARGE where the dense tensor is beyond the limit
 */
export function decodeSparseTensor(proto: SparseTensorProto, place: Place, source: TensorSource): Tensor {
  const known = source.decoded.get(proto);
  if (known !== undefined) return known;
  if (proto.values === undefined || proto.indices === undefined) {
    throw modelFault('MODEL_TENSOR', place, 'a sparse tensor without values or indices');
  }
  const shape = decodeDims(proto.dims, place);
  const size = sizeOf(shape);
  const values = decodeTensor(proto.values, () => `values of ${placeText(place)}`, source);
  const indices = decodeTensor(proto.indices, () => `indices of ${placeText(place)}`, source);
  if (values.type === 'string' || !ArrayBuffer.isView(values.data) || !(indices.data instanceof BigInt64Array)) {
    throw modelFault('MODEL_UNSUPPORTED', place, 'a sparse tensor of strings, or whose indices are not int64');
  }
  const count = values.data.length;
  const byCoordinates = indices.shape.length === 2 && indices.shape[1] === shape.length;
  if (values.shape.length !== 1 || indices.shape[0] !== count || !(indices.shape.length === 1 || byCoordinates)) {
    throw modelFault(
      'MODEL_TENSOR',
      place,
      `${count} sparse values do not go with indices of shape [${indices.shape}]`,
    );
  }
  const Data = ARRAY_OF[values.type];
  source.denseBytes -= size * Data.BYTES_PER_ELEMENT;
  if (source.denseBytes < 0) {
    throw modelFault('MODEL_TOO_LARGE', place, `a sparse tensor of shape [${shape}] is too large to hold densely`);
  }
  const data = new Data(size);
  for (let entry = 0; entry < count; entry++) {
    const position = byCoordinates ? flatten(indices.data, entry, shape) : Number(indices.data[entry]);
    if (!(position >= 0 && position < size)) {
      throw modelFault('MODEL_TENSOR', place, `sparse entry ${entry} is outside the shape [${shape}]`);
    }
    data[position] = values.data[entry];
  }
  const tensor = { type: values.type, shape, data };
  source.decoded.set(proto, tensor);
  return tensor;
}

/** Row-major position of the coordinates of one sparse entry; -1 where one is out of range. */
function flatten(indices: BigInt64Array, entry: number, shape: readonly number[]): number {
  let position = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    const index = Number(indices[entry * shape.length + axis]);
    if (!(index >= 0 && index < shape[axis])) return -1;
    position = position * shape[axis] + index;
  }
  return position;
}

/** Shape of a tensor; extents are whole and their product is exact. */
function decodeDims(dims: readonly bigint[], place: Place): number[] {
  const shape = dims.map(Number);
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) || !Number.isSafeInteger(sizeOf(shape))) {
    throw modelFault('MODEL_TENSOR', place, `[${dims.join(', ')}] is no shape of a tensor`);
  }
  return shape;
}

/** Element type of a TensorProto.DataType number. */
export function elementType(number: number, place: Place): DataType {
  const type = typeOfNumber(number);
  if (type === undefined) {
    const name = (TensorProto_DataType[number] ?? `number ${number}`).toLowerCase();
    throw modelFault('MODEL_UNSUPPORTED', place, `element type ${name} is not supported`, {
      remedy: `Supported are ${Object.keys(ONNX_TYPE_NUMBER).join(', ')}.`,
    });
  }
  return type;
}

function wrongSize(type: DataType, dims: readonly bigint[], expected: number, actual: number, place: Place): Error {
  return modelFault('MODEL_TENSOR', place, `${describe(type, dims)} takes ${expected} bytes, and ${actual} are there`, {
    remedy: 'The file is damaged or was not written completely: get it again.',
  });
}

function describe(type: DataType, dims: readonly bigint[]): string {
  return `a ${type} tensor of shape [${dims.join(', ')}]`;
}

/** Where a tensor's bytes are when they are not in the model file. */
export interface ExternalRegion {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** Tensor -> TensorProto, as raw_data (strings: string_data), or as a reference to external data. */
export function encodeTensor(name: string, tensor: Tensor, external?: ExternalRegion): TensorProto {
  const proto = create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: ONNX_TYPE_NUMBER[tensor.type],
  });
  if (external !== undefined) {
    proto.dataLocation = TensorProto_DataLocation.EXTERNAL;
    proto.externalData = Object.entries(external).map(([key, value]) => ({
      $typeName: 'onnx.StringStringEntryProto' as const,
      key,
      value: String(value),
    }));
  } else if (tensor.type === 'string') {
    proto.stringData = (tensor.data as readonly string[]).map(encodeText);
  } else {
    proto.rawData = bytesOf(tensor);
  }
  return proto;
}

/** The bytes of a numeric tensor, little-endian as every platform of the runtime is; not copied. */
export function bytesOf(tensor: Tensor): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = tensor.data as Uint8Array<ArrayBuffer>;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

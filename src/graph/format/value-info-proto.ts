import { create } from '@bufbuild/protobuf';
import {
  type TensorShapeProto,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  type TypeProto,
  TypeProto_MapSchema,
  TypeProto_OptionalSchema,
  TypeProto_SequenceSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import type { ContainerType, Dimension, ElementType, Shape, ValueInfo } from '../model.js';
import { type DataType, ONNX_TYPE_NUMBER } from '../tensor.js';
import { modelFault, type Place } from './fault.js';
import { elementType } from './tensor-proto.js';

/**
 * ValueInfoProto -> ValueInfo, under the name that the caller gives.
 *
 * @throws BallastError MODEL_UNSUPPORTED for an element type that Ballast has not, or a sparse tensor
 */
export function decodeValueInfo(proto: ValueInfoProto, name: string, place: Place): ValueInfo {
  const type = decodeType(proto.type, place);
  if (type.kind === 'tensor') return { name, type: type.type, shape: type.shape };
  return { name, type: innermost(type), shape: undefined, container: type };
}

function decodeType(proto: TypeProto | undefined, place: Place): ElementType {
  switch (proto?.value.case) {
    case 'tensorType': {
      const { elemType, shape } = proto.value.value;
      if (elemType === 0) return { kind: 'unknown' };
      return { kind: 'tensor', type: elementType(elemType, place), shape: decodeShape(shape, place) };
    }
    case 'sequenceType':
      return { kind: 'sequence', element: decodeType(proto.value.value.elemType, place) };
    case 'optionalType':
      return { kind: 'optional', element: decodeType(proto.value.value.elemType, place) };
    case 'mapType': {
      const { keyType, valueType } = proto.value.value;
      return { kind: 'map', key: elementType(keyType, place), value: decodeType(valueType, place) };
    }
    case 'sparseTensorType':
      throw modelFault('MODEL_UNSUPPORTED', place, 'sparse tensors as values are not supported');
    case undefined:
      return { kind: 'unknown' };
  }
}

function decodeShape(proto: TensorShapeProto | undefined, place: Place): Shape | undefined {
  return proto?.dim.map(({ value }): Dimension => {
    if (value.case === 'dimParam') return value.value === '' ? null : value.value;
    // Exporters write -1 where they do not know.
    if (value.case === undefined || value.value < 0n) return null;
    const extent = Number(value.value);
    if (!Number.isSafeInteger(extent))
      throw modelFault('MODEL_TENSOR', place, `${value.value} is no extent of a shape`);
    return extent;
  });
}

function innermost(type: ElementType): DataType {
  switch (type.kind) {
    case 'tensor':
      return type.type;
    case 'map':
      return innermost(type.value);
    case 'unknown':
      return 'float32';
    default:
      return innermost(type.element);
  }
}

/** ValueInfo -> ValueInfoProto; of an unknown type only the name is written. */
export function encodeValueInfo(info: ValueInfo): ValueInfoProto {
  const type: ElementType = info.container ?? { kind: 'tensor', type: info.type, shape: info.shape };
  const proto = create(ValueInfoProtoSchema, { name: info.name });
  const encoded = encodeType(type);
  if (encoded !== undefined) proto.type = encoded;
  return proto;
}

function encodeType(type: ElementType): TypeProto | undefined {
  const proto = create(TypeProtoSchema);
  switch (type.kind) {
    case 'unknown':
      return undefined;
    case 'tensor': {
      const value = create(TypeProto_TensorSchema, { elemType: ONNX_TYPE_NUMBER[type.type] });
      if (type.shape !== undefined) value.shape = encodeShape(type.shape);
      proto.value = { case: 'tensorType', value };
      break;
    }
    case 'map': {
      const value = create(TypeProto_MapSchema, { keyType: ONNX_TYPE_NUMBER[type.key] });
      const valueType = encodeType(type.value);
      if (valueType !== undefined) value.valueType = valueType;
      proto.value = { case: 'mapType', value };
      break;
    }
    default:
      proto.value = encodeElements(type);
  }
  return proto;
}

function encodeElements(type: Extract<ContainerType, { element: ElementType }>): TypeProto['value'] {
  const elemType = encodeType(type.element);
  const init = elemType === undefined ? {} : { elemType };
  return type.kind === 'sequence'
    ? { case: 'sequenceType', value: create(TypeProto_SequenceSchema, init) }
    : { case: 'optionalType', value: create(TypeProto_OptionalSchema, init) };
}

function encodeShape(shape: Shape): TensorShapeProto {
  return create(TensorShapeProtoSchema, {
    dim: shape.map((extent) => {
      const dimension = create(TensorShapeProto_DimensionSchema);
      if (typeof extent === 'number') dimension.value = { case: 'dimValue', value: BigInt(extent) };
      else if (extent !== null) dimension.value = { case: 'dimParam', value: extent };
      return dimension;
    }),
  });
}

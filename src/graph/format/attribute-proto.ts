import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
} from 'onnx-buf';
import type { Attribute, Graph } from '../model.js';
import { modelFault, type Place } from './fault.js';
import { decodeSparseTensor, decodeTensor, encodeTensor, type TensorSource } from './tensor-proto.js';
import { decodeText, encodeText } from './text.js';

/**
 * AttributeProto -> Attribute. A sparse tensor becomes a dense one.
 *
 * @throws BallastError MODEL_UNSUPPORTED for the attribute types that {@link Attribute} has not, MODEL_ATTRIBUTE
 */
export function decodeAttribute(
  proto: AttributeProto,
  place: Place,
  source: TensorSource,
  decodeGraph: (proto: GraphProto) => Graph,
): Attribute {
  const type = proto.type === AttributeType.UNDEFINED ? typeInUse(proto) : proto.type;
  switch (type) {
    case AttributeType.FLOAT:
      return { kind: 'float', value: proto.f };
    case AttributeType.INT:
      return { kind: 'int', value: decodeInteger(proto.i, place) };
    case AttributeType.STRING:
      return { kind: 'string', value: decodeText(proto.s, place) };
    case AttributeType.TENSOR:
      return { kind: 'tensor', value: decodeTensor(present(proto.t, place), place, source) };
    case AttributeType.SPARSE_TENSOR:
      return { kind: 'tensor', value: decodeSparseTensor(present(proto.sparseTensor, place), place, source) };
    case AttributeType.GRAPH:
      return { kind: 'graph', value: decodeGraph(present(proto.g, place)) };
    case AttributeType.FLOATS:
      return { kind: 'floats', value: proto.floats };
    case AttributeType.INTS:
      return { kind: 'ints', value: proto.ints.map((value) => decodeInteger(value, place)) };
    case AttributeType.STRINGS:
      return { kind: 'strings', value: proto.strings.map((bytes) => decodeText(bytes, place)) };
    default:
      throw modelFault(
        'MODEL_UNSUPPORTED',
        place,
        `attributes of type ${AttributeType[type].toLowerCase()} are not supported`,
      );
  }
}

/** The type of an attribute that does not say it, as files before IR 2 do: that of the field in use. */
function typeInUse(proto: AttributeProto): AttributeType {
  if (proto.t !== undefined) return AttributeType.TENSOR;
  if (proto.g !== undefined) return AttributeType.GRAPH;
  if (proto.floats.length > 0) return AttributeType.FLOATS;
  if (proto.ints.length > 0) return AttributeType.INTS;
  if (proto.strings.length > 0) return AttributeType.STRINGS;
  // Singular fields with a default are own properties only where the file has them.
  if (Object.hasOwn(proto, 'f')) return AttributeType.FLOAT;
  if (Object.hasOwn(proto, 's')) return AttributeType.STRING;
  return Object.hasOwn(proto, 'i') ? AttributeType.INT : AttributeType.UNDEFINED;
}

function present<T>(value: T | undefined, place: Place): T {
  if (value === undefined) throw modelFault('MODEL_ATTRIBUTE', place, 'the attribute has a type and no value');
  return value;
}

const INT64_MAX = 2n ** 63n - 1n;

/** int64 -> number. The largest int64 ("to the end") becomes 2^63, which is written back as it was. */
function decodeInteger(value: bigint, place: Place): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) && BigInt(number) !== value && value !== INT64_MAX) {
    throw modelFault('MODEL_ATTRIBUTE', place, `the integer ${value} cannot be held exactly`);
  }
  return number;
}

function encodeInteger(value: number): bigint {
  const integer = BigInt(value);
  return integer > INT64_MAX ? INT64_MAX : integer;
}

/** Attribute -> AttributeProto. Floats are rounded to float32, in which ONNX stores them. */
export function encodeAttribute(
  name: string,
  attribute: Attribute,
  encodeGraph: (graph: Graph) => GraphProto,
): AttributeProto {
  switch (attribute.kind) {
    case 'float':
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: attribute.value });
    case 'int':
      return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: encodeInteger(attribute.value) });
    case 'string':
      return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: encodeText(attribute.value) });
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: encodeTensor('', attribute.value) });
    case 'graph':
      return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: encodeGraph(attribute.value) });
    case 'floats':
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...attribute.value] });
    case 'ints':
      return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: attribute.value.map(encodeInteger) });
    case 'strings':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.STRINGS,
        strings: attribute.value.map(encodeText),
      });
  }
}

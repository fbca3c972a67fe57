import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  ModelProtoSchema,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';
import { type DataType, ONNX_TYPE_NUMBER } from '../tensor.js';

/** Just enough of an ONNX encoder to probe and test a runtime without the rooms that stand on it. */

/** `[name, type, shape]`; a string in the shape is a symbolic dimension. */
export type MinimalPort = readonly [name: string, type: DataType, shape: readonly (number | string)[]];

export interface MinimalNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: string;
  /** A number is an INT, a string a STRING, a list of numbers INTS, of strings STRINGS. */
  readonly attributes?: Readonly<Record<string, number | string | readonly number[] | readonly string[]>>;
}

export interface MinimalModel {
  readonly nodes: readonly MinimalNode[];
  readonly inputs: readonly MinimalPort[];
  /** A bare name is an output whose type the runtime infers. */
  readonly outputs: readonly (MinimalPort | string)[];
  readonly initializers?: readonly MessageInitShape<typeof TensorProtoSchema>[];
}

/** A serialized ModelProto: IR version 10, opset 21, ai.onnx.ml 3. */
export function encodeModel({ nodes, inputs, outputs, initializers = [] }: MinimalModel): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: '', version: 21n },
      { domain: 'ai.onnx.ml', version: 3n },
    ],
    graph: {
      name: 'minimal',
      node: nodes.map(({ op, inputs: input, outputs: output, domain = '', attributes = {} }, i) => ({
        name: `${op}_${i}`,
        opType: op,
        domain,
        input: [...input],
        output: [...output],
        attribute: Object.entries(attributes).map(([name, value]) => encodeAttribute(name, value)),
      })),
      input: inputs.map(encodePort),
      output: outputs.map((port) => (typeof port === 'string' ? { name: port } : encodePort(port))),
      initializer: [...initializers],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

function encodePort([name, type, shape]: MinimalPort): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((extent) => ({
    value:
      typeof extent === 'string'
        ? { case: 'dimParam' as const, value: extent }
        : { case: 'dimValue' as const, value: BigInt(extent) },
  }));
  const tensorType = { elemType: ONNX_TYPE_NUMBER[type], shape: { dim } };
  return { name, type: { value: { case: 'tensorType', value: tensorType } } };
}

const utf8 = new TextEncoder();

function encodeAttribute(
  name: string,
  value: number | string | readonly number[] | readonly string[],
): MessageInitShape<typeof AttributeProtoSchema> {
  const Type = AttributeProto_AttributeType;
  if (typeof value === 'number') return { name, type: Type.INT, i: BigInt(value) };
  if (typeof value === 'string') return { name, type: Type.STRING, s: utf8.encode(value) };
  return typeof value[0] === 'string'
    ? { name, type: Type.STRINGS, strings: value.map((text) => utf8.encode(String(text))) }
    : { name, type: Type.INTS, ints: value.map(BigInt) };
}

import type { AttributeProto, GraphProto, NodeProto, ValueInfoProto } from 'onnx-buf';
import type { Attribute, Graph, Node, ValueInfo } from '../model.js';
import { type Tensor, typeOfNumber } from '../tensor.js';
import { decodeAttribute } from './attribute-proto.js';
import { modelFault, nodePlace, type Place, placeText, quote } from './fault.js';
import type { FunctionInliner } from './functions.js';
import { plainDomain } from './opset-import.js';
import { decodeSparseTensor, decodeTensor, type TensorSource } from './tensor-proto.js';
import { decodeValueInfo } from './value-info-proto.js';

/** Where decoding stands: in the model's graph, or in the body of a function that is being inlined. */
export interface DecodeContext {
  readonly tensors: TensorSource;
  readonly functions: FunctionInliner;
  /** Attributes of the call, in the body of a function; undefined outside of one. */
  readonly bindings: Readonly<Record<string, Attribute>> | undefined;
  /** Name of a value in the file -> its name in the model (they differ in the body of a function). */
  readonly rename: (name: string) => string;
  /** Prefix of node names. */
  readonly prefix: string;
}

/** GraphProto -> Graph, nodes in the file's order, calls of model-local functions inlined. */
export function decodeGraph(proto: GraphProto, context: DecodeContext): Graph {
  const place = `graph ${quote(proto.name)}`;
  const { rename } = context;
  const value = (entry: ValueInfoProto): ValueInfo =>
    decodeValueInfo(entry, rename(entry.name), () => `${place}, value ${quote(entry.name)}`);
  const hints = proto.valueInfo.filter(isSayable);
  if (context.bindings !== undefined) {
    context.functions.spend(proto.initializer.length + proto.input.length + proto.output.length + hints.length);
  }
  return {
    name: proto.name === '' ? 'graph' : proto.name,
    inputs: proto.input.map(value),
    outputs: proto.output.map(value),
    initializers: decodeInitializers(proto, place, context),
    nodes: decodeNodes(proto.node, context),
    valueInfo: new Map(hints.map((entry) => [rename(entry.name), value(entry)])),
  };
}

/** Whether a hint about an intermediate value is of a type that {@link ValueInfo} can say; others are dropped. */
function isSayable({ type, name }: ValueInfoProto): boolean {
  return name !== '' && type?.value.case === 'tensorType' && typeOfNumber(type.value.value.elemType) !== undefined;
}

function decodeInitializers(proto: GraphProto, place: string, context: DecodeContext): Map<string, Tensor> {
  const initializers = new Map<string, Tensor>();
  const add = (name: string, decode: (where: Place) => Tensor): void => {
    const where = (): string => `${place}, tensor ${quote(name)}`;
    if (name === '') throw modelFault('MODEL_INVALID', where, 'an initializer has no name');
    const renamed = context.rename(name);
    if (initializers.has(renamed)) {
      throw modelFault('MODEL_DUPLICATE_NAME', where, 'two initializers have the same name');
    }
    initializers.set(renamed, decode(where));
  };
  for (const entry of proto.initializer) add(entry.name, (where) => decodeTensor(entry, where, context.tensors));
  for (const entry of proto.sparseInitializer) {
    add(entry.values?.name ?? '', (where) => decodeSparseTensor(entry, where, context.tensors));
  }
  return initializers;
}

/** NodeProtos -> nodes; a call of a model-local function becomes the nodes of its body. */
export function decodeNodes(protos: readonly NodeProto[], context: DecodeContext): Node[] {
  const nodes: Node[] = [];
  for (const proto of protos) {
    const node = decodeNode(proto, context);
    const inlined = context.functions.inline(proto, node, context);
    if (inlined === undefined) nodes.push(node);
    // Not `push(...inlined)`: a function may have more nodes than a call may have arguments.
    else for (const inner of inlined) nodes.push(inner);
  }
  return nodes;
}

function decodeNode(proto: NodeProto, context: DecodeContext): Node {
  const { rename, prefix } = context;
  if (context.bindings !== undefined) {
    context.functions.spend(1 + proto.input.length + proto.output.length + proto.attribute.length);
  }
  const place = (): string => nodePlace({ name: proto.name, opType: proto.opType, outputs: proto.output });
  return {
    name: proto.name === '' ? '' : prefix + proto.name,
    opType: proto.opType,
    domain: plainDomain(proto.domain),
    inputs: proto.input.map(rename),
    outputs: proto.output.map(rename),
    attributes: decodeAttributes(proto.attribute, place, context),
  };
}

/** AttributeProtos -> attributes by name, references to a function's attributes resolved. */
export function decodeAttributes(
  protos: readonly AttributeProto[],
  place: Place,
  context: DecodeContext,
): Readonly<Record<string, Attribute>> {
  const attributes = new Map<string, Attribute>();
  for (const proto of protos) {
    const where = (): string => `${placeText(place)}, attribute ${quote(proto.name)}`;
    if (attributes.has(proto.name)) throw modelFault('MODEL_DUPLICATE_NAME', where, 'the attribute is given twice');
    if (context.bindings !== undefined) context.functions.spend(proto.ints.length + proto.strings.length);
    if (proto.refAttrName === '') {
      const attribute = decodeAttribute(proto, where, context.tensors, (graph) => decodeGraph(graph, context));
      // A Constant's sparse value has become a dense one.
      attributes.set(proto.name === 'sparse_value' && attribute.kind === 'tensor' ? 'value' : proto.name, attribute);
    } else if (context.bindings === undefined) {
      throw modelFault('MODEL_ATTRIBUTE', where, 'refers to an attribute of a function, outside of any function');
    } else if (Object.hasOwn(context.bindings, proto.refAttrName)) {
      attributes.set(proto.name, context.bindings[proto.refAttrName]);
    }
    // What the call leaves out, without a default, is left out here too.
  }
  return Object.fromEntries(attributes);
}

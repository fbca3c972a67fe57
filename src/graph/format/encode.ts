import { create, toBinary } from '@bufbuild/protobuf';
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf';
import type { Graph, Model, Node } from '../model.js';
import type { Tensor } from '../tensor.js';
import { encodeAttribute } from './attribute-proto.js';
import { modelFault } from './fault.js';
import { MAX_MESSAGE_BYTES } from './limits.js';
import { allGraphs } from './subgraphs.js';
import { type ExternalRegion, encodeTensor } from './tensor-proto.js';
import { validate } from './validate.js';
import { encodeValueInfo } from './value-info-proto.js';

/** Where the bytes of an initializer go; undefined = into the model file. */
export type Placement = (tensor: Tensor) => ExternalRegion | undefined;

/**
 * Writes a model as a serialized ModelProto. Tensors are stored as raw_data (strings as string_data), attributes with
 * their type, so that onnx.checker and every runtime read it; equal models give equal bytes.
 *
 * @throws BallastError as {@link validate} does, and MODEL_TOO_LARGE beyond 2 GB, which needs external data
 *   (`writeModelFile`)
 */
export function writeModel(model: Model): Uint8Array<ArrayBuffer> {
  return encodeModel(model, () => undefined);
}

/** {@link writeModel}, with some initializers placed in another file. */
export function encodeModel(model: Model, placement: Placement): Uint8Array<ArrayBuffer> {
  validate(model);
  const inline = initializerBytes(model, placement);
  if (inline <= MAX_MESSAGE_BYTES) {
    const bytes = toBinary(ModelProtoSchema, encode(model, placement));
    if (bytes.length <= MAX_MESSAGE_BYTES) return bytes;
  }
  throw modelFault('MODEL_TOO_LARGE', 'model', `one file holds at most 2 GB, and the tensors take ${inline} bytes`, {
    remedy: 'Write the model to a file with external data.',
  });
}

/** Bytes of the numeric initializers that stay in the model file. */
export function initializerBytes(model: Model, placement: Placement): number {
  let bytes = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const tensor of graph.initializers.values()) {
      if (ArrayBuffer.isView(tensor.data) && placement(tensor) === undefined) bytes += tensor.data.byteLength;
    }
  }
  return bytes;
}

function encode(model: Model, placement: Placement): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: BigInt(model.irVersion),
    producerName: model.producer.name,
    producerVersion: model.producer.version,
    opsetImport: [...model.opsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
    graph: encodeGraph(model.graph, placement),
    metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
  });
}

function encodeGraph(graph: Graph, placement: Placement): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    node: graph.nodes.map((node) => encodeNode(node, placement)),
    initializer: [...graph.initializers].map(([name, tensor]) => encodeTensor(name, tensor, placement(tensor))),
    input: graph.inputs.map(encodeValueInfo),
    output: graph.outputs.map(encodeValueInfo),
    valueInfo: [...graph.valueInfo.values()].map(encodeValueInfo),
  });
}

function encodeNode(node: Node, placement: Placement): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) =>
      encodeAttribute(name, attribute, (graph) => encodeGraph(graph, placement)),
    ),
  });
}

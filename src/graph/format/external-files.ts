import { fromBinary } from '@bufbuild/protobuf';
import { type GraphProto, ModelProtoSchema, type TensorProto } from 'onnx-buf';

/** Names of the data files that a serialized ModelProto refers to, each once; whether they exist is not looked at. */
export function externalFiles(model: Uint8Array): string[] {
  const { graph } = fromBinary(ModelProtoSchema, model, { readUnknownFields: false });
  const names = new Set<string>();
  if (graph !== undefined) collect(graph, names);
  return [...names];
}

function collect(graph: GraphProto, names: Set<string>): void {
  for (const tensor of graph.initializer) locate(tensor, names);
  for (const node of graph.node) {
    for (const { t, tensors, g, graphs } of node.attribute) {
      for (const tensor of t === undefined ? tensors : [t, ...tensors]) locate(tensor, names);
      for (const inner of g === undefined ? graphs : [g, ...graphs]) collect(inner, names);
    }
  }
}

function locate({ externalData }: TensorProto, names: Set<string>): void {
  for (const { key, value } of externalData) if (key === 'location') names.add(value);
}

import { fromBinary } from '@bufbuild/protobuf';
import { type GraphProto, ModelProtoSchema, type NodeProto } from 'onnx-buf';

/** `com.nobody:Riddle(-1) is not a registered function/op`, as the runtime says it. */
const UNREGISTERED = /([\w.]*):(\w+)\(-?\d+\) is not a registered/;

/** The node of an operator that the runtime does not have, by what it said; undefined where it said something else. */
export function unregisteredNode(reason: string, model: Uint8Array): string | undefined {
  const [, domain, operator] = UNREGISTERED.exec(reason) ?? [];
  if (operator === undefined) return undefined;
  const { graph } = fromBinary(ModelProtoSchema, model, { readUnknownFields: false });
  const node =
    graph === undefined ? undefined : find(graph, (each) => each.opType === operator && each.domain === domain);
  return node === undefined ? undefined : node.name || node.output[0];
}

function find(graph: GraphProto, is: (node: NodeProto) => boolean): NodeProto | undefined {
  for (const node of graph.node) {
    if (is(node)) return node;
    for (const { g } of node.attribute) {
      const inner = g === undefined ? undefined : find(g, is);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

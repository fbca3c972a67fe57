import type { Graph, Node } from '../graph/model.js';

/** The last product by a matrix of weights: what turns features [batch, features] into the network's outputs. */
export interface HeadNode {
  readonly node: Node;
  readonly weight: string;
  /** The value it takes: [batch, features]. */
  readonly input: string;
  readonly output: string;
  readonly features: number;
  /** The weight is [outputs, features] instead of [features, outputs]. */
  readonly transposed: boolean;
}

/** The last MatMul or Gemm by a matrix of weights; undefined where there is none. */
export function headNodeOf(graph: Graph): HeadNode | undefined {
  const node = graph.nodes.findLast(
    ({ opType, inputs }) =>
      (opType === 'MatMul' || opType === 'Gemm') && graph.initializers.get(inputs[1])?.shape.length === 2,
  );
  if (node === undefined) return undefined;
  const [input, weight] = node.inputs;
  const { shape } = graph.initializers.get(weight)!;
  const transposed = node.attributes.transB?.kind === 'int' && node.attributes.transB.value !== 0;
  return { node, weight, input, output: node.outputs[0], features: shape[transposed ? 1 : 0], transposed };
}

import { removeDeadCode } from '../graph/format/dead-code.js';
import type { Graph } from '../graph/model.js';

/**
 * The scores before a final Softmax, whose gradient vanishes where it saturates: the graph that ends there, and the name
 * of its one output. Any other output stays as it is.
 */
export function logitsOf(graph: Graph, output: string): { source: Graph; name: string } {
  const last = graph.nodes.find((node) => node.outputs.includes(output));
  const name = last?.opType === 'Softmax' && last.domain === '' ? last.inputs[0] : output;
  const source: Graph = { ...graph, outputs: [{ name, type: 'float32', shape: undefined }] };
  return { source: removeDeadCode(source), name };
}

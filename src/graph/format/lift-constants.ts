import type { Graph, Node } from '../model.js';
import { float32, int64, type Tensor, tensor } from '../tensor.js';
import { mapSubgraphs } from './subgraphs.js';

/**
 * Turns Constant nodes into initializers, in subgraphs too. One that makes an output of its graph stays a node: not
 * every runtime returns initializers.
 */
export function liftConstants(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const lifted = new Map<string, Tensor>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const value = constantOf(node);
    if (value !== undefined && !outputs.has(node.outputs[0])) lifted.set(node.outputs[0], value);
    else nodes.push(mapSubgraphs(node, liftConstants));
  }
  return { ...graph, nodes, initializers: new Map([...graph.initializers, ...lifted]) };
}

/** The value of a Constant node; undefined for other nodes. */
function constantOf(node: Node): Tensor | undefined {
  const attributes = Object.entries(node.attributes);
  if (node.opType !== 'Constant' || node.domain !== '' || node.outputs.length !== 1 || node.outputs[0] === '') {
    return undefined;
  }
  if (attributes.length !== 1) return undefined;
  const [name, attribute] = attributes[0];
  if (attribute.kind === 'tensor') return attribute.value;
  if (!name.startsWith('value_')) return undefined;
  switch (attribute.kind) {
    case 'float':
      return float32([], [attribute.value]);
    case 'floats':
      return float32([attribute.value.length], attribute.value);
    case 'int':
      return int64([], [attribute.value]);
    case 'ints':
      return int64([attribute.value.length], attribute.value);
    case 'string':
      return tensor('string', [], [attribute.value]);
    case 'strings':
      return tensor('string', [attribute.value.length], attribute.value);
    default:
      return undefined;
  }
}

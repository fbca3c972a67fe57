import type { Graph, Node } from '../model.js';
import { definedNames, mapSubgraphs, neededNames } from './subgraphs.js';

/**
 * Removes what no output depends on, in subgraphs too: nodes, initializers (but not defaults of inputs), and what is
 * known about values that are gone. Inputs stay: they are the model's interface.
 */
export function removeDeadCode(graph: Graph): Graph {
  const live = new Set(graph.outputs.map((output) => output.name));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => live.has(name))) continue;
    const kept = mapSubgraphs(node, removeDeadCode);
    nodes.push(kept);
    for (const name of neededNames(kept)) live.add(name);
  }
  nodes.reverse();
  const inputs = new Set(graph.inputs.map((input) => input.name));
  const initializers = new Map([...graph.initializers].filter(([name]) => live.has(name) || inputs.has(name)));
  const result = { ...graph, nodes, initializers };
  const defined = definedNames(result);
  return { ...result, valueInfo: new Map([...graph.valueInfo].filter(([name]) => defined.has(name))) };
}

import { mapSubgraphs } from './format/subgraphs.js';
import type { Graph, Node, ValueInfo } from './model.js';

/**
 * The graph with every value (inputs, outputs, initializers, intermediate ones, those of subgraphs) under another name.
 *
 * @param name new name of each; must give different names for different ones. '' (an omitted input) is never asked for.
 * @param nodePrefix put before the names of nodes
 */
export function renameValues(graph: Graph, name: (value: string) => string, nodePrefix = ''): Graph {
  const renamed = (value: string): string => (value === '' ? '' : name(value));
  const info = (value: ValueInfo): ValueInfo => ({ ...value, name: renamed(value.name) });
  const node = (value: Node): Node => ({
    ...mapSubgraphs(value, (inner) => renameValues(inner, name, nodePrefix)),
    name: nodePrefix + value.name,
    inputs: value.inputs.map(renamed),
    outputs: value.outputs.map(renamed),
  });
  return {
    ...graph,
    inputs: graph.inputs.map(info),
    outputs: graph.outputs.map(info),
    initializers: new Map([...graph.initializers].map(([key, tensor]) => [renamed(key), tensor])),
    nodes: graph.nodes.map(node),
    valueInfo: new Map([...graph.valueInfo].map(([key, value]) => [renamed(key), info(value)])),
  };
}

import type { Attribute, Graph, Node } from '../model.js';

/** Graphs in a node's attributes (the branches of If, the bodies of Loop and Scan). */
function subgraphsOf(node: Node): readonly Graph[] {
  let graphs: Graph[] | undefined;
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.kind !== 'graph') continue;
    graphs ??= [];
    graphs.push(attribute.value);
  }
  return graphs ?? NONE;
}

/** Most nodes have no subgraph; models have many nodes. */
const NONE: readonly Graph[] = [];

/** The node with every subgraph replaced; the same node where none changes. */
export function mapSubgraphs(node: Node, change: (graph: Graph) => Graph): Node {
  if (subgraphsOf(node).length === 0) return node;
  let changed = false;
  const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
    if (attribute.kind !== 'graph') return [name, attribute];
    const value = change(attribute.value);
    if (value === attribute.value) return [name, attribute];
    changed = true;
    return [name, { kind: 'graph', value }];
  });
  // From entries, not by assignment: a foreign attribute may be named __proto__.
  return changed ? { ...node, attributes: Object.fromEntries(attributes) } : node;
}

/** Every name that a graph itself defines: inputs, initializers, outputs of nodes. */
export function definedNames(graph: Graph): Set<string> {
  const names = new Set<string>(graph.initializers.keys());
  for (const input of graph.inputs) names.add(input.name);
  for (const node of graph.nodes) for (const output of node.outputs) names.add(output);
  names.delete('');
  return names;
}

/** Names that a node needs from the graph it stands in: its inputs, and what its subgraphs take from outside. */
export function neededNames(node: Node): readonly string[] {
  const inputs = node.inputs.includes('') ? node.inputs.filter((name) => name !== '') : node.inputs;
  const graphs = subgraphsOf(node);
  return graphs.length === 0 ? inputs : [...inputs, ...graphs.flatMap((graph) => [...capturedNames(graph)])];
}

/** Names that a subgraph uses and does not define. */
function capturedNames(graph: Graph): Set<string> {
  const names = new Set<string>();
  for (const node of graph.nodes) for (const name of neededNames(node)) names.add(name);
  for (const output of graph.outputs) names.add(output.name);
  for (const name of definedNames(graph)) names.delete(name);
  return names;
}

/** Nodes of a graph and of all graphs inside it. */
export function* allNodes(graph: Graph): Generator<Node> {
  for (const node of graph.nodes) {
    yield node;
    for (const inner of subgraphsOf(node)) yield* allNodes(inner);
  }
}

/** A graph and all graphs inside it, outermost first. */
export function* allGraphs(graph: Graph): Generator<Graph> {
  yield graph;
  for (const node of graph.nodes) for (const inner of subgraphsOf(node)) yield* allGraphs(inner);
}

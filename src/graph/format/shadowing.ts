import type { Graph, Node, ValueInfo } from '../model.js';
import { freshNames } from './fresh-names.js';
import { allGraphs, definedNames, mapSubgraphs } from './subgraphs.js';

/** Names of one graph, inside those of the graphs around it. */
interface Scope {
  readonly own: ReadonlySet<string>;
  /** New names of those of `own` that a graph around has too. */
  readonly renames: ReadonlyMap<string, string>;
  readonly outer: Scope | undefined;
}

/**
 * Gives names inside subgraphs that also stand in a graph around them a name of their own, so that one name means one
 * value wherever it is visible, as ONNX asks. Exporters break this rule and runtimes accept it: the inner one counts.
 */
export function resolveShadowing(graph: Graph): Graph {
  let fresh: ((wanted: string) => string) | undefined;
  return resolve(graph, undefined, (name) => {
    fresh ??= freshNames(everyName(graph));
    return fresh(`${name}_inner`);
  });
}

function everyName(graph: Graph): Set<string> {
  const names = new Set<string>();
  for (const inner of allGraphs(graph)) for (const name of definedNames(inner)) names.add(name);
  return names;
}

function resolve(graph: Graph, outer: Scope | undefined, fresh: (name: string) => string): Graph {
  const own = definedNames(graph);
  const renames = new Map<string, string>();
  for (const name of own) if (isVisible(name, outer)) renames.set(name, fresh(name));
  const scope: Scope = { own, renames, outer };
  const name = (value: string): string => currentName(value, scope);
  const nodes = graph.nodes.map((node) =>
    renameNode(
      mapSubgraphs(node, (subgraph) => resolve(subgraph, scope, fresh)),
      name,
    ),
  );
  // Names from a renamed scope further out only stand in nodes and outputs.
  const info = (value: ValueInfo): ValueInfo => ({ ...value, name: name(value.name) });
  const changed = renames.size > 0 || nodes.some((node, index) => node !== graph.nodes[index]);
  if (!changed && graph.outputs.every((output) => name(output.name) === output.name)) return graph;
  return {
    name: graph.name,
    inputs: graph.inputs.map(info),
    outputs: graph.outputs.map(info),
    initializers: new Map([...graph.initializers].map(([key, tensor]) => [name(key), tensor])),
    nodes,
    valueInfo: new Map([...graph.valueInfo].map(([key, value]) => [name(key), info(value)])),
  };
}

function isVisible(name: string, scope: Scope | undefined): boolean {
  for (let at = scope; at !== undefined; at = at.outer) if (at.own.has(name)) return true;
  return false;
}

function currentName(name: string, scope: Scope): string {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    if (at.own.has(name)) return at.renames.get(name) ?? name;
  }
  return name;
}

function renameNode(node: Node, name: (value: string) => string): Node {
  const same = (value: string): boolean => name(value) === value;
  if (node.inputs.every(same) && node.outputs.every(same)) return node;
  return { ...node, inputs: node.inputs.map(name), outputs: node.outputs.map(name) };
}

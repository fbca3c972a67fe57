import type { Graph, Node } from '../model.js';
import { mapSubgraphs } from './subgraphs.js';

/** Names of a graph that stand for another value, inside those of the graphs around it. */
interface Aliases {
  readonly names: ReadonlyMap<string, string>;
  readonly outer: Aliases | undefined;
}

/**
 * Removes Identity nodes, in subgraphs too: users of the copy use the original. Where the copy is an output of the
 * graph, the original takes the output's name, which needs a node that makes it in the same graph and that it is no
 * output itself; otherwise the Identity stays. Names must not be shadowed.
 */
export function dropIdentity(graph: Graph): Graph {
  return drop(graph, undefined);
}

function drop(graph: Graph, outer: Aliases | undefined): Graph {
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const names = new Map<string, string>();
  const aliases: Aliases = { names, outer };
  const current = (name: string): string => currentName(name, aliases);
  const kept: Node[] = [];
  for (const node of graph.nodes) {
    const [input] = node.inputs;
    const [output] = node.outputs;
    const original = isIdentity(node) ? current(input) : '';
    if (original === '' || output === '') kept.push(node);
    else if (!outputs.has(output)) names.set(output, original);
    else if (made.has(original) && !outputs.has(original)) names.set(original, output);
    else kept.push(node);
  }
  // Only now, when every alias is known: a value may take an output's name after its first use.
  const nodes = kept.map((node) => {
    const changed = mapSubgraphs(node, (subgraph) => drop(subgraph, aliases));
    return { ...changed, inputs: node.inputs.map(current), outputs: node.outputs.map(current) };
  });
  const valueInfo = new Map([...graph.valueInfo].filter(([name]) => !names.has(name)));
  return { ...graph, nodes, valueInfo };
}

function isIdentity(node: Node): boolean {
  return node.opType === 'Identity' && node.domain === '' && node.inputs.length === 1 && node.outputs.length === 1;
}

function currentName(name: string, aliases: Aliases): string {
  let result = name;
  for (let at: Aliases | undefined = aliases; at !== undefined; at = at.outer) {
    for (let next = at.names.get(result); next !== undefined; next = at.names.get(result)) result = next;
  }
  return result;
}

import type { Graph, Node } from '../model.js';
import { modelFault, nodePlace, quote } from './fault.js';
import { mapSubgraphs, neededNames } from './subgraphs.js';

/**
 * Puts the nodes of a graph and of its subgraphs in topological order: every node after those whose results it uses,
 * in its subgraphs included; otherwise in the order they had. A graph that is in order already is returned as it is.
 *
 * @throws BallastError MODEL_CYCLE naming the nodes of a cycle, MODEL_DUPLICATE_NAME
 */
export function sortGraph(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => mapSubgraphs(node, sortGraph));
  const order = topologicalOrder(nodes, graph);
  const inOrder = order.every((position, index) => position === index);
  if (inOrder && nodes.every((node, index) => node === graph.nodes[index])) return graph;
  return { ...graph, nodes: order.map((index) => nodes[index]) };
}

/** Depth-first without recursion, since a chain of nodes can be longer than the call stack. */
function topologicalOrder(nodes: readonly Node[], graph: Graph): number[] {
  const makers = makersOf(nodes, graph);
  const needs = nodes.map((node) => {
    const indices: number[] = [];
    for (const name of neededNames(node)) {
      const maker = makers.get(name);
      if (maker !== undefined) indices.push(maker);
    }
    return indices;
  });
  const state = new Uint8Array(nodes.length);
  const next = new Uint32Array(nodes.length);
  const order: number[] = [];
  for (let root = 0; root < nodes.length; root++) {
    const path = state[root] === NEW ? [root] : [];
    while (path.length > 0) {
      const index = path[path.length - 1];
      state[index] = OPEN;
      if (next[index] === needs[index].length) {
        state[index] = DONE;
        order.push(index);
        path.pop();
        continue;
      }
      const need = needs[index][next[index]++];
      if (state[need] === OPEN)
        throw cycle(
          path.slice(path.indexOf(need)).map((at) => nodes[at]),
          graph.name,
        );
      if (state[need] === NEW) path.push(need);
    }
  }
  return order;
}

const NEW = 0;
const OPEN = 1;
const DONE = 2;

/** Which node makes each value. */
function makersOf(nodes: readonly Node[], graph: Graph): Map<string, number> {
  const given = new Set([...graph.inputs.map((input) => input.name), ...graph.initializers.keys()]);
  const makers = new Map<string, number>();
  nodes.forEach((node, index) => {
    for (const output of node.outputs) {
      if (output === '') continue;
      const other = makers.get(output);
      if (other !== undefined || given.has(output)) {
        const place = `graph ${quote(graph.name)}, ${nodePlace(node)}`;
        const origin = other === undefined ? 'an input or initializer' : `made by ${nodePlace(nodes[other])}`;
        throw modelFault('MODEL_DUPLICATE_NAME', place, `the output ${quote(output)} is already ${origin}`);
      }
      makers.set(output, index);
    }
  });
  return makers;
}

function cycle(nodes: readonly Node[], graphName: string): Error {
  const shown = nodes.slice(0, 5).map(nodePlace);
  const more = nodes.length > shown.length ? ` and ${nodes.length - shown.length} more` : '';
  const message =
    nodes.length === 1
      ? `${shown[0]} needs its own result`
      : `nodes need each other's results: ${shown.join(', ')}${more}`;
  return modelFault('MODEL_CYCLE', `graph ${quote(graphName)}`, message);
}

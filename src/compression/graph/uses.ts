import { freshNames } from '../../graph/format/fresh-names.js';
import { allGraphs, definedNames, neededNames } from '../../graph/format/subgraphs.js';
import type { Graph, Node } from '../../graph/model.js';

/** Who makes and who uses each value of a graph; what subgraphs take from outside counts as a use of the node around. */
export interface Uses {
  readonly maker: ReadonlyMap<string, Node>;
  readonly users: ReadonlyMap<string, readonly Node[]>;
  /** Names of the graph's outputs. */
  readonly outputs: ReadonlySet<string>;
}

export function usesOf(graph: Graph): Uses {
  const maker = new Map<string, Node>();
  const users = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== '') maker.set(name, node);
    for (const name of new Set(neededNames(node))) {
      const known = users.get(name);
      if (known === undefined) users.set(name, [node]);
      else known.push(node);
    }
  }
  return { maker, users, outputs: new Set(graph.outputs.map(({ name }) => name)) };
}

/** The one node that uses a value which is no output of the graph; undefined where there are others, or none. */
export function onlyUser({ users, outputs }: Uses, name: string): Node | undefined {
  const all = users.get(name) ?? [];
  return all.length === 1 && !outputs.has(name) ? all[0] : undefined;
}

/** Makes names that nothing in a graph, or in graphs inside it, has. */
export function namesFor(graph: Graph): (wanted: string) => string {
  const used = new Set<string>();
  for (const each of allGraphs(graph)) {
    for (const name of definedNames(each)) used.add(name);
    for (const { name } of each.nodes) used.add(name);
  }
  return freshNames(used);
}

/** Initializers that are constants: no input overrides them. */
export function constantsOf({ inputs, initializers }: Graph): Graph['initializers'] {
  const overridable = new Set(inputs.map(({ name }) => name));
  return new Map([...initializers].filter(([name]) => !overridable.has(name)));
}

import type { Graph, Node, ValueInfo } from './model.js';
import type { Value } from './tape.js';
import type { Tensor } from './tensor.js';

interface Parts {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[];
}

/**
 * A graph from what a builder gathered: values that are outputs take the outputs' names (through an Identity where they
 * cannot be renamed), and constants that nothing uses are left out.
 */
export function assembleGraph({ name, inputs, outputs, initializers, nodes }: Parts): Graph {
  const captured = capturedNames(nodes);
  const unnameable = new Set([...inputs.map((value) => value.name), ...initializers.keys(), ...captured]);
  const ownNames = new Set(outputs.flatMap((output) => (output.name === output.value.name ? [output.name] : [])));
  const rename = new Map<string, string>();
  const copies: Node[] = [];
  const infos: ValueInfo[] = [];
  for (const { name: wanted, value } of outputs) {
    infos.push({ name: wanted, type: value.type, shape: value.shape });
    if (wanted === value.name) continue;
    if (unnameable.has(value.name) || ownNames.has(value.name) || rename.has(value.name)) {
      copies.push({
        name: `output_${wanted}`,
        opType: 'Identity',
        domain: '',
        inputs: [value.name],
        outputs: [wanted],
        attributes: {},
      });
    } else {
      rename.set(value.name, wanted);
    }
  }
  const renamed = (value: string): string => rename.get(value) ?? value;
  const all = [...nodes, ...copies].map((node) =>
    rename.size === 0
      ? node
      : {
          ...node,
          inputs: node.inputs.map(renamed),
          outputs: node.outputs.map((output) => (copies.includes(node) ? output : renamed(output))),
        },
  );
  const used = new Set<string>([...infos.map((output) => output.name), ...captured]);
  for (const node of all) for (const input of node.inputs) used.add(input);
  return {
    name,
    inputs,
    outputs: infos,
    initializers: new Map([...initializers].filter(([initializer]) => used.has(initializer))),
    nodes: all,
    valueInfo: new Map(),
  };
}

/** Names that subgraphs (loop bodies) may take from the graph around them. */
function capturedNames(nodes: readonly Node[]): Set<string> {
  const names = new Set<string>();
  const visit = (graph: Graph): void => {
    for (const node of graph.nodes) {
      for (const input of node.inputs) names.add(input);
      descend(node);
    }
    for (const output of graph.outputs) names.add(output.name);
  };
  const descend = (node: Node): void => {
    for (const attribute of Object.values(node.attributes)) if (attribute.kind === 'graph') visit(attribute.value);
  };
  nodes.forEach(descend);
  return names;
}

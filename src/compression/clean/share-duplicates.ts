import { createHash } from 'node:crypto';
import { mapSubgraphs } from '../../graph/format/subgraphs.js';
import { bytesOf } from '../../graph/format/tensor-proto.js';
import type { Graph, Node } from '../../graph/model.js';
import type { Tensor } from '../../graph/tensor.js';
import { constantsOf } from '../graph/uses.js';

/** A graph in which equal constants are stored once; `shared` of them are gone. Those of subgraphs stay as they are. */
export function shareDuplicates(graph: Graph): { graph: Graph; shared: number } {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const first = new Map<string, string>();
  const alias = new Map<string, string>();
  for (const [name, value] of constantsOf(graph)) {
    if (outputs.has(name)) continue;
    const key = keyOf(value);
    const known = first.get(key);
    if (known === undefined) first.set(key, name);
    else alias.set(name, known);
  }
  if (alias.size === 0) return { graph, shared: 0 };
  const renamed = (node: Node): Node => ({
    ...mapSubgraphs(node, (inner) => ({
      ...inner,
      nodes: inner.nodes.map(renamed),
      outputs: inner.outputs.map((output) => ({ ...output, name: alias.get(output.name) ?? output.name })),
    })),
    inputs: node.inputs.map((name) => alias.get(name) ?? name),
  });
  const initializers = new Map([...graph.initializers].filter(([name]) => !alias.has(name)));
  const valueInfo = new Map([...graph.valueInfo].filter(([name]) => !alias.has(name)));
  return { graph: { ...graph, initializers, valueInfo, nodes: graph.nodes.map(renamed) }, shared: alias.size };
}

function keyOf(value: Tensor): string {
  const hash = createHash('sha256');
  if (value.type === 'string') hash.update(JSON.stringify(value.data));
  else hash.update(bytesOf(value));
  return `${value.type} ${value.shape} ${hash.digest('hex')}`;
}

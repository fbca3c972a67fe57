import type { Model, ValueInfo } from '../model.js';
import type { Tensor } from '../tensor.js';
import { allGraphs } from './subgraphs.js';

/** A model in figures. */
export interface ModelSummary {
  /** Nodes, those in subgraphs included. */
  readonly nodes: number;
  /** Operator -> nodes, most frequent first; operators of other domains as `domain::Operator`. */
  readonly operators: Readonly<Record<string, number>>;
  /** Elements of all floating-point initializers: what training could move. */
  readonly parameters: number;
  /** Bytes of all initializers, strings as UTF-8. */
  readonly bytes: number;
  /** What a caller gives: inputs without those that have a default. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** Counts nodes, parameters and bytes of a model, subgraphs included. */
export function summarize(model: Model): ModelSummary {
  const counts = new Map<string, number>();
  let nodes = 0;
  let parameters = 0;
  let bytes = 0;
  for (const graph of allGraphs(model.graph)) {
    nodes += graph.nodes.length;
    for (const { domain, opType } of graph.nodes) {
      const operator = domain === '' ? opType : `${domain}::${opType}`;
      counts.set(operator, (counts.get(operator) ?? 0) + 1);
    }
    for (const tensor of graph.initializers.values()) {
      if (FLOATS.has(tensor.type)) parameters += tensor.data.length;
      bytes += bytesOfElements(tensor);
    }
  }
  const { graph } = model;
  return {
    nodes,
    operators: Object.fromEntries([...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))),
    parameters,
    bytes,
    inputs: graph.inputs.filter((input) => !graph.initializers.has(input.name)),
    outputs: graph.outputs,
  };
}

const FLOATS: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

function bytesOfElements({ data }: Tensor): number {
  if (ArrayBuffer.isView(data)) return data.byteLength;
  let bytes = 0;
  for (const element of data as readonly string[]) bytes += Buffer.byteLength(element);
  return bytes;
}

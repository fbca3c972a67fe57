import { writeModel } from '../../graph/format/encode.js';
import type { Graph, Model, ValueInfo } from '../../graph/model.js';
import type { Runtime, Session } from '../../graph/runtime/runtime.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Feeds } from '../measure/feeds.js';

/** Rows in batches, as often as they are asked for: what a model is calibrated on without being held in memory at once. */
export type Batches = () => Iterable<Feeds> | AsyncIterable<Feeds>;

/** A graph that answers intermediate values besides; those that are no outputs of its own nodes or inputs are left out. */
export function withOutputs(graph: Graph, names: readonly string[]): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const extra = [...new Set(names)].filter((name) => made.has(name) && !outputs.has(name));
  return {
    ...graph,
    outputs: [
      ...graph.outputs,
      ...extra.map((name): ValueInfo => ({ name, type: 'float32', shape: undefined, container: { kind: 'unknown' } })),
    ],
  };
}

export interface ObserveOptions {
  /** Values that are wanted, by name; inputs of the graph too. */
  readonly names: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Told after each batch. */
  readonly tell?: ((batches: number) => void) | undefined;
}

/**
 * Runs a model on batches and shows the wanted values of each, one batch at a time. The graph is not rearranged by the
 * runtime, so that every value exists.
 */
export async function observe(
  runtime: Runtime,
  model: Model,
  batches: Batches,
  { names, signal, tell }: ObserveOptions,
  see: (values: Readonly<Record<string, Tensor>>) => void | Promise<void>,
): Promise<void> {
  const session = await observing(runtime, model, names);
  const inputs = new Set(names.filter((name) => model.graph.inputs.some((input) => input.name === name)));
  const readable = new Set(session.outputs.map(({ name }) => name));
  const wanted = [...new Set(names)].filter((name) => readable.has(name));
  let count = 0;
  try {
    for await (const feeds of batches()) {
      signal?.throwIfAborted();
      const values = wanted.length === 0 ? {} : await session.run(feeds, wanted);
      const fed = Object.entries(feeds).filter(([name]) => inputs.has(name));
      await see({ ...Object.fromEntries(fed), ...values });
      tell?.(++count);
    }
  } finally {
    session.release();
  }
}

/** A session that answers intermediate values; the graph is not rearranged, so that every value exists. */
export function observing(runtime: Runtime, model: Model, names: readonly string[]): Promise<Session> {
  const graph = withOutputs(model.graph, names);
  return runtime.load(writeModel({ ...model, graph }), { optimization: 'basic' });
}

import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { Feeds } from '../measure/feeds.js';
import { observe } from '../observe/activations.js';

/** Shapes of all values of a graph, subgraphs aside, on given rows: what no model has to declare. */
export async function shapesOf(
  runtime: Runtime,
  model: Model,
  feeds: Feeds,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const { graph } = model;
  const shapes = new Map<string, readonly number[]>();
  for (const [name, { shape }] of graph.initializers) shapes.set(name, shape);
  for (const [name, { shape }] of Object.entries(feeds)) shapes.set(name, shape);
  const names = graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '');
  await observe(
    runtime,
    model,
    () => [feeds],
    { names },
    (values) => {
      for (const [name, { shape }] of Object.entries(values)) shapes.set(name, shape);
    },
  );
  return shapes;
}

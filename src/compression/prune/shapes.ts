import type { Graph, Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Feeds } from '../measure/feeds.js';
import { observe } from '../observe/activations.js';

/** What was seen of the values of a graph, subgraphs aside, on given rows: what no model has to declare. */
export interface Sizes {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Values of few integers: sizes, bounds, positions. */
  readonly integers: ReadonlyMap<string, Tensor>;
}

/** More integers than this are data. */
const FEW = 16;

export async function sizesOf(runtime: Runtime, model: Model, feeds: Feeds): Promise<Sizes> {
  const { graph } = model;
  const shapes = new Map<string, readonly number[]>();
  const integers = new Map<string, Tensor>();
  const see = (values: Iterable<readonly [string, Tensor]>): void => {
    for (const [name, value] of values) {
      shapes.set(name, value.shape);
      if ((value.type === 'int64' || value.type === 'int32') && value.data.length <= FEW) integers.set(name, value);
    }
  };
  see(graph.initializers);
  for (const [name, { shape }] of Object.entries(feeds)) shapes.set(name, shape);
  await observe(
    runtime,
    model,
    () => [feeds],
    { names: valuesOf(graph) },
    (values) => see(Object.entries(values)),
  );
  return { shapes, integers };
}

const valuesOf = ({ nodes }: Graph): string[] => nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== '');

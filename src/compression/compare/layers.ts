import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { Tensor } from '../../graph/tensor.js';
import { type Batches, observing } from '../observe/activations.js';
import { Distance, type DistanceSummary } from '../observe/distance.js';

/** How far a value inside a model is from the value of the same name inside another. */
export interface LayerDistance extends DistanceSummary {
  readonly value: string;
  /** The node of the first model that makes it. */
  readonly node: string;
  readonly opType: string;
  /** Signal to noise that is lost here, dB: against the noisiest of what the node takes. null where that is not known. */
  readonly lostDb: number | null;
}

export interface LayerComparison {
  /** In the order of the first model. */
  readonly layers: readonly LayerDistance[];
  /** Values of both that are of different shapes: where channels were removed. */
  readonly reshaped: readonly string[];
  /** The layer at which most is lost; null where nothing is. */
  readonly worst: string | null;
}

/**
 * Compares two models value by value on the same rows: every float32 value that both make under one name. A conversion keeps
 * names, so that this tells where a compressed model leaves the original. Constant memory: batches one at a time.
 */
export async function compareLayers(
  runtime: Runtime,
  [first, second]: readonly [Model, Model],
  batches: Batches,
  signal?: AbortSignal,
): Promise<LayerComparison> {
  const made = new Set(second.graph.nodes.flatMap(({ outputs }) => outputs));
  const names = first.graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== '' && made.has(name));
  const distances = new Map<string, Distance>();
  const reshaped = new Set<string>();
  const [a, b] = [await observing(runtime, first, names), await observing(runtime, second, names)];
  try {
    const readable = new Set(b.outputs.map(({ name }) => name));
    const wanted = a.outputs.map(({ name }) => name).filter((name) => readable.has(name) && names.includes(name));
    for await (const feeds of batches()) {
      signal?.throwIfAborted();
      const [expected, found] = [await a.run(feeds, wanted), await b.run(feeds, wanted)];
      for (const name of wanted) add(name, expected[name], found[name], { distances, reshaped });
    }
  } finally {
    a.release();
    b.release();
  }
  const summaries = new Map([...distances].map(([name, distance]) => [name, distance.summary()]));
  const layers = first.graph.nodes.flatMap((node) =>
    node.outputs.flatMap((value): LayerDistance[] => {
      const summary = summaries.get(value);
      if (summary === undefined) return [];
      const taken = node.inputs.flatMap((input) => summaries.get(input) ?? []);
      const before = taken.length === 0 ? null : Math.min(...taken.map(({ sqnrDb }) => sqnrDb ?? LARGEST_DB));
      const lostDb = before === null ? null : before - (summary.sqnrDb ?? LARGEST_DB);
      return [{ value, node: node.name, opType: node.opType, ...summary, lostDb }];
    }),
  );
  const worst = layers.reduce<LayerDistance | null>(
    (least, each) => (each.sqnrDb !== null && each.sqnrDb < (least?.sqnrDb ?? LARGEST_DB) ? each : least),
    null,
  );
  return { layers, reshaped: [...reshaped], worst: worst?.value ?? null };
}

/** Stands for no noise at all: float32 has not more. */
const LARGEST_DB = 140;

function add(
  name: string,
  expected: Tensor,
  found: Tensor,
  { distances, reshaped }: { distances: Map<string, Distance>; reshaped: Set<string> },
): void {
  if (expected.type !== 'float32' || found.type !== 'float32') return;
  if (`${expected.shape}` !== `${found.shape}`) {
    reshaped.add(name);
    return;
  }
  const known = distances.get(name) ?? new Distance();
  known.add(expected, found);
  distances.set(name, known);
}

import { GraphBuilder, type Value } from '../../src/graph/builder.js';
import { writeModel } from '../../src/graph/format/encode.js';
import { RandomSites, siteKey } from '../../src/graph/random.js';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { derive, type Random } from '../../src/numeric/random.js';
import type { InputDescription, StepContext } from '../../src/regularizers/regularizer.js';

export interface Computation {
  readonly b: GraphBuilder;
  /** The fed values as inputs of the graph. */
  readonly inputs: Readonly<Record<string, Value>>;
  readonly random: RandomSites;
}

export interface ComputedOptions {
  /** Keys of random sites follow from it. */
  seed?: number;
  step?: number;
}

/** Builds a graph on the given inputs, runs it once, and returns its outputs as plain arrays. */
export async function computed(
  feeds: Readonly<Record<string, Tensor>>,
  build: (computation: Computation) => Readonly<Record<string, Value>>,
  { seed = 1, step = 1 }: ComputedOptions = {},
): Promise<Record<string, number[]>> {
  const b = new GraphBuilder('computed');
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { type, shape }]) => [name, b.input(name, type, shape)]),
  );
  const random = new RandomSites(b);
  // Names of their own: a result may be called as an input is, or be one.
  const made = Object.entries(build({ b, inputs, random }));
  for (const [name, value] of made) b.output(`result.${name}`, value);
  const runtime = await openRuntime({ backend: 'stock' });
  const session = await runtime.load(writeModel(b.model()));
  const all: Record<string, Tensor> = { ...feeds };
  for (const label of random.labels) {
    all[`random.${label}`] = { type: 'uint32', shape: [1], data: Uint32Array.of(siteKey(label, seed, step)) };
  }
  const results = await session.run(Object.fromEntries(session.inputs.map(({ name }) => [name, all[name]])));
  session.release();
  return Object.fromEntries(made.map(([name]) => [name, Array.from(results[`result.${name}`].data, Number)]));
}

/** What a hook is given, outside of a training step. Drawn scalars come from a stream of the label. */
export function stepContext(
  { b, random }: Computation,
  strength: Value,
  more: Partial<StepContext> & { inputs: readonly InputDescription[]; batchSize: number },
): StepContext {
  const outside = (): never => {
    throw new Error('only within a training step');
  };
  return {
    b,
    phase: 'training',
    sites: [],
    get setting() {
      return outside();
    },
    classRows: [],
    own: outside,
    stored: outside,
    next: outside,
    row: outside,
    asset: outside,
    column: () => undefined,
    labelled: () => undefined,
    tasks: undefined,
    network: outside,
    lossesOf: outside,
    task: 'classification',
    outputs: 3,
    strength,
    random: (label) => random.site(label),
    drawn: (label, draw: (stream: Random, strength: number, step: number) => number) => {
      const constant = b.constantOf(strength);
      return b.scalar(draw(derive(1, label), Number(constant?.data[0] ?? 0), 1));
    },
    ...more,
  };
}

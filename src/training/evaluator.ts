import { GraphBuilder, type Value } from '../graph/builder.js';
import { removeDeadCode } from '../graph/format/dead-code.js';
import { writeModel } from '../graph/format/encode.js';
import type { Model } from '../graph/model.js';
import type { BoundTensor, Runtime, Session, SessionOptions } from '../graph/runtime/runtime.js';
import { type Pack, unpack } from './packing.js';
import type { BoundData, TrainingState } from './program.js';
import { type HostScalar, type NetworkDescription, ownTensors, StepGraph } from './step-graph.js';
import { TwoSidedSession } from './two-sided.js';

/** A graph in inference mode with the training state as its inputs, and the strengths it depends on. */
interface InferenceGraph {
  readonly model: Model;
  readonly scalars: ReadonlyMap<string, HostScalar>;
}

/** Builds on the weights that a training state holds, as the network sees them in inference. */
export function inferenceGraph(
  description: NetworkDescription,
  packs: readonly Pack[],
  build: (step: StepGraph, weights: ReadonlyMap<string, Value>, stored: ReadonlyMap<string, Value>) => void,
): InferenceGraph {
  const b = new GraphBuilder('evaluation');
  const step = new StepGraph(b, description, 'inference');
  const own = ownTensors(description);
  const stored = new Map(
    packs.flatMap((pack) => [...unpack(b, pack, b.input(`parameter.${pack.name}`, 'float32', pack.shape))]),
  );
  for (const { name } of own.parameters) step.setOwn(name, stored.get(name)!);
  for (const { name, shape } of own.state) step.setOwn(name, b.input(`state.${name}`, 'float32', shape));
  build(step, step.useWeights(stored), stored);
  const built = b.model();
  return { model: { ...built, graph: removeDeadCode(built.graph) }, scalars: step.scalars };
}

/** The network in inference mode on gathered rows, with weights as inputs: the training state is bound, not copied. */
function compileEvaluation(description: NetworkDescription, packs: readonly Pack[]): InferenceGraph {
  const { inputs, rows, batchSize } = description;
  return inferenceGraph(description, packs, (step) => {
    const { b } = step;
    const index = b.input('batch.index', 'int64', [batchSize]);
    const fed = Object.fromEntries(
      inputs.map(({ name, type, shape }) => [name, b.gather(b.input(`data.${name}`, type, [rows, ...shape]), index)]),
    );
    b.output('output', step.pass(fed).logits);
  });
}

/**
 * The weights as inference sees them, where they differ from the stored ones: masked, normalized, quantized. By name of
 * the parameter.
 */
export async function inferenceWeights(
  runtime: Runtime,
  description: NetworkDescription,
  state: TrainingState,
  strengthAt: (regularizer: number) => number,
): Promise<ReadonlyMap<string, Float32Array>> {
  if (description.regularizers.every(({ regularizer }) => regularizer.hooks.weight === undefined)) return new Map();
  const changed: string[] = [];
  const { model, scalars } = inferenceGraph(description, state.packs, (step, weights, stored) => {
    for (const [name, value] of weights) {
      if (value === stored.get(name)) continue;
      changed.push(name);
      step.b.output(`weight.${name}`, value);
    }
  });
  if (changed.length === 0) return new Map();
  const session = await runtime.load(writeModel(model));
  try {
    const feeds = Object.fromEntries(
      session.inputs.map(({ name, shape }) => {
        const host = scalars.get(name);
        const data =
          host?.kind === 'strength' ? Float32Array.of(strengthAt(host.regularizer)) : state.array(name).slice();
        return [name, { type: 'float32' as const, shape: shape as number[], data }];
      }),
    );
    const results = await session.run(feeds);
    return new Map(changed.map((name) => [name, results[`weight.${name}`].data as Float32Array]));
  } finally {
    session.release();
  }
}

/** Runs the evaluation graph over lists of rows with the present weights of a training state. */
export class Evaluator {
  readonly #session: TwoSidedSession;
  readonly #index: BoundTensor;
  readonly #output: BoundTensor;
  readonly #batchSize: number;
  readonly #outputs: number;

  private constructor(
    runtime: Runtime,
    session: Session,
    data: BoundData,
    state: TrainingState,
    scalars: ReadonlyMap<string, HostScalar>,
    { batchSize, outputs }: NetworkDescription,
  ) {
    this.#batchSize = batchSize;
    this.#outputs = outputs;
    this.#index = runtime.allocate('int64', [batchSize]);
    this.#output = runtime.allocate('float32', [batchSize, outputs]);
    this.#session = new TwoSidedSession(runtime, session, state, {
      scalars,
      inputs: { ...data.tensors, 'batch.index': this.#index },
      outputs: { output: this.#output },
      held: [this.#index, this.#output],
    });
  }

  static async create(
    runtime: Runtime,
    description: NetworkDescription,
    data: BoundData,
    state: TrainingState,
    session: SessionOptions,
  ): Promise<Evaluator> {
    const { model, scalars } = compileEvaluation(description, state.packs);
    const loaded = await runtime.load(writeModel(model), session);
    return new Evaluator(runtime, loaded, data, state, scalars, description);
  }

  /** Sets today's strengths, for what acts in inference too. */
  setStrengths(strengthAt: (regularizer: number) => number): void {
    this.#session.setStrengths(strengthAt);
  }

  /** Outputs of the network, [rows.length, outputs] row-major. */
  async run(rows: Int32Array): Promise<Float32Array> {
    const outputs = this.#outputs;
    const result = new Float32Array(rows.length * outputs);
    const index = this.#index.data as BigInt64Array;
    for (let start = 0; start < rows.length; start += this.#batchSize) {
      const count = Math.min(this.#batchSize, rows.length - start);
      // The last, smaller batch repeats its first row: shapes are static, and the surplus is dropped.
      for (let i = 0; i < this.#batchSize; i++) index[i] = BigInt(rows[start + (i < count ? i : 0)]);
      await this.#session.run();
      result.set((this.#output.data as Float32Array).subarray(0, count * outputs), start * outputs);
    }
    return result;
  }

  release(): void {
    this.#session.release();
  }
}

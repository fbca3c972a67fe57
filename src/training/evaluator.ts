import { GraphBuilder } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import { inline } from '../graph/inline.js';
import type { Model } from '../graph/model.js';
import type { Binding, BoundTensor, Runtime, Session, SessionOptions } from '../graph/runtime/runtime.js';
import type { DataType } from '../graph/tensor.js';
import type { InputDescription } from '../regularizers/regularizer.js';
import type { Architecture } from './architecture.js';
import { type Pack, unpack } from './packing.js';
import type { BoundData, TrainingState } from './program.js';

export interface EvaluatorDescription {
  readonly architecture: Architecture;
  readonly inputs: readonly (InputDescription & { readonly type: DataType })[];
  readonly outputs: number;
  readonly rows: number;
  readonly batchSize: number;
}

/** The network in inference mode on gathered rows, with weights as inputs: the training state is bound, not copied. */
function compileEvaluation(
  { architecture, inputs, outputs, rows, batchSize }: EvaluatorDescription,
  packs: readonly Pack[],
): Model {
  const b = new GraphBuilder('evaluation');
  const index = b.input('batch.index', 'int64', [batchSize]);
  const fed = Object.fromEntries(
    inputs.map(({ name, type, shape }) => [name, b.gather(b.input(`data.${name}`, type, [rows, ...shape]), index)]),
  );
  const parameters = new Map(
    packs.flatMap((pack) => [...unpack(b, pack, b.input(`parameter.${pack.name}`, 'float32', pack.shape))]),
  );
  const buffers = new Map(
    architecture.buffers.map(({ name, initial }) => [name, b.input(`buffer.${name}`, 'float32', initial.shape)]),
  );
  const results = inline(b, architecture.graph, {
    inputs: fed,
    prefix: 'model.',
    parameter: (name) => parameters.get(name) ?? buffers.get(name),
    replace: (node, nodeInputs) => (node.opType === 'Dropout' ? [nodeInputs[0]!] : undefined),
  });
  b.output('output', b.reshape(results[architecture.graph.outputs[0].name], [batchSize, outputs]));
  return b.model();
}

/** Runs the evaluation graph over lists of rows with the present weights of a training state. */
export class Evaluator {
  readonly #session: Session;
  readonly #bindings: readonly [Binding, Binding];
  readonly #index: BoundTensor;
  readonly #output: BoundTensor;
  readonly #state: TrainingState;
  readonly #batchSize: number;
  readonly #outputs: number;

  private constructor(
    runtime: Runtime,
    session: Session,
    data: BoundData,
    state: TrainingState,
    { batchSize, outputs }: EvaluatorDescription,
  ) {
    this.#session = session;
    this.#state = state;
    this.#batchSize = batchSize;
    this.#outputs = outputs;
    this.#index = runtime.allocate('int64', [batchSize]);
    this.#output = runtime.allocate('float32', [batchSize, outputs]);
    const needed = new Set(session.inputs.map(({ name }) => name));
    const bind = (side: 0 | 1): Binding => {
      const all = { ...data.tensors, ...state.tensors(side), 'batch.index': this.#index };
      const inputs = Object.fromEntries(Object.entries(all).filter(([name]) => needed.has(name)));
      return session.bind(inputs, { output: this.#output });
    };
    this.#bindings = [bind(0), bind(1)];
  }

  static async create(
    runtime: Runtime,
    description: EvaluatorDescription,
    data: BoundData,
    state: TrainingState,
    session: SessionOptions,
  ): Promise<Evaluator> {
    const loaded = await runtime.load(writeModel(compileEvaluation(description, state.packs)), session);
    return new Evaluator(runtime, loaded, data, state, description);
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
      await this.#bindings[this.#state.side].run();
      result.set((this.#output.data as Float32Array).subarray(0, count * outputs), start * outputs);
    }
    return result;
  }

  release(): void {
    for (const binding of this.#bindings) binding.release();
    this.#session.release();
    this.#index.release();
    this.#output.release();
  }
}

import { GraphBuilder } from '../graph/builder.js';
import { removeDeadCode } from '../graph/format/dead-code.js';
import { writeModel } from '../graph/format/encode.js';
import { float, type Graph } from '../graph/model.js';
import type { Binding, BoundTensor, Runtime, Session, SessionOptions } from '../graph/runtime/runtime.js';
import { derive } from '../numeric/random.js';
import { unpack } from './packing.js';
import type { BoundData, TrainingState } from './program.js';
import { type HostScalar, type NetworkDescription, ownTensors, StepGraph } from './step-graph.js';

/**
 * Running statistics of batch normalization for weights that no step has run with, such as averages: the mean over
 * batches of each batch's mean and (unbiased) variance, as torch.optim.swa_utils.update_bn takes them. The network is as
 * in inference otherwise: nothing is dropped, disturbed or mixed.
 */
export class RunningStatistics {
  readonly #session: Session;
  readonly #bindings: readonly [Binding, Binding];
  readonly #index: BoundTensor;
  readonly #results: Readonly<Record<string, BoundTensor>>;
  readonly #strengths: readonly { readonly regularizer: number; readonly target: BoundTensor }[];
  readonly #state: TrainingState;
  readonly #batchSize: number;

  private constructor(
    runtime: Runtime,
    session: Session,
    data: BoundData,
    state: TrainingState,
    scalars: ReadonlyMap<string, HostScalar>,
    { batchSize, architecture }: NetworkDescription,
  ) {
    this.#session = session;
    this.#state = state;
    this.#batchSize = batchSize;
    this.#index = runtime.allocate('int64', [batchSize]);
    const fed: Record<string, BoundTensor> = {};
    this.#strengths = [...scalars].flatMap(([name, host]) => {
      if (host.kind !== 'strength') return [];
      fed[name] = runtime.allocate('float32', []);
      return [{ regularizer: host.regularizer, target: fed[name] }];
    });
    this.#results = Object.fromEntries(
      architecture.buffers.map(({ name, initial }) => [name, runtime.allocate('float32', initial.shape)]),
    );
    const outputs = Object.fromEntries(
      Object.entries(this.#results).map(([name, target]) => [`statistics.${name}`, target]),
    );
    const bind = (side: 0 | 1): Binding => {
      const all = { ...data.tensors, ...state.tensors(side), ...fed, 'batch.index': this.#index };
      const inputs = Object.fromEntries(
        session.inputs.map(({ name }) => [name, (all as Record<string, BoundTensor>)[name]]),
      );
      return session.bind(inputs, outputs);
    };
    this.#bindings = [bind(0), bind(1)];
  }

  static async create(
    runtime: Runtime,
    description: NetworkDescription,
    data: BoundData,
    state: TrainingState,
    session: SessionOptions,
  ): Promise<RunningStatistics> {
    const { inputs, rows, batchSize, architecture } = description;
    const b = new GraphBuilder('statistics');
    const fresh = { ...description, architecture: { ...architecture, graph: withoutMomentum(architecture.graph) } };
    const step = new StepGraph(b, fresh, 'inference');
    const own = ownTensors(description);
    const stored = new Map(
      state.packs.flatMap((pack) => [...unpack(b, pack, b.input(`parameter.${pack.name}`, 'float32', pack.shape))]),
    );
    for (const { name } of own.parameters) step.setOwn(name, stored.get(name)!);
    for (const { name, shape } of own.state) step.setOwn(name, b.input(`state.${name}`, 'float32', shape));
    step.useWeights(stored);
    const index = b.input('batch.index', 'int64', [batchSize]);
    const fed = Object.fromEntries(
      inputs.map(({ name, type, shape }) => [name, b.gather(b.input(`data.${name}`, type, [rows, ...shape]), index)]),
    );
    step.pass(fed, {}, true);
    for (const [name, value] of step.newBuffers) b.output(`statistics.${name}`, value);
    const model = b.model();
    const loaded = await runtime.load(writeModel({ ...model, graph: removeDeadCode(model.graph) }), session);
    return new RunningStatistics(runtime, loaded, data, state, step.scalars, description);
  }

  /**
   * The statistics of the present weights over these rows, by name. Rows beyond the last full batch are left out.
   *
   * @param rows in the order in which batches are cut
   */
  async over(
    rows: Int32Array,
    strengthAt: (regularizer: number) => number,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    for (const { regularizer, target } of this.#strengths) {
      (target.data as Float32Array)[0] = strengthAt(regularizer);
    }
    const sums = new Map(
      Object.entries(this.#results).map(([name, { data }]) => [name, new Float64Array(data.length)] as const),
    );
    const index = this.#index.data as BigInt64Array;
    const batches = Math.floor(rows.length / this.#batchSize);
    for (let batch = 0; batch < batches; batch++) {
      for (let i = 0; i < index.length; i++) index[i] = BigInt(rows[batch * index.length + i]);
      await this.#bindings[this.#state.side].run();
      for (const [name, { data }] of Object.entries(this.#results)) {
        const sum = sums.get(name)!;
        for (let i = 0; i < sum.length; i++) sum[i] += Number(data[i]);
      }
    }
    return new Map([...sums].map(([name, sum]) => [name, Float32Array.from(sum, (value) => value / batches)]));
  }

  release(): void {
    for (const binding of this.#bindings) binding.release();
    this.#session.release();
    this.#index.release();
    for (const target of [...Object.values(this.#results), ...this.#strengths.map((entry) => entry.target)]) {
      target.release();
    }
  }
}

/** The order in which training rows are cut into batches for statistics: fixed, and apart from their classes. */
export function statisticsOrder(rows: Int32Array): Int32Array {
  return derive(1, 'statistics').shuffle(rows.slice());
}

/** Batch normalization's running statistics after a step are then those of the batch. */
function withoutMomentum(graph: Graph): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map((node) =>
      node.opType === 'BatchNormalization' ? { ...node, attributes: { ...node.attributes, momentum: float(0) } } : node,
    ),
  };
}

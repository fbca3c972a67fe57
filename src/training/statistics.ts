import { GraphBuilder } from '../graph/builder.js';
import { removeDeadCode } from '../graph/format/dead-code.js';
import { writeModel } from '../graph/format/encode.js';
import { float, type Graph } from '../graph/model.js';
import type { BoundTensor, Runtime, Session, SessionOptions } from '../graph/runtime/runtime.js';
import { derive } from '../numeric/random.js';
import { unpack } from './packing.js';
import type { BoundData, TrainingState } from './program.js';
import { type HostScalar, type NetworkDescription, ownTensors, StepGraph } from './step-graph.js';
import { TwoSidedSession } from './two-sided.js';

/**
 * Running statistics of batch normalization for weights that no step has run with, such as averages: the mean over
 * batches of each batch's mean and (unbiased) variance, as torch.optim.swa_utils.update_bn takes them. The network is as
 * in inference otherwise: nothing is dropped, disturbed or mixed.
 */
export class RunningStatistics {
  readonly #session: TwoSidedSession;
  readonly #index: BoundTensor;
  readonly #results: Readonly<Record<string, BoundTensor>>;

  private constructor(
    runtime: Runtime,
    session: Session,
    data: BoundData,
    state: TrainingState,
    scalars: ReadonlyMap<string, HostScalar>,
    { batchSize, architecture }: NetworkDescription,
  ) {
    this.#index = runtime.allocate('int64', [batchSize]);
    this.#results = Object.fromEntries(
      architecture.buffers.map(({ name, initial }) => [name, runtime.allocate('float32', initial.shape)]),
    );
    this.#session = new TwoSidedSession(runtime, session, state, {
      scalars,
      inputs: { ...data.tensors, 'batch.index': this.#index },
      outputs: Object.fromEntries(
        Object.entries(this.#results).map(([name, target]) => [`statistics.${name}`, target]),
      ),
      held: [this.#index, ...Object.values(this.#results)],
    });
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
   * The statistics of the present weights over these rows, a batch at least, by name. Rows beyond the last full batch are
   * left out.
   *
   * @param rows in the order in which batches are cut
   */
  async over(
    rows: Int32Array,
    strengthAt: (regularizer: number) => number,
  ): Promise<ReadonlyMap<string, Float32Array>> {
    this.#session.setStrengths(strengthAt);
    const sums = new Map(
      Object.entries(this.#results).map(([name, { data }]) => [name, new Float64Array(data.length)] as const),
    );
    const index = this.#index.data as BigInt64Array;
    const batches = Math.floor(rows.length / index.length);
    for (let batch = 0; batch < batches; batch++) {
      for (let i = 0; i < index.length; i++) index[i] = BigInt(rows[batch * index.length + i]);
      await this.#session.run();
      for (const [name, { data }] of Object.entries(this.#results)) {
        const sum = sums.get(name)!;
        for (let i = 0; i < sum.length; i++) sum[i] += Number(data[i]);
      }
    }
    return new Map([...sums].map(([name, sum]) => [name, Float32Array.from(sum, (value) => value / batches)]));
  }

  release(): void {
    this.#session.release();
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

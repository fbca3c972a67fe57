import type { Value } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import { gradients } from '../graph/gradients.js';
import type { BoundTensor, Runtime, Session, SessionOptions } from '../graph/runtime/runtime.js';
import { derive } from '../numeric/random.js';
import { inferenceGraph } from './evaluator.js';
import type { BoundData, TrainingState } from './program.js';
import { type HostScalar, type NetworkDescription, rivalsOf } from './step-graph.js';
import { TwoSidedSession } from './two-sided.js';

/**
 * Labels under which the log likelihood is taken: of the model's own distribution, in expectation or one drawn a row, or
 * those given.
 */
export type FisherLabels = 'exact' | 'sampled' | 'empirical';

/** Mean squared gradients over rows, by name of the parameter; of a task, only its own classes compete where it has a head. */
export type SquaredGradientsOf = (
  rows: Int32Array,
  labels: FisherLabels,
  task: number,
) => Promise<ReadonlyMap<string, Float32Array>>;

interface Over {
  readonly labels: FisherLabels;
  readonly seed: number;
  readonly task: number;
  readonly strengthAt: (regularizer: number) => number;
}

/** Classes less likely than this add nothing to an expectation. */
const UNLIKELY = 1e-8;

/**
 * The squared gradient of one row's log likelihood, in inference mode at the present weights. For regression the likelihood
 * is normal with deviation 1, whose expectation over labels is the squared gradient of the prediction itself.
 */
export class SquaredGradients {
  readonly #session: TwoSidedSession;
  readonly #index: BoundTensor;
  readonly #target: BoundTensor;
  readonly #rivals: BoundTensor;
  readonly #probabilities: BoundTensor;
  readonly #gradients: ReadonlyMap<string, BoundTensor>;
  readonly #description: NetworkDescription;
  readonly #data: BoundData;

  private constructor(
    runtime: Runtime,
    session: Session,
    description: NetworkDescription,
    data: BoundData,
    state: TrainingState,
    scalars: ReadonlyMap<string, HostScalar>,
    names: readonly string[],
  ) {
    const { outputs, architecture } = description;
    this.#data = data;
    this.#description = description;
    this.#index = runtime.allocate('int64', [1]);
    this.#target = runtime.allocate('float32', [1, outputs]);
    this.#rivals = runtime.allocate('float32', [1, outputs]);
    this.#probabilities = runtime.allocate('float32', [1, outputs]);
    this.#gradients = new Map(
      architecture.parameters
        .filter(({ name }) => names.includes(name))
        .map(({ name, shape }) => [name, runtime.allocate('float32', shape)]),
    );
    const fed = {
      'batch.index': this.#index,
      'fisher.target': this.#target,
      'fisher.rivals': this.#rivals,
    };
    this.#session = new TwoSidedSession(runtime, session, state, {
      scalars,
      inputs: { ...data.tensors, ...fed },
      outputs: {
        ...Object.fromEntries([...this.#gradients].map(([name, bound]) => [`gradient.${name}`, bound])),
        probabilities: this.#probabilities,
      },
      held: [...Object.values(fed), this.#probabilities, ...this.#gradients.values()],
    });
  }

  static async create(
    runtime: Runtime,
    description: NetworkDescription,
    data: BoundData,
    state: TrainingState,
    options: SessionOptions,
  ): Promise<SquaredGradients> {
    const { inputs, rows, outputs, task } = description;
    const names: string[] = [];
    const { model, scalars } = inferenceGraph(
      { ...description, batchSize: 1 },
      state.packs,
      (step, _weights, stored) => {
        const { b } = step;
        const index = b.input('batch.index', 'int64', [1]);
        const target = b.input('fisher.target', 'float32', [1, outputs]);
        const rivals = b.input('fisher.rivals', 'float32', [1, outputs]);
        const fed = Object.fromEntries(
          inputs.map(({ name, type, shape }) => [
            name,
            b.gather(b.input(`data.${name}`, type, [rows, ...shape]), index),
          ]),
        );
        const output = b.add(step.pass(fed).logits, rivals);
        // The gradient of the log likelihood by the output is target - p, or the target itself, a residual, for a number.
        const likelihood = b.reduceSum(b.mul(task === 'classification' ? b.logSoftmax(output) : output, target));
        const found = gradients(b, likelihood, [...stored.values()]);
        [...stored.keys()].forEach((name, i) => {
          const gradient: Value | undefined = found[i];
          if (gradient === undefined) return;
          names.push(name);
          b.output(`gradient.${name}`, gradient);
        });
        b.output('probabilities', task === 'classification' ? b.softmax(output) : output);
      },
    );
    const session = await runtime.load(writeModel(model), options);
    return new SquaredGradients(runtime, session, description, data, state, scalars, names);
  }

  async over(rows: Int32Array, { labels, seed, task, strengthAt }: Over): Promise<ReadonlyMap<string, Float32Array>> {
    const { outputs, tasks } = this.#description;
    this.#session.setStrengths(strengthAt);
    const rivals = tasks?.ownHeads === true ? rivalsOf(tasks, outputs)[task] : new Float32Array(outputs);
    (this.#rivals.data as Float32Array).set(rivals);
    const sums = new Map([...this.#gradients].map(([name, { data }]) => [name, new Float64Array(data.length)]));
    const stream = derive(seed, 'fisher', task);
    const given = this.#data.tensors['data.target'].data;
    for (const row of rows) {
      (this.#index.data as BigInt64Array)[0] = BigInt(row);
      await this.#addRow(labels, Number(given[row]), stream.uniform(), sums);
    }
    return new Map([...sums].map(([name, sum]) => [name, Float32Array.from(sum, (value) => value / rows.length)]));
  }

  /** Adds one row's squared gradients, weighted by the probabilities of the labels they are taken under. */
  async #addRow(labels: FisherLabels, given: number, drawn: number, sums: Map<string, Float64Array>): Promise<void> {
    const { task, outputs } = this.#description;
    const target = this.#target.data as Float32Array;
    if (task === 'regression') {
      target[0] = 1;
      const prediction = (await this.#run())[0];
      this.#add(sums, labels === 'empirical' ? (given - prediction) ** 2 : 1);
      return;
    }
    const probabilities = await this.#under(labels === 'empirical' ? given : 0);
    if (labels === 'empirical') {
      this.#add(sums, 1);
      return;
    }
    if (labels === 'sampled') {
      let label = 0;
      for (let sum = probabilities[0]; sum < drawn && label + 1 < outputs; sum += probabilities[label]) label++;
      await this.#under(label);
      this.#add(sums, 1);
      return;
    }
    for (let label = 0; label < outputs; label++) {
      if (probabilities[label] < UNLIKELY) continue;
      if (label > 0) await this.#under(label);
      this.#add(sums, probabilities[label]);
    }
  }

  /** Runs with one label; returns a copy of the probabilities of all. */
  async #under(label: number): Promise<Float32Array> {
    const target = this.#target.data as Float32Array;
    target.fill(0);
    target[label] = 1;
    return this.#run();
  }

  async #run(): Promise<Float32Array> {
    await this.#session.run();
    return (this.#probabilities.data as Float32Array).slice();
  }

  #add(sums: Map<string, Float64Array>, weight: number): void {
    for (const [name, { data }] of this.#gradients) {
      const sum = sums.get(name)!;
      const values = data as Float32Array;
      for (let i = 0; i < values.length; i++) sum[i] += weight * values[i] * values[i];
    }
  }

  release(): void {
    this.#session.release();
  }
}

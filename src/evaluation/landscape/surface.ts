import { BallastError } from '../../errors.js';
import { GraphBuilder, type Value } from '../../graph/builder.js';
import { removeDeadCode } from '../../graph/format/dead-code.js';
import { writeModel } from '../../graph/format/encode.js';
import { gradients } from '../../graph/gradients.js';
import { inline } from '../../graph/inline.js';
import type { Graph, Model } from '../../graph/model.js';
import { isFloat } from '../../graph/operators/operator.js';
import type { Binding, BoundTensor, Runtime, Session } from '../../graph/runtime/runtime.js';
import { type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import { logitsOf } from '../classifier-output.js';
import { invalid } from '../invalid.js';

/** A trained parameter: float32, by the name of its initializer. */
export interface SurfaceParameter {
  readonly name: string;
  readonly role: 'weight' | 'bias' | 'norm' | 'embedding';
  readonly shape: readonly number[];
  /** Axis along which a weight's output units (filters) lie. */
  readonly unitAxis?: number | undefined;
}

/** A network and the rows whose loss is looked at. */
export interface SurfaceSubject {
  /** Opset 21 (`upgrade` brings a model there); a final Softmax is taken off. */
  readonly graph: Graph;
  readonly task: 'classification' | 'regression';
  /** Output with one score a class (logits, or the result of a Softmax), or with one prediction a row. */
  readonly output: string;
  readonly parameters: readonly SurfaceParameter[];
  /** Initializers that are no parameters and move along between two models: running statistics. */
  readonly statistics: readonly string[];
  /** [rows, ...] by name of the input. */
  readonly inputs: Readonly<Record<string, Tensor<NumericArray>>>;
  /** Class indices or numbers, [rows]. */
  readonly target: ArrayLike<number>;
  /** Of rows; all alike unless given. */
  readonly weights?: ArrayLike<number> | undefined;
}

/** The loss at one point. */
export interface LossAt {
  /** Weighted mean over the rows. */
  readonly loss: number;
  /** Of each row. */
  readonly losses: Float64Array;
}

const BATCH = 256;
const PARAMETER = 'parameter.';
const ALONG = 'along.';
const DATA = 'data.';

type Kind = 'loss' | 'gradient' | 'product';

/**
 * The loss of a network on fixed rows as a function of its parameters: mean cross-entropy, or half the mean squared error,
 * without penalties, in inference mode (no dropout, running statistics fixed). A point is one vector of all parameters,
 * in their order; running statistics may follow.
 *
 * The three graphs (loss, gradient, product of the Hessian with a vector) are compiled when first asked for; each of its
 * methods throws GRAPH_NOT_DIFFERENTIABLE naming the node where an operator has no gradient.
 */
export class LossSurface {
  readonly parameters: readonly SurfaceParameter[];
  /** Number of parameters: the length of a gradient. */
  readonly dimension: number;
  /** The network as it is: parameters, then running statistics. */
  readonly start: Float32Array;
  readonly rows: number;
  readonly #runtime: Runtime;
  readonly #subject: SurfaceSubject;
  readonly #signal: AbortSignal | undefined;
  readonly #batch: number;
  /** Of rows; they add up to 1. */
  readonly weights: Float64Array;
  readonly #tensors: Record<string, BoundTensor> = {};
  readonly #owned: BoundTensor[] = [];
  readonly #programs = new Map<Kind, Program>();

  /**
   * @throws BallastError LANDSCAPE_OUTPUT where the output is no score a class or prediction a row; those of `inline`,
   *   naming the node, where the graph cannot be made static
   */
  constructor(runtime: Runtime, subject: SurfaceSubject, { signal }: { signal?: AbortSignal | undefined } = {}) {
    const { parameters, statistics, graph, target, weights } = subject;
    this.#runtime = runtime;
    this.#subject = subject;
    this.#signal = signal;
    this.parameters = parameters;
    this.rows = target.length;
    this.#batch = Math.min(BATCH, this.rows);
    const moving = [...parameters.map(({ name }) => name), ...statistics];
    const initial = moving.map((name) => graph.initializers.get(name)!.data as Float32Array);
    this.start = new Float32Array(initial.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const data of initial) {
      this.start.set(data, at);
      at += data.length;
    }
    this.dimension = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const total = weights === undefined ? this.rows : Array.from(weights).reduce((sum, weight) => sum + weight, 0);
    this.weights = Float64Array.from({ length: this.rows }, (_, row) => (weights?.[row] ?? 1) / total);
    if (!(this.rows > 0 && total > 0))
      throw invalid('there are no rows to take a loss on', 'LANDSCAPE_ROWS', this.rows);
  }

  /** The loss at a point; a point without running statistics has those of the start. */
  async loss(point: Float32Array): Promise<LossAt> {
    const losses = new Float64Array(this.rows);
    await this.#run('loss', point, undefined, (outputs, from, count) => {
      losses.set((outputs.losses.data as Float32Array).subarray(0, count), from);
    });
    return { loss: this.meanOf(losses), losses };
  }

  /** The gradient of the loss by the parameters. */
  gradient(point: Float32Array): Promise<Float64Array> {
    return this.#sum('gradient', point, undefined);
  }

  /**
   * The Hessian at a point times a vector: the gradient of <gradient, vector>, a graph that is differentiated twice. Where
   * the loss has a kink (ReLU), it is that of the piece the point lies on, as in every framework.
   */
  product(point: Float32Array, vector: Float64Array): Promise<Float64Array> {
    return this.#sum('product', point, vector);
  }

  /** Weighted mean of one number a row. */
  meanOf(values: Float64Array): number {
    return values.reduce((sum, value, row) => sum + value * this.weights[row], 0);
  }

  release(): void {
    for (const { binding, session } of this.#programs.values()) {
      binding.release();
      session.release();
    }
    for (const tensor of this.#owned) tensor.release();
    this.#programs.clear();
  }

  async #sum(kind: 'gradient' | 'product', point: Float32Array, vector: Float64Array | undefined) {
    const total = new Float64Array(this.dimension);
    await this.#run(kind, point, vector, (outputs) => {
      const part = outputs[kind].data as Float32Array;
      for (let i = 0; i < total.length; i++) total[i] += part[i];
    });
    return total;
  }

  async #run(
    kind: Kind,
    point: Float32Array,
    vector: Float64Array | undefined,
    take: (outputs: Readonly<Record<string, BoundTensor>>, from: number, count: number) => void,
  ): Promise<void> {
    const { binding, outputs } = await this.#program(kind);
    const { parameters, statistics } = this.#subject;
    let at = 0;
    for (const name of [...parameters.map((parameter) => parameter.name), ...statistics]) {
      const { data } = this.#tensors[PARAMETER + name];
      const source = at < point.length ? point : this.start;
      (data as Float32Array).set(source.subarray(at, at + data.length));
      const along = this.#tensors[ALONG + name];
      if (vector !== undefined && along !== undefined) {
        (along.data as Float32Array).set(vector.subarray(at, at + data.length));
      }
      at += data.length;
    }
    const index = this.#tensors.index.data as BigInt64Array;
    const weight = this.#tensors.weight.data as Float32Array;
    for (let from = 0; from < this.rows; from += this.#batch) {
      if (this.#signal?.aborted === true) throw cancelled();
      const count = Math.min(this.#batch, this.rows - from);
      // The last, smaller batch repeats its first row without weight: shapes are static.
      for (let i = 0; i < this.#batch; i++) {
        index[i] = BigInt(from + (i < count ? i : 0));
        weight[i] = i < count ? this.weights[from + i] : 0;
      }
      await binding.run();
      take(outputs, from, count);
    }
  }

  async #program(kind: Kind): Promise<Program> {
    const known = this.#programs.get(kind);
    if (known !== undefined) return known;
    const session = await this.#runtime.load(writeModel(surfaceModel(this.#subject, kind, this.#batch)));
    if (Object.keys(this.#tensors).length === 0) this.#allocate();
    const inputs = Object.fromEntries(session.inputs.map(({ name }) => [name, this.#tensors[name]]));
    const outputs = Object.fromEntries(
      session.outputs.map(({ name, shape }) => [name, this.#own('float32', shape as number[])]),
    );
    const program = { session, binding: session.bind(inputs, outputs), outputs };
    this.#programs.set(kind, program);
    return program;
  }

  #allocate(): void {
    const { parameters, statistics, graph, inputs, target, task } = this.#subject;
    for (const { name, shape } of parameters) this.#tensors[ALONG + name] = this.#own('float32', shape);
    for (const name of [...parameters.map((parameter) => parameter.name), ...statistics]) {
      this.#tensors[PARAMETER + name] = this.#own('float32', graph.initializers.get(name)!.shape);
    }
    for (const [name, { type, shape, data }] of Object.entries(inputs)) {
      this.#tensors[DATA + name] = this.#own(type as BoundTensor['type'], shape);
      this.#tensors[DATA + name].data.set(data as never);
    }
    this.#tensors.index = this.#own('int64', [this.#batch]);
    this.#tensors.weight = this.#own('float32', [this.#batch]);
    this.#tensors.target = this.#own(task === 'classification' ? 'int64' : 'float32', [this.rows]);
    const { data } = this.#tensors.target;
    for (let row = 0; row < this.rows; row++) {
      data[row] = task === 'classification' ? BigInt(target[row]) : target[row];
    }
  }

  #own(type: BoundTensor['type'], shape: readonly number[]): BoundTensor {
    const made = this.#runtime.allocate(type, shape);
    this.#owned.push(made);
    return made;
  }
}

interface Program {
  readonly session: Session;
  readonly binding: Binding;
  readonly outputs: Readonly<Record<string, BoundTensor>>;
}

/** The graph of one batch: losses of its rows, or the weighted sum's gradient or Hessian product as one vector. */
function surfaceModel(subject: SurfaceSubject, kind: Kind, batch: number): Model {
  const { graph, task, output, parameters, statistics, inputs, target } = subject;
  const b = new GraphBuilder('landscape');
  const moving = new Map<string, Value>();
  for (const name of [...parameters.map((parameter) => parameter.name), ...statistics]) {
    moving.set(name, b.input(PARAMETER + name, 'float32', graph.initializers.get(name)!.shape));
  }
  const index = b.input('index', 'int64', [batch]);
  const fed = Object.fromEntries(
    Object.entries(inputs).map(([name, { type, shape }]) => [name, b.gather(b.input(DATA + name, type, shape), index)]),
  );
  const answer = b.gather(b.input('target', task === 'classification' ? 'int64' : 'float32', [target.length]), index);
  const { source, name } = task === 'classification' ? logitsOf(graph, output) : { source: graph, name: output };
  const results = inline(b, source, {
    inputs: fed,
    parameter: (initializer) => moving.get(initializer),
    prefix: 'model.',
    replace: (node, given) => (node.opType === 'Dropout' ? [given[0]!] : undefined),
  });
  const losses = lossesOf(b, results[name], answer, subject);
  if (kind === 'loss') b.output('losses', losses);
  else {
    const objective = b.reduceSum(b.mul(losses, b.input('weight', 'float32', [batch])));
    const values = parameters.map((parameter) => moving.get(parameter.name)!);
    const first = gradients(b, objective, values);
    if (kind === 'gradient') b.output('gradient', flat(b, first, values));
    else {
      const parts = parameters.flatMap((parameter, i) => {
        const gradient = first[i];
        if (gradient === undefined) return [];
        return [b.reduceSum(b.mul(gradient, b.input(ALONG + parameter.name, 'float32', parameter.shape)))];
      });
      b.output('product', flat(b, gradients(b, parts.reduce(b.add), values), values));
    }
  }
  const model = b.model();
  return { ...model, graph: removeDeadCode(model.graph) };
}

/** One vector of all; what the result does not depend on is zero. */
function flat(b: GraphBuilder, parts: readonly (Value | undefined)[], like: readonly Value[]): Value {
  return b.concat(
    like.map((value, i) => b.reshape(parts[i] ?? b.scalar(0, 'float32', value.shape), [sizeOf(value.shape)])),
    0,
  );
}

/** Cross-entropy, or half the squared error, as training has it: [batch]. */
function lossesOf(b: GraphBuilder, scores: Value, target: Value, { task, output, graph }: SurfaceSubject): Value {
  const batch = target.shape[0];
  const width = sizeOf(scores.shape) / batch;
  if (scores.type !== 'float32' || !isFloat(scores.type) || (task === 'classification' ? width < 2 : width !== 1)) {
    throw invalid(
      `output "${output}" does not hold ${task === 'classification' ? 'a score for each class' : 'one prediction a row'}`,
      'LANDSCAPE_OUTPUT',
      `${scores.type} [${scores.shape}]`,
      `graph ${graph.name}`,
      'Name an output of logits or probabilities in float32 with --output',
    );
  }
  if (task === 'regression') {
    const error = b.sub(b.reshape(scores, [batch]), target);
    return b.mul(b.mul(error, error), 0.5);
  }
  const logits = b.reshape(scores, [batch, width]);
  return b.neg(b.reduceSum(b.mul(b.logSoftmax(logits), b.oneHot(target, width)), [1]));
}

/** point + scale * vector; running statistics stay. */
export function moved(point: Float32Array, vector: ArrayLike<number>, scale: number): Float32Array {
  return point.map((value, i) => (i < vector.length ? value + scale * vector[i] : value));
}

export function lengthOf(vector: Float32Array | Float64Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

export function dot(first: Float64Array, second: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < first.length; i++) sum += first[i] * second[i];
  return sum;
}

function cancelled(): BallastError {
  return new BallastError('interrupted: nothing was written', { code: 'INTERRUPTED', kind: 'cancelled' });
}

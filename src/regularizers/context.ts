import type { GraphBuilder, Value } from '../graph/builder.js';
import type { Graph } from '../graph/model.js';
import type { RandomSite } from '../graph/random.js';
import type { NumericArray, Tensor } from '../graph/tensor.js';
import type { Random } from '../numeric/random.js';
import type { Finding } from './finding.js';
import type { InputDescription, Parameter, RowColumn, Setting } from './regularizer.js';

/** What every hook is given. */
export interface StepContext {
  readonly b: GraphBuilder;
  readonly batchSize: number;
  readonly task: 'classification' | 'regression';
  /** Columns of the logits or of the prediction. */
  readonly outputs: number;
  /** Rows of each class among those trained on; empty for regression. */
  readonly classRows: readonly number[];
  readonly inputs: readonly InputDescription[];
  /** What is known of the run before its first step. */
  readonly setting: OwnContext;
  /** Of prediction, only `weight` (and `forward` where declared) is part. */
  readonly phase: 'training' | 'inference';
  /** This regularizer's strength: a scalar of the graph, scheduled from outside. */
  readonly strength: Value;
  /** Numbers of this regularizer's own inside the graph, different at every call. */
  random(label: string): RandomSite;
  /** A scalar drawn on the host before each step (where no closed form fits into a graph), given today's strength and the step, from 1. */
  drawn(label: string, draw: (stream: Random, strength: number, step: number) => number): Value;
  /** Places where the architecture lets activations be disturbed, in order. */
  readonly sites: readonly SiteDescription[];
  /** One of its own parameters or state tensors, as declared. */
  own(name: string): Value;
  /** A parameter of the network as it is stored, before `weight` hooks. */
  stored(name: string): Value;
  /** One of its own row tensors, for the rows of this batch: [batch, ...]. */
  row(name: string): Value;
  /** A model of its own, as read from a file: inline it to differentiate or compare with it. */
  asset(name: string): Graph;
  /** What a state tensor of the graph holds after this step. Ignored in second passes: a step moves state once. */
  next(name: string, value: Value): void;
  /**
   * Codes int64 [batch] of the first column of that role in this batch, -1 where missing, and how many of the rows
   * trained on have each value; undefined without such a column.
   */
  column(
    role: RowColumn['role'],
  ): (RowColumn & { readonly codes: Value; readonly rows: readonly number[] }) | undefined;
  /** The tasks of the run, where it learns several one after the other. */
  readonly tasks: (Tasks & { readonly ownHeads?: boolean }) | undefined;
  /** 1 for rows of this batch whose label is known, else 0: [batch]; undefined where every row has one. */
  labelled(): Value | undefined;
  /**
   * The network once more, in training mode without `forward` hooks unless asked for, on other inputs, other weights, or
   * both; running statistics stay. Differentiable, unless the caller detaches it.
   */
  network(inputs: Readonly<Record<string, Value>>, options?: PassOptions): Pass;
  /** One loss a row [batch] of logits against target distributions (or predictions against numbers). */
  lossesOf(logits: Value, target: Value): Value;
}

export interface PassOptions {
  /** Weights to use in the place of the trained ones, by name: as the network sees them, after `weight` hooks. */
  readonly parameters?: ReadonlyMap<string, Value>;
  /** Whether `forward` hooks act. */
  readonly disturbed?: boolean;
}

/** One run of the network over a batch. */
export interface Pass {
  /** Logits or predictions [batch, outputs]. */
  readonly logits: Value;
  /** Values at the architecture's sites, as they left them, in order. */
  readonly activations: readonly Site[];
  /** The input of the last weighted layer, [batch, features]; undefined where it has another shape. */
  readonly features: Value | undefined;
  /** Logits of each network where several stand side by side; the logits themselves otherwise. */
  readonly members: readonly Value[];
}

/** The batch of a step on its way to the objective. */
export interface StepView extends Pass {
  readonly batch: Batch;
  /** What the loss compares with, after `targets` hooks. */
  readonly targets: Value;
  /** One loss a row, [batch]. */
  readonly losses: Value;
  /** Weight of each row in the mean, [batch]; undefined = all alike. */
  readonly rowWeights: Value | undefined;
  /** Weights as the network sees them. */
  readonly weights: readonly Weights[];
}

/** A mini-batch inside the graph. Classification targets are distributions [batch, classes], regression [batch, 1]. */
export interface Batch {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly target: Value;
}

/** A place where the architecture lets activations be disturbed: [batch, features] or [batch, channels, ...]. */
export interface Site {
  readonly name: string;
  /** What stands there: `attention` probabilities, the result of a residual `branch`, `embedding`s, or `hidden` activations. */
  readonly kind: SiteKind;
  readonly value: Value;
}

/** A layer that multiplies its inputs [..., features] by a weight. */
export interface Layer {
  readonly parameter: Parameter;
  readonly input: Value;
  /** As the network sees it. */
  readonly weight: Value;
  /** What it gives, its bias included. */
  readonly output: Value;
  /** The product alone, for other inputs and weights of these shapes. */
  product(input: Value, weight: Value): Value;
}

/** What is known of a site before a step. */
export interface SiteDescription {
  readonly name: string;
  readonly kind: SiteKind;
  /** Feature maps stand there: [batch, channels, ...]. */
  readonly map?: true;
  /** A batch normalization takes what comes of it. */
  readonly beforeBatchNorm?: true;
  /** All that the network's output knows of the inputs has gone through it: no branch leads past. */
  readonly whole?: true;
}

export type SiteKind = 'hidden' | 'embedding' | 'attention' | 'branch';

export interface Weights {
  readonly parameter: Parameter;
  readonly value: Value;
}

export interface UpdateContext extends StepContext {
  /** Learning rate of this step: a scalar of the graph. */
  readonly learningRate: Value;
  /**
   * What a unit of lasting gradient displaces a weight by under the optimizer in use: rate / (1 - momentum) for SGD, one
   * a weight for Adam. A proximal step scaled by it has its fixed point at the optimum of loss plus penalty.
   */
  readonly stepSize: Value;
}

/** A parameter or state tensor that a regularizer declares for itself. Its name is unique within the regularizer. */
export interface OwnTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Float32Array;
}

export interface OwnState extends OwnTensor {
  /** Who writes it: `next` in the graph, or the host's hooks. */
  readonly writer: 'graph' | 'host';
}

/** Values known of every row before training, which batches carry along: what a teacher says, how much a row weighs. */
export interface RowTensor {
  readonly name: string;
  /** Of one row; [] for a number a row. */
  readonly shape: readonly number[];
  /** All rows, [rows, ...shape]. Must follow from the context alone: a resumed run computes it again. */
  compute(context: PreparationContext): Promise<Float32Array>;
  /** What is worth telling of them. */
  findings?(values: Float32Array, context: PreparationContext): readonly Finding[];
}

/** Rows to train on beside those of the data; they are never validated on. */
export interface AddedExamples {
  /** [added, ...] for every input of the network. */
  readonly inputs: Readonly<Record<string, Tensor<NumericArray>>>;
  /** [added] class indices, or [added, 1]. */
  readonly target: Tensor<NumericArray>;
  /** Weights in the loss, where they are not 1. */
  readonly weights?: Float32Array;
  /** What is worth telling of them: how far they lie from real rows. */
  readonly findings?: readonly Finding[];
}

/** All that is known before the first step. */
export interface PreparationContext extends OwnContext {
  readonly strength: number;
  readonly options: unknown;
  /** [rows, ...] by name of the input. */
  readonly data: Readonly<Record<string, Tensor<NumericArray>>>;
  /** int64 [rows] class indices, or float32 [rows, 1]. */
  readonly target: Tensor<NumericArray>;
  readonly weights: Float32Array | undefined;
  /** Row numbers of the two parts, and of rows that regularizers added to the first. */
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly added: Int32Array;
  /** Rows without a label that are trained on beside them; their targets mean nothing. */
  readonly unlabelledRows: Int32Array;
  /** Codes of the first column of a role for all rows, -1 where missing. */
  codes(role: RowColumn['role']): Int32Array | undefined;
  asset(name: string): Graph;
  /**
   * What one of its models answers on every row, [rows, ...], run as it was read: on raw columns where it encodes them
   * itself, whatever its operators. Rows that regularizers added have no raw columns: zeros.
   */
  answers(name: string, output: string): Promise<{ readonly width: number; readonly data: Float32Array }>;
  /** The network with its initial weights. */
  readonly network: Graph;
  /** Outputs [rows.length, ...] of a graph with the network's inputs, in inference mode. */
  run(graph: Graph, rows: Int32Array, output?: string): Promise<Float32Array>;
}

/** A gradient on its way to the optimizer. The tensor may be several parameters of one role, flat. */
export interface Gradient extends Weights {
  readonly gradient: Value;
}

/** What own parameters and state are declared from. */
export interface OwnContext extends Setting {
  readonly seed: number;
  readonly outputs: number;
  /** Parameters with their initial values. */
  readonly initial: ReadonlyMap<string, Tensor<Float32Array>>;
  /** Running statistics of normalizations, with their initial values. */
  readonly buffers: ReadonlyMap<string, Tensor<Float32Array>>;
  /** Extent of {@link Pass.features}; undefined where the network has none. */
  readonly featureCount: number | undefined;
  readonly sites: readonly SiteDescription[];
}

/** Tasks that a run learns one after the other, in order. */
export interface Tasks {
  readonly names: readonly string[];
  /** Class indices of each task, where tasks are groups of classes. */
  readonly classes?: readonly (readonly number[])[];
}

/** What is drawn in an epoch of a run through tasks. */
export interface RehearsalContext {
  readonly seed: number;
  readonly strength: number;
  /** From 0. */
  readonly epoch: number;
  /** The epoch's task, from 0. */
  readonly task: number;
  readonly batchSize: number;
  /** Training rows of every task. */
  readonly rows: readonly Int32Array[];
}

/** Training seen from the host at the end of a task. */
export interface TaskView extends HostView {
  /** The task that has ended, from 0. */
  readonly task: number;
  /** Its labelled training rows. */
  readonly rows: Int32Array;
  /**
   * The mean over rows of the squared derivative of each row's log likelihood by each parameter, in inference mode at the
   * present weights: the diagonal of the Fisher information under labels of the model's own distribution (`exact`: the
   * expectation over them; `sampled`: one label a row), or with the labels given (`empirical`).
   */
  squaredGradients(
    rows: Int32Array,
    labels: 'exact' | 'sampled' | 'empirical',
  ): Promise<ReadonlyMap<string, Float32Array>>;
}

/** Training seen from the host, between two steps. Arrays are live: what is written into them, the next step reads. */
export interface HostView {
  /** Steps and epochs done; epochs with their fraction. */
  readonly step: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly totalEpochs: number;
  readonly strength: number;
  readonly seed: number;
  readonly parameters: ReadonlyMap<
    string,
    Pick<Parameter, 'role' | 'shape' | 'unitAxis'> & { readonly data: Float32Array }
  >;
  /** Running statistics of normalizations. */
  readonly buffers: ReadonlyMap<string, Float32Array>;
  /** Its own parameters and state, by their names. */
  readonly own: ReadonlyMap<string, Float32Array>;
}

/** What a trained model may be finished with. */
export interface FinishContext extends OwnContext {
  readonly strength: number;
  readonly own: ReadonlyMap<string, Float32Array>;
  /** Weights as they are stored, by name: what the graph holds in their place may be masked or rounded. */
  readonly trained: ReadonlyMap<string, Float32Array>;
  /** Row numbers of the training part; the validation part is for choosing strengths only. */
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly target: Tensor;
  /** Running statistics of normalizations, taken over the training rows, for other values of these weights. */
  statistics(weights: ReadonlyMap<string, Float32Array>): Promise<ReadonlyMap<string, Float32Array>>;
  /** What the network computes with in the place of these stored weights, where that differs: masked, rounded. */
  effective(weights: ReadonlyMap<string, Float32Array>): Promise<ReadonlyMap<string, Float32Array>>;
  /** Weights of all rows in the loss; undefined = all alike. */
  readonly weights: Float32Array | undefined;
  /** Codes of the first column of a role for all rows, -1 where missing. */
  codes(role: RowColumn['role']): Int32Array | undefined;
  /** Outputs [rows.length, outputs] of a graph with the network's inputs, in inference mode. */
  run(graph: Graph, rows: Int32Array, output?: string): Promise<Float32Array>;
  /**
   * Sums over rows, in double precision, of what `build` makes of a batch: of the network's inputs and of a weight a row
   * [batch], which is 0 for rows that only fill up the last batch and follows `weights` otherwise. By name of the value.
   */
  sum(
    rows: Int32Array,
    build: (
      b: GraphBuilder,
      batch: { readonly inputs: Readonly<Record<string, Value>>; readonly weight: Value },
    ) => Readonly<Record<string, Value>>,
  ): Promise<ReadonlyMap<string, Float64Array>>;
  /** Tells what was found while finishing: the run keeps it with its other findings. */
  tell(finding: Finding): void;
}

export interface ArchitectureContext {
  readonly seed: number;
  readonly task: 'classification' | 'regression';
  /** The network with other initial weights; undefined where a file gives them. */
  readonly redraw: ((seed: number) => Graph) | undefined;
}

export interface RatePosition {
  readonly epochs: number;
  readonly totalEpochs: number;
  readonly strength: number;
  /** Weighted layers from the input on: 0 is the first, `depth` - 1 the last; a parameter belongs to one. */
  readonly layer: number;
  readonly depth: number;
}

/** Serializable state of an after-epoch decision: survives checkpoints. */
export interface EpochMonitor {
  /** The metric it follows; undefined = the primary one. */
  readonly metric: string | undefined;
  observe(epoch: number, value: number, higherIsBetter: boolean): EpochVerdict;
  state(): Readonly<Record<string, number>>;
  restore(state: Readonly<Record<string, number>>): void;
}

export interface EpochVerdict {
  readonly best: boolean;
  readonly stop: boolean;
  readonly restoreBest: boolean;
}

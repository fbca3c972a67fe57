import type { z } from 'zod';
import type { GraphBuilder, Value } from '../graph/builder.js';
import type { Graph } from '../graph/model.js';
import type { RandomSite } from '../graph/random.js';
import type { Tensor } from '../graph/tensor.js';
import type { Random } from '../numeric/random.js';

/**
 * A regularizer is a value: it says where in the lifecycle it acts, how strong it is on a scale where more is
 * stronger, what it costs, what it does not go with, and when it fails. Training, tuning, paths, diagnosis, retraining,
 * provenance and the docs are all written against this one interface.
 *
 *     architecture(graph)            weight tying
 *     step:
 *       batch(batch)                 mixup, noise, augmentation, adversarial examples
 *       weight(parameter)            masks, spectral normalization, weight noise, fake quantization
 *       forward(site, tensor)        dropout
 *       targets(targets)             label smoothing
 *       losses(losses)               focal, bootstrapping: one loss a row
 *       rowWeights(weights)          small-loss selection, group DRO, CVaR
 *       objective(parameters)        + penalties on weights, activations, representations, predictions
 *       gradients(g)                 sharpness-aware second pass, noise; then clipping
 *       update(parameter)            decoupled decay, then the proximal step
 *     between steps, on the host     rate(parameter), afterStep, afterEpoch: freezing, averages, masks, early stopping
 *     after training                 finish(graph): averaged, Bayesian or ensembled predictions
 *
 * Each hook of the step is a pure function from graph values to graph values. The strength reaches it as a scalar of the
 * graph, so that a schedule, a sweep or a path needs no recompilation. A strength of constant 0 compiles to nothing.
 * What a regularizer remembers from step to step is declared as `parameters` (trained) or `state` (not trained).
 */
export interface Regularizer<Options = unknown> {
  /** Name in the spec: `weight-decay`. */
  readonly type: string;
  readonly title: string;
  /** One sentence: what it does. */
  readonly summary: string;
  /** Row of the technique catalogue it belongs to, e.g. `T3`. */
  readonly technique: string;
  readonly strength: StrengthScale;
  /** Options beside `type`, `strength` and `schedule`, with defaults. Unknown keys are errors. */
  readonly options: z.ZodType<Options>;
  readonly hooks: Hooks<Options>;
  /** Its `forward` hook acts on predictions too (fake quantization): elsewhere it is training's alone. */
  readonly forwardAtInference?: boolean;
  /** It reads activations: layers are then not fused over them. */
  readonly readsActivations?: boolean;
  /** Its update hooks need every weight tensor by itself: small ones are otherwise updated as one flat vector a role. */
  readonly wholeTensors?: boolean;
  /** Extra work of a training step and of inference, in words with a measured or derived figure. */
  readonly cost: { readonly training: string; readonly inference: string };
  /** When it does not help, or harms. */
  readonly fails: readonly string[];
  /** Effect against data size, in one sentence. */
  readonly dataSize: string;
  readonly references: readonly string[];
  /** Known bad company, judged before a run starts. */
  readonly conflicts?: (self: Active<Options>, setting: Setting) => Conflict[];
}

/** How the strength is measured. Larger is always stronger. */
export interface StrengthScale {
  /** What the number is: `coefficient lambda`, `drop probability`, `epochs of patience`. */
  readonly unit: string;
  readonly default: number;
  /** Sensible range for a search. */
  readonly range: readonly [low: number, high: number];
  readonly scale: 'log' | 'linear';
  /** Hard limits of the value itself: [low, high], both allowed unless `open`. */
  readonly limits: readonly [low: number, high: number];
  /** The upper limit itself is not allowed (a dropout of 1). */
  readonly open?: boolean;
  /** There is no more or less of it: the strength is 1, or 0 for off. */
  readonly switch?: boolean;
  /**
   * For a regularizer whose own parameter runs the other way: the option that holds it, and the maps. `strength` is then
   * not written in the spec; patience 5 is.
   */
  readonly inverse?: {
    readonly option: string;
    readonly toStrength: (option: number) => number;
    readonly toOption: (strength: number) => number;
  };
}

/** Strength over the course of training; `over` counts epochs. */
export interface StrengthSchedule {
  readonly type: 'linear' | 'cosine';
  /** Multiplier of the strength at the start and at the end. */
  readonly from: number;
  readonly to: number;
  readonly over: number;
}

/** A regularizer with its options and strength, as one run uses it. */
export interface Active<Options = unknown> {
  readonly regularizer: Regularizer<Options>;
  readonly strength: number;
  readonly schedule: StrengthSchedule | undefined;
  readonly options: Options;
}

/** `auxiliary`: a regularizer's own, no part of the model. */
export type ParameterRole = 'weight' | 'bias' | 'norm' | 'embedding' | 'auxiliary';

export interface Parameter {
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: readonly number[];
  /** Axis along which a weight's output units (neurons, channels) lie; undefined where it has none. */
  readonly unitAxis?: number;
}

/** What a run looks like before it starts: what conflicts and checks may ask. */
export interface Setting {
  readonly active: readonly Active[];
  readonly task: 'classification' | 'regression';
  readonly parameters: readonly Parameter[];
  /** Operator types of the architecture, in order. */
  readonly operators: readonly string[];
  readonly optimizer: string;
  readonly inputs: readonly InputDescription[];
  /** Rows of the training part. */
  readonly rows: number;
  readonly epochs: number;
  /** Classes in the order of the logits; empty for regression. */
  readonly classes: readonly string[];
  readonly columns: readonly RowColumn[];
}

/** A column that says something of rows without being an input: which domain, group or sensitive category they are of. */
export interface RowColumn {
  readonly role: 'domain' | 'group' | 'sensitive';
  readonly name: string;
  /** What its codes stand for. */
  readonly values: readonly string[];
}

export interface InputDescription {
  readonly name: string;
  readonly content: 'tabular' | 'image' | 'audio' | 'series' | 'tokens';
  readonly shape: readonly number[];
  /** Tabular: for each feature the number of its group; those of one group only mean something together (one-hot codes). */
  readonly groups?: readonly number[];
}

export interface Conflict {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly remedy: string;
}

/** What every hook is given. */
export interface StepContext {
  readonly b: GraphBuilder;
  readonly batchSize: number;
  readonly task: 'classification' | 'regression';
  /** Columns of the logits or of the prediction. */
  readonly outputs: number;
  readonly inputs: readonly InputDescription[];
  /** Of prediction, only `weight` (and `forward` where declared) is part. */
  readonly phase: 'training' | 'inference';
  /** This regularizer's strength: a scalar of the graph, scheduled from outside. */
  readonly strength: Value;
  /** Numbers of this regularizer's own inside the graph, different at every call. */
  random(label: string): RandomSite;
  /** A scalar drawn on the host before each step (where no closed form fits into a graph), given today's strength and the step, from 1. */
  drawn(label: string, draw: (stream: Random, strength: number, step: number) => number): Value;
  /** Places where the architecture lets activations be disturbed, in order. */
  readonly sites: readonly { readonly name: string; readonly kind: SiteKind }[];
  /** One of its own parameters or state tensors, as declared. */
  own(name: string): Value;
  /** What a state tensor of the graph holds after this step. Ignored in second passes: a step moves state once. */
  next(name: string, value: Value): void;
  /** Codes int64 [batch] of the first column of that role in this batch, -1 where missing; undefined without such a column. */
  column(role: RowColumn['role']): (RowColumn & { readonly codes: Value }) | undefined;
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
  /** Extent of {@link Pass.features}; undefined where the network has none. */
  readonly featureCount: number | undefined;
  readonly sites: readonly { readonly name: string; readonly kind: SiteKind }[];
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
    { readonly role: ParameterRole; readonly shape: readonly number[]; readonly data: Float32Array }
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
  /** Row numbers of the training part; the validation part is for choosing strengths only. */
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly target: Tensor;
  /** Outputs [rows.length, outputs] of a graph with the network's inputs, in inference mode. */
  run(graph: Graph, rows: Int32Array, output?: string): Promise<Float32Array>;
}

export interface Hooks<Options> {
  /** Changes the network before training. */
  architecture?(context: ArchitectureContext, options: Options, graph: Graph): Graph;
  /** Trainable tensors of its own: with the optimizer, without decay, no part of the model. */
  parameters?(context: OwnContext, options: Options): readonly OwnTensor[];
  /** Tensors of its own that are carried from step to step. */
  state?(context: OwnContext, options: Options): readonly OwnState[];
  batch?(context: StepContext, options: Options, batch: Batch): Batch;
  /** How a stored weight becomes the one the network computes with; in inference, the one that is exported. */
  weight?(context: StepContext, options: Options, weights: Weights): Value;
  forward?(context: StepContext, options: Options, site: Site): Value;
  /** Changes the target distribution that the loss compares with. */
  targets?(context: StepContext, options: Options, targets: Value, batch: Batch): Value;
  /** Another loss a row, [batch]. */
  losses?(
    context: StepContext,
    options: Options,
    losses: Value,
    pass: Pass & { readonly batch: Batch; readonly targets: Value },
  ): Value;
  /** Other weights of rows, [batch]; the mean is divided by their sum. */
  rowWeights?(context: StepContext, options: Options, weights: Value, view: StepView): Value;
  /** A scalar to add to the objective; undefined where nothing applies. */
  objective?(context: StepContext, options: Options, weights: readonly Weights[], view: StepView): Value | undefined;
  /**
   * Other gradients. `at` gives those of the objective at other values of the same tensors: a second pass over the batch,
   * with random numbers of its own.
   */
  gradients?(
    context: StepContext,
    options: Options,
    gradients: readonly Gradient[],
    at: (values: readonly Value[]) => readonly (Value | undefined)[],
  ): readonly Value[];
  /** Scales what is kept of the old weights: new = kept - step. Element-wise. */
  decay?(context: UpdateContext, options: Options, weights: Weights, kept: Value): Value;
  /** The proximal step after the update. Element-wise, unless `wholeTensors` is set. */
  proximal?(context: UpdateContext, options: Options, weights: Weights, proposed: Value): Value;
  /** Factor of the learning rate of a parameter (0 = frozen), after that many epochs. */
  rate?(parameter: Parameter, options: Options, at: RatePosition): number;
  /** On the host, after each step. */
  afterStep?(host: HostView, options: Options): void;
  /** On the host, after each epoch, before its metrics. */
  afterEachEpoch?(host: HostView, options: Options): void;
  /** Weights (and statistics) by name that stand for the model in evaluation and at the end, e.g. averages; undefined = the trained ones. */
  evaluated?(host: HostView, options: Options): ReadonlyMap<string, Float32Array> | undefined;
  /** Decides after each epoch whether to stop, by the monitored validation metric. */
  afterEpoch?(options: Options): EpochMonitor;
  /** Another graph with the same inputs and output, made of the trained one. */
  finish?(context: FinishContext, options: Options, graph: Graph): Promise<Graph>;
}

export interface ArchitectureContext {
  readonly seed: number;
  readonly task: 'classification' | 'regression';
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

/** The hooks a regularizer has, in the order in which a step meets them. */
export const HOOK_ORDER = [
  'architecture',
  'parameters',
  'state',
  'batch',
  'weight',
  'forward',
  'targets',
  'losses',
  'rowWeights',
  'objective',
  'gradients',
  'decay',
  'proximal',
  'rate',
  'afterStep',
  'afterEachEpoch',
  'evaluated',
  'afterEpoch',
  'finish',
] as const satisfies readonly (keyof Hooks<unknown>)[];

/** Defines a regularizer, keeping the type of its options. */
export function defineRegularizer<Options>(regularizer: Regularizer<Options>): Regularizer<Options> {
  return regularizer;
}

/** Whether a penalty applies to a parameter: biases, normalization and embeddings are left out unless included. */
export function penalizes(parameter: Parameter, include: readonly ParameterRole[]): boolean {
  return include.includes(parameter.role);
}

import type { z } from 'zod';
import type { Value } from '../graph/builder.js';
import type { Graph, Model } from '../graph/model.js';
import type { Tensor } from '../graph/tensor.js';
import type {
  AddedExamples,
  ArchitectureContext,
  Batch,
  EpochMonitor,
  FinishContext,
  Gradient,
  HostView,
  Layer,
  OwnContext,
  OwnState,
  OwnTensor,
  Pass,
  PreparationContext,
  RatePosition,
  RehearsalContext,
  RowTensor,
  Site,
  SiteDescription,
  StepContext,
  StepView,
  Tasks,
  TaskView,
  UpdateContext,
  Weights,
} from './context.js';
import type { Finding } from './finding.js';

export type * from './context.js';

/**
 * A regularizer is a value: it says where in the lifecycle it acts, how strong it is on a scale where more is
 * stronger, what it costs, what it does not go with, and when it fails. Training, tuning, paths, diagnosis, retraining,
 * provenance and the docs are all written against this one interface.
 *
 *     architecture(graph)            weight tying, several networks in one
 *     examples, rows                 before training: synthetic rows; what a teacher says of each row
 *     learns                         strengths of others learned while training, from rows held back
 *     step:
 *       batch(batch)                 mixup, noise, augmentation, adversarial examples
 *       weight(parameter)            masks, spectral normalization, weight noise, fake quantization
 *       layer(layer)                 local reparameterization
 *       forward(site, tensor)        dropout
 *       spectrogram(tensor)          masks over time and frequency
 *       targets(targets)             label smoothing
 *       losses(losses)               focal, bootstrapping: one loss a row
 *       memberLosses(losses)         co-teaching: the losses of several networks as one
 *       rowWeights(weights)          small-loss selection, group DRO, CVaR
 *       objective(parameters)        + penalties on weights, activations, representations, predictions
 *       gradients(g)                 sharpness-aware second pass; then clipping; then noise
 *       update(parameter)            decoupled decay, then the proximal step
 *     between steps, on the host     rate(parameter), afterStep, afterEpoch: freezing, averages, masks, early stopping
 *     after training                 finish(graph): averaged, Bayesian or ensembled predictions; findings
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
  /** Its `batch` hook changes inputs alone, row by row or by other rows, so that it may be used outside of training too. */
  readonly augments?: boolean;
  /** It reads activations: layers are then not fused over them. */
  readonly readsActivations?: boolean;
  /** Its `gradients` hook acts on gradients that are clipped already, so that what it adds is not scaled down. */
  readonly afterClipping?: boolean;
  /** Its update hooks need every weight tensor by itself: small ones are otherwise updated as one flat vector a role. */
  readonly wholeTensors?: boolean;
  /** Options under which its `proximal` hook acts: under others the optimizer's step need not stay in the graph. All unless given. */
  readonly proximalFor?: (options: Options) => boolean;
  /** Extra work of a training step and of inference, in words with a measured or derived figure. */
  readonly cost: { readonly training: string; readonly inference: string };
  /** When it does not help, or harms. */
  readonly fails: readonly string[];
  /** Effect against data size, in one sentence. */
  readonly dataSize: string;
  readonly references: readonly string[];
  /** What it cannot do without: a run that lacks it is refused before it starts. */
  readonly needs?: Needs<Options>;
  /** Models that its options name, by what the regularizer calls them: read before training, hashed into the manifest. */
  readonly files?: (options: Options) => Readonly<Record<string, string>>;
  /** Trouble that depends on the setting, judged before a run starts; known pairs are in `interactions.ts`. */
  readonly conflicts?: (self: Active<Options>, setting: Setting) => Conflict[];
}

export interface Needs<Options = unknown> {
  /** The task has classes. */
  readonly classes?: true;
  /** The run learns tasks one after the other. */
  readonly tasks?: true;
  /** Every training row has its label. */
  readonly labels?: true;
  /** A column has this role. */
  readonly column?: RowColumn['role'];
  /** The same, where the role follows from the options. */
  columnOf?(options: Options): RowColumn['role'] | undefined;
  /** One input at least is of one of these contents. */
  readonly content?: readonly InputDescription['content'][];
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
  /** It is used up before the first step (an amount of rows): there is no schedule. */
  readonly fixed?: boolean;
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
  /** The models of {@link Regularizer.files}, once they are read. */
  readonly assets?: ReadonlyMap<string, Asset>;
}

/** A model that a regularizer uses: a teacher, the network of an earlier task. */
export interface Asset {
  /** Of a model that Ballast exported with the encoding of this run: its network, on encoded inputs. Else as it was read. */
  readonly graph: Graph;
  /** Classes in the order of its scores, where its metadata names them. */
  readonly classes?: readonly string[];
  /** The model on raw columns, where it encodes them in another way than this run, and what it takes for every row. */
  readonly raw?: { readonly model: Model; readonly feeds: Readonly<Record<string, Tensor>> };
  /** SHA-256 of the file, in hex. */
  readonly hash: string;
}

/** `auxiliary`: a regularizer's own, no part of the model. */
export type ParameterRole = 'weight' | 'bias' | 'norm' | 'embedding' | 'auxiliary';

export interface Parameter {
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: readonly number[];
  /** Axis along which a weight's output units (neurons, channels) lie; undefined where it has none. */
  readonly unitAxis?: number;
  /** The weighted layer that it belongs to, from 0 at the input; undefined for several parameters in one. */
  readonly layer?: number;
  /** Its units are the outputs of the network, not hidden ones. */
  readonly head?: true;
  /** Its rows are looked up by numbers: tokens, categories. */
  readonly lookup?: true;
  /** All that is done with it is to multiply inputs by it, x W. */
  readonly product?: true;
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
  /** Where the network lets activations be disturbed, in order. */
  readonly sites?: readonly SiteDescription[];
  /** The network makes a spectrogram of waveforms. */
  readonly spectrogram?: boolean;
  /** The training section evens out the classes itself: it weighs them, or draws each equally often. */
  readonly rebalanced?: boolean;
  /** Tasks that the run learns one after the other. */
  readonly tasks?: Tasks & { readonly ownHeads?: boolean };
  /** Rows without a label in the training part; their losses do not count. */
  readonly unlabelled?: number;
  /** How training starts: from a network that was trained before, or from drawn weights. Unknown where it is left out. */
  readonly start?: { readonly pretrained: boolean; readonly learningRate: number };
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
  /** Images and waveforms: the values between which all possible ones lie, one pair a channel. */
  readonly range?: { readonly low: readonly number[]; readonly high: readonly number[] };
  /** Waveforms: samples a second. */
  readonly sampleRate?: number;
  /** Tokens: the ids of what fills a text up, and of what stands for a token that is not shown. */
  readonly special?: { readonly padding: number; readonly mask: number };
}

export interface Conflict {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly remedy: string;
  /** The spec's key that it is about: `data.columns.domain`. {@link findConflicts} names the regularizer's where it is left out. */
  readonly place?: string;
}

export interface Hooks<Options> {
  /** Changes the network before training. */
  architecture?(context: ArchitectureContext, options: Options, graph: Graph): Graph;
  /** Rows to add to the training part. Must follow from the context alone: a resumed run makes them again. */
  examples?(context: PreparationContext, options: Options): Promise<AddedExamples | undefined>;
  /** Lets strengths of other regularizers be learned from rows held back out of the training part. */
  learns?(options: Options): StrengthLearning;
  /** Values of every row, known before training. */
  rows?(context: OwnContext, options: Options): readonly RowTensor[];
  /** Trainable tensors of its own: with the optimizer, without decay, no part of the model. */
  parameters?(context: OwnContext, options: Options): readonly OwnTensor[];
  /** Tensors of its own that are carried from step to step. */
  state?(context: OwnContext, options: Options): readonly OwnState[];
  batch?(context: StepContext, options: Options, batch: Batch): Batch;
  /** How a stored weight becomes the one the network computes with; in inference, the one that is exported. */
  weight?(context: StepContext, options: Options, weights: Weights): Value;
  /** What a layer gives that multiplies inputs by a weight ({@link Parameter.product}). In training alone. */
  layer?(context: StepContext, options: Options, layer: Layer): Value;
  forward?(context: StepContext, options: Options, site: Site): Value;
  /** Changes what a front end made of waveforms while training: a spectrogram [batch, frames, bands]. */
  spectrogram?(context: StepContext, options: Options, spectrogram: Value): Value;
  /** Changes the target distribution that the loss compares with. */
  targets?(context: StepContext, options: Options, targets: Value, batch: Batch): Value;
  /** Another loss a row, [batch]. */
  losses?(
    context: StepContext,
    options: Options,
    losses: Value,
    pass: Pass & { readonly batch: Batch; readonly targets: Value },
  ): Value;
  /**
   * The losses of several networks side by side, one value [batch] each, as one; their mean unless told otherwise. Each
   * network's have passed the `losses` hooks.
   */
  memberLosses?(
    context: StepContext,
    options: Options,
    losses: readonly Value[],
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
  /** On the host, where a task of a run through several has ended and another follows. */
  afterTask?(host: TaskView, options: Options): Promise<void>;
  /** Other rows in the place of some of an epoch's, in a run through tasks. Must follow from the context alone. */
  rehearse?(context: RehearsalContext, options: Options, order: Int32Array): Int32Array;
  /**
   * Weights by name that stand for the model in evaluation and at the end, e.g. averages; undefined = the trained ones.
   * Running statistics that it leaves out are taken anew, in a pass over the training rows with these weights.
   */
  evaluated?(host: HostView, options: Options): ReadonlyMap<string, Float32Array> | undefined;
  /** Decides after each epoch whether to stop, by the monitored validation metric. */
  afterEpoch?(options: Options): EpochMonitor;
  /** Another graph with the same inputs and output, made of the trained one. */
  finish?(context: FinishContext, options: Options, graph: Graph): Promise<Graph>;
  /** What it noticed, told once training has ended. */
  findings?(host: HostView, options: Options): readonly Finding[];
}

/** How strengths are learned while training: the step of their logarithms is the strength of who asks for it. */
export interface StrengthLearning {
  /** Types whose strengths are learned; undefined = of every regularizer whose strength the step is differentiable by. */
  readonly types: readonly string[] | undefined;
  /** Terms of the Neumann series beyond the step itself; 0 looks one step ahead. */
  readonly terms: number;
  /** Steps between two updates. */
  readonly every: number;
  /** Epochs before the first. */
  readonly warmUp: number;
  /** Share of the training rows that is held back. */
  readonly share: number;
}

/** The hooks a regularizer has, in the order in which a step meets them. */
export const HOOK_ORDER = [
  'architecture',
  'examples',
  'learns',
  'rows',
  'parameters',
  'state',
  'batch',
  'weight',
  'layer',
  'forward',
  'spectrogram',
  'targets',
  'losses',
  'memberLosses',
  'rowWeights',
  'objective',
  'gradients',
  'decay',
  'proximal',
  'rate',
  'afterStep',
  'afterEachEpoch',
  'afterTask',
  'rehearse',
  'evaluated',
  'afterEpoch',
  'finish',
  'findings',
] as const satisfies readonly (keyof Hooks<unknown>)[];

/** Defines a regularizer, keeping the type of its options. */
export function defineRegularizer<Options>(regularizer: Regularizer<Options>): Regularizer<Options> {
  return regularizer;
}

/** Whether a penalty applies to a parameter: biases, normalization and embeddings are left out unless included. */
export function penalizes(parameter: Parameter, include: readonly ParameterRole[]): boolean {
  return include.includes(parameter.role);
}

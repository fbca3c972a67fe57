import type { z } from 'zod';
import type { GraphBuilder, Value } from '../graph/builder.js';
import type { RandomSite } from '../graph/random.js';
import type { Random } from '../numeric/random.js';

/**
 * A regularizer is a value: it says where in the lifecycle it acts, how strong it is on a scale where more is
 * stronger, what it costs, what it does not go with, and when it fails. Training, tuning, paths, diagnosis, retraining,
 * provenance and the docs are all written against this one interface.
 *
 *     step:
 *       batch(batch)                 mixup, noise, image and tabular augmentation
 *       forward(site, tensor)        dropout
 *       loss(targets)                label smoothing
 *       objective(parameters)        + l1 / l2 / elastic-net penalty
 *       gradients(g)                 clipping
 *       update(parameter)            decoupled decay, then the proximal step
 *     after epoch                    early stopping
 *
 * Each hook is a pure function from graph values to graph values. The strength reaches it as a scalar of the graph, so
 * that a schedule, a sweep or a path needs no recompilation. A strength of constant 0 compiles to nothing.
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

export type ParameterRole = 'weight' | 'bias' | 'norm' | 'embedding';

export interface Parameter {
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: readonly number[];
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
  /** This regularizer's strength: a scalar of the graph, scheduled from outside. */
  readonly strength: Value;
  /** Numbers of this regularizer's own inside the graph, different at every call. */
  random(label: string): RandomSite;
  /** A scalar drawn on the host before each step (where no closed form fits into a graph), given today's strength. */
  drawn(label: string, draw: (stream: Random, strength: number) => number): Value;
}

/** A mini-batch inside the graph. Classification targets are distributions [batch, classes], regression [batch, 1]. */
export interface Batch {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly target: Value;
}

/** A place where the architecture lets activations be disturbed: [batch, features] or [batch, channels, ...]. */
export interface Site {
  readonly name: string;
  readonly value: Value;
}

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

export interface Hooks<Options> {
  batch?(context: StepContext, options: Options, batch: Batch): Batch;
  forward?(context: StepContext, options: Options, site: Site): Value;
  /** Changes the target distribution that the loss compares with. */
  targets?(context: StepContext, options: Options, targets: Value): Value;
  /** A scalar to add to the objective; undefined where nothing applies. */
  objective?(context: StepContext, options: Options, weights: readonly Weights[]): Value | undefined;
  /** Scales what is kept of the old weights: new = kept - step. Element-wise. */
  decay?(context: UpdateContext, options: Options, weights: Weights, kept: Value): Value;
  /** The proximal step after the update. Element-wise. */
  proximal?(context: UpdateContext, options: Options, weights: Weights, proposed: Value): Value;
  /** Decides after each epoch whether to stop, by the monitored validation metric. */
  afterEpoch?(options: Options): EpochMonitor;
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
  'batch',
  'forward',
  'targets',
  'objective',
  'decay',
  'proximal',
  'afterEpoch',
] as const satisfies readonly (keyof Hooks<unknown>)[];

/** Defines a regularizer, keeping the type of its options. */
export function defineRegularizer<Options>(regularizer: Regularizer<Options>): Regularizer<Options> {
  return regularizer;
}

/** Whether a penalty applies to a parameter: biases, normalization and embeddings are left out unless included. */
export function penalizes(parameter: Parameter, include: readonly ParameterRole[]): boolean {
  return include.includes(parameter.role);
}

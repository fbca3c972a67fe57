import { BallastError } from '../errors.js';
import type { Graph } from '../graph/model.js';
import type { DataType, NumericArray, Tensor } from '../graph/tensor.js';
import type { Active, InputDescription, RowColumn } from '../regularizers/regularizer.js';
import { type Architecture, readArchitecture } from './architecture.js';
import { classWeightsOf } from './class-weights.js';
import type { MetricValues } from './events.js';
import { compileFirstTerm, learningOf, refuseNothingLearned } from './hypergradient-graph.js';
import { adam, type Optimizer, sgd } from './optimizers.js';
import type { TrainingOptions } from './options.js';
import { compileStep, type StepDescription } from './step.js';
import { acting } from './step-graph.js';
import { tasksOf } from './tasks.js';

/** One run: a network, data, regularizers and how to train. */
export interface TrainingProblem {
  readonly graph: Graph;
  readonly inputs: readonly (InputDescription & { readonly type: DataType })[];
  readonly task: 'classification' | 'regression';
  /** Classes in the order of the logits; empty for regression. */
  readonly classes: readonly string[];
  /** All rows that may be trained or validated on; never the holdout. */
  readonly data: TrainingData;
  readonly regularizers: readonly Active[];
  readonly options: TrainingOptions;
  readonly seed: number;
  /** Prefixes of parameters that stay as they are. */
  readonly frozen?: readonly string[];
  readonly metrics: MetricsFunction;
  /** The network with other initial weights; absent where a file gives them. */
  readonly redraw?: (seed: number) => Graph;
}

export interface TrainingData {
  readonly inputs: Readonly<Record<string, Tensor<NumericArray>>>;
  /** int64 [rows] class indices, or float32 [rows, 1]. */
  readonly target: Tensor<NumericArray>;
  readonly weights: Float32Array | undefined;
  readonly train: Int32Array;
  readonly validation: Int32Array;
  /** What is known of rows beside inputs and target: domain, group, sensitive category. */
  readonly columns?: readonly (RowColumn & { readonly codes: Int32Array })[];
  /** Rows without a label: trained on beside `train` for regularizers alone, never measured; their targets mean nothing. */
  readonly unlabelled?: Int32Array;
  /** Rows that regularizers made: trained on beside `train`, never measured. */
  readonly added?: Int32Array;
  /** Task of each row, where only the classes of its own compete. */
  readonly taskCodes?: Int32Array;
  /** Rows of the training part that are held back to learn strengths on: neither in `train` nor measured. */
  readonly held?: Int32Array;
  /** Row tensors of regularizers, float32 [rows, ...], by their names in the step's graph. */
  readonly rowTensors?: Readonly<Record<string, Tensor<Float32Array>>>;
}

/** The rows that batches are drawn from. */
export function sampledRows({
  train,
  added = new Int32Array(0),
  unlabelled = new Int32Array(0),
}: Pick<TrainingData, 'train' | 'added' | 'unlabelled'>): Int32Array {
  return added.length + unlabelled.length === 0 ? train : Int32Array.from([...train, ...added, ...unlabelled]);
}

/** Those of them that have a label. */
function labelledRows({ train, added }: Pick<TrainingData, 'train' | 'added'>): Int32Array {
  return sampledRows({ train, ...(added === undefined ? {} : { added }) });
}

/** 1 for rows whose label is known, 0 for others; undefined where all are. */
export function labelMask({
  target,
  unlabelled,
}: Pick<TrainingData, 'target' | 'unlabelled'>): Float32Array | undefined {
  if (unlabelled === undefined || unlabelled.length === 0) return undefined;
  const mask = new Float32Array(target.shape[0]).fill(1);
  for (const row of unlabelled) mask[row] = 0;
  return mask;
}

/** Metrics of some rows, given the network's outputs for them; the loop does not know which. */
export interface MetricsFunction {
  readonly primary: string;
  readonly higherIsBetter: (metric: string) => boolean;
  /** What schedules and early stopping follow unless told otherwise; lower is better. */
  readonly loss: string;
  (rows: Int32Array, outputs: Float32Array): MetricValues;
}

/**
 * Batches of an epoch. A last batch of a single row, which batch normalization cannot train on, is left out: rows come in
 * another order every epoch, so that none is left out for good.
 */
export function batchesOf(
  rows: number,
  wanted: number,
  { normalization }: Architecture,
): { batchSize: number; stepsPerEpoch: number; lastBatch: number } {
  const batchSize = Math.min(wanted, rows);
  const stepsPerEpoch = Math.ceil(rows / batchSize);
  const lastBatch = rows - (stepsPerEpoch - 1) * batchSize;
  return lastBatch === 1 && stepsPerEpoch > 1 && normalization.includes('BatchNormalization')
    ? { batchSize, stepsPerEpoch: stepsPerEpoch - 1, lastBatch: batchSize }
    : { batchSize, stepsPerEpoch, lastBatch };
}

/** The network of a problem as it is trained: after what its regularizers change of its structure. */
export function architectureOf({ graph, frozen, regularizers, seed, task, redraw }: TrainingProblem): Architecture {
  const changed = acting(regularizers).reduce(
    (current, { regularizer, options }) =>
      regularizer.hooks.architecture?.({ seed, task, redraw }, options, current) ?? current,
    graph,
  );
  return readArchitecture(changed, frozen);
}

export function describeStep(problem: TrainingProblem, architecture: Architecture, batchSize: number): StepDescription {
  const { data, options, task } = problem;
  return {
    architecture,
    inputs: problem.inputs,
    task,
    outputs: Math.max(1, problem.classes.length),
    batchSize,
    rows: data.target.shape[0],
    trainRows: data.train.length,
    classes: problem.classes,
    classRows: task === 'classification' ? countsOf(labelledRows(data), data.target.data, problem.classes.length) : [],
    columns: (data.columns ?? []).map(({ role, name, values, codes }) => ({
      role,
      name,
      values,
      rows: countsOf(sampledRows(data), codes, values.length),
    })),
    epochs: options.epochs,
    seed: problem.seed,
    ...tasksIn(problem),
    hasWeights: data.weights !== undefined,
    unlabelled: data.unlabelled?.length ?? 0,
    classWeights: classWeightsOf(options.classWeights, problem.classes, data),
    regularizers: problem.regularizers,
    optimizer: optimizerOf(options),
    gradientClip: options.gradientClip,
  };
}

/** How many of the rows have each code; negative ones are missing. */
export function countsOf(rows: Int32Array, codes: ArrayLike<number | bigint>, values: number): number[] {
  const counts = new Array<number>(values).fill(0);
  for (const row of rows) {
    const code = Number(codes[row]);
    if (code >= 0) counts[code]++;
  }
  return counts;
}

/** What steps and checks know of the run's tasks. */
export function tasksIn(problem: TrainingProblem): Pick<StepDescription, 'tasks'> {
  const sequence = tasksOf(problem);
  if (sequence === undefined) return {};
  const { names, classes, ownHeads } = sequence;
  return { tasks: { names, ownHeads, ...(classes === undefined ? {} : { classes }) } };
}

/**
 * Builds the step of a problem without running it, so that what cannot be trained is refused before anything else is:
 * an operator without a gradient, a regularizer that acts on nothing, weights of unknown classes.
 *
 * @throws BallastError as {@link train} would before its first step
 */
export function checkProblem(problem: TrainingProblem): void {
  const architecture = architectureOf(problem);
  const batchSize = Math.min(problem.options.batchSize, problem.data.train.length);
  const description = describeStep(problem, architecture, batchSize);
  refuseIdle(compileStep(description).idle);
  const learning = learningOf(acting(problem.regularizers));
  if (learning === undefined) return;
  const { types } = learning.plan;
  refuseNothingLearned(compileFirstTerm(description, { types, heldBatch: batchSize, updates: 'graph', series: false }));
}

/**
 * A regularizer that finds nothing to act on would still be in the manifest: refused rather than ignored.
 *
 * @throws BallastError REGULARIZER_WITHOUT_EFFECT
 */
export function refuseIdle(idle: readonly Active[]): void {
  if (idle.length === 0) return;
  const [{ regularizer, options }] = idle;
  const { type } = regularizer;
  throw new BallastError(`${type} has nothing to act on in this network, with these inputs and options`, {
    code: 'REGULARIZER_WITHOUT_EFFECT',
    place: 'regularizers',
    value: options,
    remedy: `Remove ${type}, or change its options or the model; ballast regularizers ${type} says where it acts`,
  });
}

export function optimizerOf({ optimizer }: TrainingOptions): Optimizer {
  return optimizer.type === 'sgd' ? sgd(optimizer) : adam(optimizer.type, optimizer);
}

import { createSampler } from '../../data/sampler.js';
import { sampleValues } from '../../evaluation/cheap.js';
import type { PredictionInput } from '../../evaluation/input.js';
import { findMetric } from '../../evaluation/metrics/index.js';
import { prepareSample } from '../../evaluation/sample.js';
import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, type Tensor } from '../../graph/tensor.js';
import type { Active } from '../../regularizers/regularizer.js';
import { resolveEntry } from '../../regularizers/resolve.js';
import { train } from '../../training/loop.js';
import { trainingOptions } from '../../training/options.js';
import { type MetricsFunction, sampledRows, type TrainingProblem } from '../../training/problem.js';
import type { Examples } from '../examples.js';
import { describeInputs, trainable } from './network.js';

export interface FineTuneOptions {
  readonly epochs: number;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly seed: number;
  /** The model that is learnt from beside the labels; undefined = labels alone. */
  readonly teacher?: Model | undefined;
  /** Share of the teacher in the loss. */
  readonly teacherShare: number;
  /** Weight of the distance between the features before both last layers, through a learned map; 0 = scores alone. */
  readonly teacherFeatures?: number;
  /** Weigh the teacher by 1 / frequency of the label, so that rare classes are not lost. */
  readonly classWeighted: boolean;
  /** Set a growing share of single weights to 0 on the way. */
  readonly sparsity?: { readonly share: number; readonly criterion: 'magnitude' | 'movement' } | undefined;
  /** Which epoch's weights are taken; with `sparsity` always the last one's, since those of an earlier one are less sparse. */
  readonly keep?: 'best' | 'last';
  /** Round as 8-bit storage will, so that quantizing costs less. */
  readonly quantizationAware?: boolean;
  /** Share of the learning rate that each weight shrinks by at a step (decoupled); 0 = none. */
  readonly weightDecay?: number;
  readonly signal?: AbortSignal | undefined;
  readonly tell?: ((doing: string) => void) | undefined;
}

/** What training made of a model. */
export interface FineTuned {
  readonly model: Model;
  /** The epoch whose weights these are: the best on the validation rows, 0 = as it was. */
  readonly epoch: number;
  readonly outcome: 'completed' | 'stopped-early' | 'diverged' | 'cancelled';
}

/**
 * Trains a network further by the training engine, on the labels and on what a teacher says (Hinton et al., 2015), and keeps
 * the weights of the best epoch.
 *
 * @throws BallastError MODEL_NOT_TRAINABLE, GRAPH_NOT_DIFFERENTIABLE and others naming node and operator
 */
export async function fineTune(
  runtime: Runtime,
  model: Model,
  examples: Examples,
  { train: trainRows, validation }: { readonly train: Uint32Array; readonly validation: Uint32Array },
  options: FineTuneOptions,
): Promise<FineTuned> {
  const { epochs, learningRate, batchSize, seed, signal, tell } = options;
  const problem: TrainingProblem = {
    graph: trainable(model, examples),
    inputs: describeInputs(examples),
    task: examples.task,
    classes: examples.classes,
    data: {
      inputs: examples.inputs,
      target: targetOf(examples),
      weights: examples.weights === undefined ? undefined : Float32Array.from(examples.weights),
      train: Int32Array.from(trainRows),
      validation: Int32Array.from(validation),
    },
    regularizers: regularizersOf(options, examples),
    options: trainingOptions.parse({
      epochs,
      batchSize: Math.min(batchSize, trainRows.length),
      optimizer: { type: 'adamw', learningRate, schedule: { type: 'cosine', warmUp: Math.min(1, epochs / 10) } },
      seed,
      gradientClip: 1,
    }),
    seed,
    metrics: metricsOf(examples),
  };
  const { graph, bestEpoch, outcome } = await train(problem, {
    runtime,
    order: (epoch, data) =>
      createSampler({ rows: sampledRows(data), batchSize: problem.options.batchSize, seed }).order(epoch),
    onEvent: (event) => {
      if (event.type === 'epoch') tell?.(`epoch ${event.record.epoch} of ${epochs}`);
    },
    ...(signal === undefined ? {} : { signal }),
  });
  signal?.throwIfAborted();
  const weights = [...graph.initializers].filter(([name]) => model.graph.initializers.has(name));
  const initializers = new Map<string, Tensor>([...model.graph.initializers, ...weights]);
  return { model: { ...model, graph: { ...model.graph, initializers } }, epoch: bestEpoch, outcome };
}

function regularizersOf(
  {
    teacher,
    teacherShare,
    teacherFeatures = 0,
    classWeighted,
    quantizationAware,
    weightDecay = 0,
    sparsity,
    keep,
    epochs,
  }: FineTuneOptions,
  examples: Examples,
): Active[] {
  const active: Active[] = [];
  if (sparsity === undefined && keep !== 'last')
    active.push(resolveEntry({ type: 'early-stopping', patience: epochs }, 'compression'));
  if (sparsity !== undefined) {
    const { share: strength, criterion } = sparsity;
    active.push(resolveEntry({ type: 'pruning', strength, criterion, start: 0, end: 0.6 }, 'compression'));
  }
  if (weightDecay > 0) active.push(resolveEntry({ type: 'weight-decay', strength: weightDecay }, 'compression'));
  if (quantizationAware === true) active.push(resolveEntry({ type: 'quantization-aware' }, 'compression'));
  if (teacher !== undefined && examples.task === 'classification') {
    const entry = {
      type: 'distillation',
      teacher: 'the original',
      strength: teacherShare,
      classWeighted,
      features: teacherFeatures,
    };
    const graph = trainable(teacher, examples);
    active.push({
      ...resolveEntry({ ...entry, temperature: 2, output: graph.outputs[0].name }, 'compression'),
      assets: new Map([['teacher', { graph, hash: '' }]]),
    });
  }
  return active;
}

function targetOf({ task, target }: Examples): TrainingProblem['data']['target'] {
  return task === 'classification' ? int64([target.length], target) : float32([target.length, 1], target);
}

function metricsOf({ task, classes, target, weights }: Examples): MetricsFunction {
  const compute = (rows: Int32Array, outputs: Float32Array): Record<string, number> => {
    const right = Float64Array.from(rows, (row) => target[row]);
    const common = weights === undefined ? {} : { weights: Float64Array.from(rows, (row) => weights[row]) };
    const input: PredictionInput =
      task === 'classification'
        ? { task, ...common, target: right, logits: outputs, classes }
        : { task, ...common, target: right, predictions: outputs };
    const { loss: _loss, ...values } = sampleValues(prepareSample(input));
    return values;
  };
  return Object.assign(compute, {
    primary: task === 'classification' ? 'accuracy' : 'rmse',
    loss: task === 'classification' ? 'logLoss' : 'rmse',
    higherIsBetter: (name: string) => findMetric(name).metric.direction === 'higher',
  });
}

import { openRuntime } from '../../src/graph/runtime/choose.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import type { DataType } from '../../src/graph/tensor.js';
import { float32, int64 } from '../../src/graph/tensor.js';
import { buildModel } from '../../src/models/build.js';
import type { NativeModelOptions } from '../../src/models/options.js';
import { modelOptions } from '../../src/models/options.js';
import { derive } from '../../src/numeric/random.js';
import type { InputDescription, RowColumn } from '../../src/regularizers/regularizer.js';
import { resolveEntry } from '../../src/regularizers/resolve.js';
import type { Checkpoint } from '../../src/training/checkpoint.js';
import type { TrainingEvent } from '../../src/training/events.js';
import { type TrainingControls, type TrainingResult, train } from '../../src/training/loop.js';
import { trainingOptions } from '../../src/training/options.js';
import {
  type MetricsFunction,
  sampledRows,
  type TrainingData,
  type TrainingProblem,
} from '../../src/training/problem.js';

/** Small problems on made-up rows, for tests of training. */

export type Inputs = readonly (InputDescription & { readonly type: DataType; readonly vocabulary?: number })[];

/** Seven measurements and a 6x5 image a row: something for every regularizer to act on. */
export const MIXED: Inputs = [
  { name: 'features', content: 'tabular', type: 'float32', shape: [7] },
  { name: 'picture', content: 'image', type: 'float32', shape: [1, 6, 5] },
];

export const PICTURES: Inputs = [{ name: 'picture', content: 'image', type: 'float32', shape: [2, 6, 6] }];
export const WAVES: Inputs = [{ name: 'audio', content: 'audio', type: 'float32', shape: [80], sampleRate: 1000 }];
export const TOKENS: Inputs = [{ name: 'tokens', content: 'tokens', type: 'int64', shape: [6], vocabulary: 9 }];
export const FEATURES: Inputs = [{ name: 'features', content: 'tabular', type: 'float32', shape: [7] }];

/** Smooth, so that finite differences meet no kink. */
export const SMOOTH_MLP = { type: 'mlp', hidden: [6], activation: 'tanh' };
export const SMALL_CNN = {
  type: 'cnn',
  layers: [
    { conv: 4, activation: 'tanh' },
    { pool: 2, kind: 'average' },
    { dense: 6, activation: 'tanh' },
  ],
};

export interface ProblemOptions {
  inputs?: Inputs;
  model?: Record<string, unknown>;
  task?: 'classification' | 'regression';
  regularizers?: readonly Record<string, unknown>[];
  training?: Record<string, unknown>;
  rows?: number;
  validation?: number;
  seed?: number;
  weights?: Float32Array;
  /** Training rows, the last ones, that have no label. */
  unlabelled?: number;
}

const CLASSES = ['a', 'b', 'c'];

/** A problem whose rows depend on nothing but the options; the target follows from the inputs, with noise. */
export function problem({
  inputs = MIXED,
  model = SMOOTH_MLP,
  task = 'classification',
  regularizers = [],
  training = {},
  rows = 40,
  validation = 20,
  seed = 1,
  weights,
  unlabelled = 0,
}: ProblemOptions = {}): TrainingProblem {
  const total = rows + validation;
  const outputs = task === 'classification' ? CLASSES.length : 1;
  const stream = derive('training-problem', total);
  const score = new Float64Array(total);
  const data = Object.fromEntries(
    inputs.map(({ name, shape, vocabulary }) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      const values = Float32Array.from({ length: total * size }, () =>
        vocabulary === undefined ? stream.normal() : stream.integer(vocabulary),
      );
      for (let row = 0; row < total; row++) {
        for (let i = 0; i < size; i++) score[row] += (values[row * size + i] * Math.cos(i)) / Math.sqrt(size);
      }
      const all = [total, ...shape];
      return [name, vocabulary === undefined ? float32(all, values) : int64(all, values)];
    }),
  );
  const noisy = Float32Array.from(score, (value) => value + 0.3 * stream.normal());
  const target =
    task === 'classification'
      ? int64(
          [total],
          Array.from(noisy, (value) => (value < -0.5 ? 0 : value < 0.5 ? 1 : 2)),
        )
      : float32([total, 1], noisy);
  const options = trainingOptions.parse({
    epochs: 2,
    batchSize: 8,
    optimizer: { type: 'adamw', learningRate: 0.01 },
    ...training,
  });
  const draw = (weightSeed: number) =>
    buildModel(modelOptions.parse(model) as NativeModelOptions, { inputs, outputs, seed: weightSeed });
  return {
    graph: draw(5),
    redraw: draw,
    inputs,
    task,
    classes: task === 'classification' ? CLASSES : [],
    data: {
      inputs: data,
      target,
      weights,
      train: Int32Array.from({ length: rows - unlabelled }, (_, i) => i),
      ...(unlabelled === 0
        ? {}
        : { unlabelled: Int32Array.from({ length: unlabelled }, (_, i) => rows - unlabelled + i) }),
      validation: Int32Array.from({ length: validation }, (_, i) => rows + i),
      columns: [
        codesOf('domain', ['near', 'far'], total, 3),
        codesOf('group', ['x', 'y', 'z'], total, 5),
        codesOf('sensitive', ['p', 'q'], total, 7),
      ],
    },
    regularizers: regularizers.map((entry, i) => resolveEntry(entry, `regularizers[${i}]`)),
    options,
    seed,
    metrics: task === 'classification' ? classificationMetrics(target.data as BigInt64Array) : errorMetrics(noisy),
  };
}

/** The same problem with other values in the place of the labels that are missing. */
export function withOtherPlaceholders(given: TrainingProblem): TrainingProblem {
  const { target, unlabelled = [] } = given.data;
  const data = target.data.slice() as BigInt64Array | Float32Array;
  for (const row of unlabelled) {
    if (data instanceof BigInt64Array) data[row] = (data[row] + 1n) % BigInt(CLASSES.length);
    else data[row] += 5;
  }
  return { ...given, data: { ...given.data, target: { ...target, data } } };
}

/** A column of codes, one in ten of them missing. */
function codesOf(
  role: RowColumn['role'],
  values: readonly string[],
  rows: number,
  step: number,
): RowColumn & { readonly codes: Int32Array } {
  const codes = Int32Array.from({ length: rows }, (_, row) =>
    row % 10 === 9 ? -1 : (row * step + (row >> 2)) % values.length,
  );
  return { role, name: `the ${role}`, values, codes };
}

function classificationMetrics(labels: BigInt64Array): MetricsFunction {
  const compute = (rows: Int32Array, outputs: Float32Array): Record<string, number> => {
    const classes = outputs.length / rows.length;
    let loss = 0;
    let right = 0;
    rows.forEach((row, i) => {
      const logits = outputs.subarray(i * classes, (i + 1) * classes);
      const label = Number(labels[row]);
      const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
      loss += largest + Math.log(sum) - logits[label];
      if (logits.indexOf(largest) === label) right++;
    });
    return { logLoss: loss / rows.length, accuracy: right / rows.length };
  };
  return Object.assign(compute, {
    primary: 'accuracy',
    loss: 'logLoss',
    higherIsBetter: (metric: string) => metric === 'accuracy',
  });
}

function errorMetrics(target: Float32Array): MetricsFunction {
  const compute = (rows: Int32Array, outputs: Float32Array): Record<string, number> => ({
    rmse: Math.sqrt(rows.reduce((sum, row, i) => sum + (outputs[i] - target[row]) ** 2, 0) / rows.length),
  });
  return Object.assign(compute, { primary: 'rmse', loss: 'rmse', higherIsBetter: () => false });
}

/** Shuffles the training rows by epoch alone. */
export const orderOf =
  (given: Pick<TrainingProblem, 'data'>, seed = 3) =>
  (epoch: number, data: TrainingData = given.data): Int32Array =>
    derive(seed, 'order', epoch).shuffle(sampledRows(data).slice());

export interface Trained extends TrainingResult {
  readonly checkpoints: readonly Checkpoint[];
  readonly events: readonly TrainingEvent[];
}

/** Trains, gathering all events. */
export async function trained(
  runtime: Runtime,
  given: TrainingProblem,
  controls: Partial<TrainingControls> = {},
): Promise<Trained> {
  const events: TrainingEvent[] = [];
  const result = await train(given, {
    runtime,
    order: orderOf(given),
    ...controls,
    onEvent: async (event) => {
      events.push(event);
      await controls.onEvent?.(event);
    },
  });
  const checkpoints = events.flatMap((event) => (event.type === 'checkpoint' ? [event.checkpoint] : []));
  return { ...result, checkpoints, events };
}

/** The trained weights as one hex string a parameter: equal strings are equal bytes. */
export function weightBytes({ graph }: Pick<TrainingResult, 'graph'>): Record<string, string> {
  return Object.fromEntries(
    [...graph.initializers]
      .filter(([, { type }]) => type === 'float32')
      .map(([name, { data }]) => {
        const values = data as Float32Array;
        return [name, Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex')];
      }),
  );
}

/** All float32 initializers of a trained graph, one after the other. */
export function weightsOf({ graph }: Pick<TrainingResult, 'graph'>): number[] {
  return [...graph.initializers.values()].flatMap(({ type, data }) =>
    type === 'float32' ? Array.from(data as Float32Array) : [],
  );
}

export const openRuntimes = async (): Promise<Record<'ffi' | 'stock', Runtime>> => ({
  ffi: await openRuntime({ backend: 'ffi' }),
  stock: await openRuntime({ backend: 'stock' }),
});

import type { Examples } from '../data/preprocess/preprocessor.js';
import { createSampler, type Sampler } from '../data/sampler.js';
import { apartFrom } from '../data/unlabelled.js';
import { BallastError } from '../errors.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { Active } from '../regularizers/regularizer.js';
import { loadAssets } from '../spec/assets.js';
import { describedInputs, drawNetwork, networkOf } from '../spec/network.js';
import type { PreparedData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { Checkpoint } from '../training/checkpoint.js';
import type { TrainingEvent } from '../training/events.js';
import { type TrainingResult, train } from '../training/loop.js';
import { withUnlabelled } from '../training/preparation.js';
import { sampledRows, type TrainingProblem } from '../training/problem.js';
import { groupColumn } from './judge.js';
import { metricsOf } from './metrics.js';
import type { PlannedRun } from './plan.js';

export interface TrainRunOptions {
  readonly runtime: Runtime;
  readonly onEvent: (event: TrainingEvent) => Promise<void>;
  readonly signal: AbortSignal | undefined;
  readonly resume: Checkpoint | undefined;
}

/** Everything that one run trains on, built from the spec and its data. */
export async function problemOf(
  resolved: ResolvedSpec,
  data: PreparedData,
  plan: PlannedRun,
): Promise<{ problem: TrainingProblem; examples: Examples }> {
  const { spec } = resolved;
  const { preprocessor, table } = data;
  const rows = Uint32Array.from([...plan.train, ...plan.validation]);
  const examples = preprocessor.transform(table, rows);
  if (examples.target === undefined) throw new Error('prepared data always has a target');
  const count = plan.train.length;
  const redraw = drawNetwork(resolved, preprocessor, data.tokenizers);
  const heldOut = Uint32Array.from([...plan.validation, ...data.split.holdout]);
  const unlabelled = apartFrom(data.unlabelled, heldOut, data.splitInput);
  const problem: TrainingProblem = {
    graph: await networkOf(resolved, preprocessor, data.tokenizers, plan.seed),
    inputs: describedInputs(preprocessor, data.tokenizers),
    task: spec.task,
    classes: (preprocessor.classes ?? []).map(String),
    data: withUnlabelled(
      {
        inputs: examples.inputs,
        target: examples.target,
        weights: examples.weights,
        train: Int32Array.from({ length: count }, (_, i) => i),
        validation: Int32Array.from({ length: rows.length - count }, (_, i) => count + i),
        columns: rowColumns(data, Uint32Array.from([...rows, ...unlabelled])),
      },
      unlabelled.length === 0 ? undefined : preprocessor.transform(table, unlabelled, { target: false }).inputs,
    ),
    regularizers: await loadAssets(regularizersOf(resolved, plan), resolved.baseDirectory, {
      preprocessor,
      table,
      rows: Uint32Array.from([...rows, ...unlabelled]),
    }),
    options: spec.training,
    seed: plan.seed,
    metrics: metricsOf(spec, data, examples, rows),
    ...(redraw === undefined ? {} : { redraw }),
    ...(spec.model.type === 'onnx' ? { frozen: spec.model.freeze } : {}),
  };
  return { problem, examples };
}

/** Columns that say something of rows without being inputs of the network. */
function rowColumns(
  { table, roles }: PreparedData,
  rows: Uint32Array,
): NonNullable<TrainingProblem['data']['columns']> {
  const named = [
    ...(roles.domain === undefined ? [] : [{ role: 'domain' as const, name: roles.domain }]),
    ...roles.group.map((name) => ({ role: 'group' as const, name })),
    ...roles.sensitive.map((name) => ({ role: 'sensitive' as const, name })),
  ];
  return named.map(({ role, name }) => {
    const { codes, dictionary } = groupColumn(table, name, rows);
    return { role, name, values: dictionary, codes: Int32Array.from(codes) };
  });
}

/** The baseline is the same run with every strength 0: no regularizer at all, and the weights of its last epoch. */
function regularizersOf(
  { regularizers }: ResolvedSpec,
  { role, without }: Pick<PlannedRun, 'role' | 'without'>,
): readonly Active[] {
  return role === 'baseline' ? [] : regularizers.filter((_, index) => index !== without);
}

/** The class of each row, -1 where it has no label: they are a class of their own to the sampler. */
function classesOf({ target, unlabelled = new Int32Array(0) }: TrainingProblem['data']): Int32Array {
  const classes = Int32Array.from(target.data as Iterable<bigint>, Number);
  for (const row of unlabelled) classes[row] = -1;
  return classes;
}

/** Trains one planned run. */
export async function trainRun(problem: TrainingProblem, options: TrainRunOptions): Promise<TrainingResult> {
  const { options: training, seed } = problem;
  if (training.sampler === 'balanced' && problem.task !== 'classification') {
    throw new BallastError('a balanced sampler needs classes, and the task is regression', {
      code: 'SAMPLER_NEEDS_CLASSES',
      place: 'training.sampler',
      remedy: 'Use shuffle',
    });
  }
  const samplers = new WeakMap<TrainingProblem['data'], Sampler>();
  return train(problem, {
    runtime: options.runtime,
    onEvent: options.onEvent,
    order(epoch, prepared) {
      const rows = sampledRows(prepared);
      const known = samplers.get(prepared);
      if (known !== undefined) return known.order(epoch);
      const sampler = createSampler({
        rows,
        batchSize: Math.min(training.batchSize, rows.length),
        seed,
        ...(training.sampler === 'balanced' ? { balance: classesOf(prepared) } : {}),
      });
      samplers.set(prepared, sampler);
      return sampler.order(epoch);
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.resume === undefined ? {} : { resume: options.resume }),
  });
}

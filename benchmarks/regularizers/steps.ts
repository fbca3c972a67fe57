/** Training steps of a network with and without a regularizer, as the training loop does them. */
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { float32, int64, sizeOf } from '../../src/graph/tensor.js';
import { buildModel } from '../../src/models/build.js';
import { modelOptions, type NativeModelOptions } from '../../src/models/options.js';
import { derive } from '../../src/numeric/random.js';
import type { InputDescription } from '../../src/regularizers/regularizer.js';
import { inOrder, resolveEntry } from '../../src/regularizers/resolve.js';
import { HostHooks, rateOf } from '../../src/training/host-hooks.js';
import { trainingOptions } from '../../src/training/options.js';
import { boundData, prepareProblem } from '../../src/training/preparation.js';
import { architectureOf, describeStep, sampledRows, type TrainingProblem } from '../../src/training/problem.js';
import { StepProgram } from '../../src/training/program.js';
import { type Contender, measure } from '../support/interleave.js';
import type { CostCase } from './theory.js';

const ROWS = 1024;
const BATCH = 64;
const OUTPUTS = 10;
const IMAGE: Omit<InputDescription, 'groups'> = { name: 'x', content: 'image', shape: [1, 28, 28] };

const NETWORKS: Readonly<Record<NonNullable<CostCase['network']>, { model: object; input: InputDescription }>> = {
  perceptron: { model: { type: 'mlp', hidden: [512, 512] }, input: IMAGE },
  deep: { model: { type: 'mlp', hidden: [512, 512, 512] }, input: IMAGE },
  residual: {
    model: {
      type: 'cnn',
      layers: [{ conv: 8, stride: 2 }, { residual: 8 }, { residual: 8 }, { globalPool: 'average' }],
    },
    input: IMAGE,
  },
  table: { model: { type: 'mlp', hidden: [512, 512] }, input: { name: 'x', content: 'tabular', shape: [784] } },
  series: { model: { type: 'mlp', hidden: [512, 512] }, input: { name: 'x', content: 'series', shape: [98, 8] } },
};

/** A case's problem on random rows: what is measured is time. */
function problemOf({ network = 'perceptron', tasks, unlabelled, beside = [] }: CostCase, entries: readonly object[]) {
  const { model, input } = NETWORKS[network];
  const stream = derive(1, 'regularizer benchmark');
  const shape = [ROWS, ...input.shape];
  const values = Float32Array.from({ length: sizeOf(shape) }, () => stream.uniform());
  const labels = Array.from({ length: ROWS }, (_, i) => i % OUTPUTS);
  const codes = (role: 'domain' | 'group' | 'sensitive', names: readonly string[]) => ({
    role,
    name: role,
    values: names,
    codes: Int32Array.from({ length: ROWS }, (_, row) => (row >> 3) % names.length),
  });
  const inputs = [{ ...input, type: 'float32' as const }];
  const draw = (seed: number) =>
    buildModel(modelOptions.parse(model) as NativeModelOptions, { inputs, outputs: OUTPUTS, seed });
  const labelled = unlabelled === true ? ROWS / 2 : ROWS;
  const all = Int32Array.from({ length: ROWS }, (_, row) => row);
  const problem: TrainingProblem = {
    graph: draw(1),
    redraw: draw,
    inputs,
    task: 'classification',
    classes: Array.from({ length: OUTPUTS }, (_, i) => `${i}`),
    data: {
      inputs: { x: float32(shape, values) },
      target: int64([ROWS], labels),
      weights: undefined,
      train: all.subarray(0, labelled),
      ...(unlabelled === true ? { unlabelled: all.subarray(labelled) } : {}),
      validation: new Int32Array(0),
      columns: [codes('domain', ['near', 'far']), codes('group', ['a', 'b']), codes('sensitive', ['p', 'q'])],
    },
    regularizers: [...beside, ...entries].map((entry, i) =>
      resolveEntry(entry as Record<string, unknown>, `benchmark[${i}]`),
    ),
    options: trainingOptions.parse({
      epochs: 1000,
      batchSize: BATCH,
      ...(tasks === true ? { tasks: { column: 'group' } } : {}),
    }),
    seed: 1,
    metrics: Object.assign(() => ({}), { primary: 'accuracy', loss: 'loss', higherIsBetter: () => true }),
  };
  return problem;
}

export interface TimedStep extends Contender {
  /** Elements of a batch's inputs, and of all weights. */
  readonly elements: { readonly inputs: number; readonly weights: number };
  release(): void;
}

/** A step of a case: with its own entry, or without. */
export async function timedStep(runtime: Runtime, type: string, given: CostCase, own: boolean): Promise<TimedStep> {
  const { problem } = await prepareProblem(problemOf(given, own ? [{ type, ...given.entry }] : []), runtime);
  const architecture = architectureOf(problem);
  const description = describeStep(problem, architecture, BATCH);
  const data = boundData(runtime, problem.data);
  const active = inOrder(description.regularizers);
  const strengthAt = (i: number): number => active[i].strength;
  const setting = { active, architecture, stepsPerEpoch: ROWS / BATCH, totalEpochs: 1000, seed: 1, strengthAt };
  const { program, state, compiled } = await StepProgram.create(
    runtime,
    description,
    { data, seed: 1, strengthAt, rateAt: (name, epochs) => rateOf(setting, name, epochs) },
    { threads: 1 },
  );
  const host = new HostHooks(setting, state, compiled, () => {
    throw new Error('no statistics are taken between steps');
  });
  const rows = sampledRows(problem.data);
  const { optimizer } = description;
  let count = 0;
  const step = (): void => {
    count++;
    for (let i = 0; i < BATCH; i++) program.index[i] = BigInt(rows[(i * 7 + count * BATCH) % rows.length]);
    // No rate: weights stay where they are, so that a long run is no other than a short one.
    const position = { step: count, learningRate: 1e-9 };
    program.prepare(position, (name) => optimizer.scalars[name](position), 10);
    program.runSync();
    host.afterStep(count, 10);
  };
  return {
    run: (steps) =>
      measure(() => {
        for (let i = 0; i < steps; i++) step();
      }),
    elements: {
      inputs: BATCH * sizeOf(NETWORKS[given.network ?? 'perceptron'].input.shape),
      weights: architecture.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    },
    release: () => {
      program.release();
      state.release();
      for (const bound of Object.values(data.tensors)) bound.release();
    },
  };
}

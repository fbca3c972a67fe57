/** Training steps whose images are augmented by the step itself, or ahead of it in another thread. */
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { float32, int64, sizeOf } from '../../src/graph/tensor.js';
import { buildModel } from '../../src/models/build.js';
import { modelOptions, type NativeModelOptions } from '../../src/models/options.js';
import { derive } from '../../src/numeric/random.js';
import { inOrder, resolveEntry } from '../../src/regularizers/resolve.js';
import { trainingOptions } from '../../src/training/options.js';
import { boundData } from '../../src/training/preparation.js';
import { architectureOf, describeStep, type TrainingProblem } from '../../src/training/problem.js';
import { StepProgram } from '../../src/training/program.js';
import { type Contender, measure } from '../support/interleave.js';

const [ROWS, BATCH, CLASSES] = [512, 64, 10];

function problemOf(entries: readonly object[]): TrainingProblem {
  const inputs = [{ name: 'x', content: 'image', type: 'float32', shape: [1, 28, 28] }] as const;
  const stream = derive(1, 'augmentation ahead');
  const draw = (seed: number) =>
    buildModel(modelOptions.parse({ type: 'cnn' }) as NativeModelOptions, { inputs, outputs: CLASSES, seed });
  const shape = [ROWS, 1, 28, 28];
  return {
    graph: draw(1),
    redraw: draw,
    inputs,
    task: 'classification',
    classes: Array.from({ length: CLASSES }, (_, i) => `${i}`),
    data: {
      inputs: {
        x: float32(
          shape,
          Array.from({ length: sizeOf(shape) }, () => stream.uniform()),
        ),
      },
      target: int64(
        [ROWS],
        Array.from({ length: ROWS }, (_, i) => i % CLASSES),
      ),
      weights: undefined,
      train: Int32Array.from({ length: ROWS }, (_, row) => row),
      validation: new Int32Array(0),
      columns: [],
    },
    regularizers: entries.map((entry) => resolveEntry(entry as Record<string, unknown>, 'benchmark')),
    options: trainingOptions.parse({ epochs: 1000, batchSize: BATCH }),
    seed: 1,
    metrics: Object.assign(() => ({}), { primary: 'accuracy', loss: 'loss', higherIsBetter: () => true }),
  };
}

/** Steps of the default cnn on 28x28 images, in batches of 64, one thread a graph. */
export async function timedSteps(
  runtime: Runtime,
  entries: readonly object[],
  ahead: boolean,
): Promise<Contender & { release(): void }> {
  const problem = problemOf(entries);
  const architecture = architectureOf(problem);
  const description = describeStep(problem, architecture, BATCH);
  const data = boundData(runtime, problem.data);
  const active = inOrder(description.regularizers);
  const context = { data, seed: 1, strengthAt: (i: number) => active[i].strength, rateAt: () => 1 };
  const { program, state } = await StepProgram.create(runtime, description, { ...context, ahead }, { threads: 1 });
  const { optimizer } = description;
  const rows = Int32Array.from({ length: BATCH }, (_, i) => (i * 7) % ROWS);
  let count = 0;
  const step = async (): Promise<void> => {
    count++;
    for (let i = 0; i < BATCH; i++) program.index[i] = BigInt(rows[i]);
    const position = { step: count, learningRate: 1e-9 };
    program.prepare(position, (name) => optimizer.scalars[name](position), 0);
    await program.take({ step: count, epochs: 0, rows });
    program.begin({ step: count + 1, epochs: 0, rows });
    await program.run();
  };
  return {
    run: (steps) =>
      measure(async () => {
        for (let i = 0; i < steps; i++) await step();
      }),
    release: () => {
      program.release();
      state.release();
      for (const bound of Object.values(data.tensors)) bound.release();
    },
  };
}

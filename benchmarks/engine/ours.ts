import type { Graph } from '../../src/graph/model.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { float32, int64, sizeOf, type Tensor } from '../../src/graph/tensor.js';
import { buildModel } from '../../src/models/build.js';
import { modelOptions, type NativeModelOptions } from '../../src/models/options.js';
import { derive } from '../../src/numeric/random.js';
import type { Active } from '../../src/regularizers/regularizer.js';
import { inOrder, resolveEntry } from '../../src/regularizers/resolve.js';
import { readArchitecture } from '../../src/training/architecture.js';
import { adam, sgd } from '../../src/training/optimizers.js';
import { bindData, StepProgram } from '../../src/training/program.js';
import type { StepDescription } from '../../src/training/step.js';
import { type Contender, measure } from '../support/interleave.js';
import type { EngineCase } from './cases.js';

/** Rows of the resident data set that batches are gathered from. */
const ROWS = 1024;

/** The case's network with initial weights. */
export function networkOf({ model, input, outputs }: EngineCase): Graph {
  return buildModel(modelOptions.parse(model) as NativeModelOptions, { inputs: [input], outputs, seed: 1 });
}

/** Random rows and labels of the case's shapes. */
export function rowsOf(
  { input, outputs }: EngineCase,
  rows = ROWS,
): { x: Tensor<Float32Array | BigInt64Array>; target: Tensor<BigInt64Array> } {
  const stream = derive(1, 'benchmark');
  const shape = [rows, ...input.shape];
  const { length } = { length: sizeOf(shape) };
  const x =
    input.type === 'int64'
      ? int64(
          shape,
          Array.from({ length }, (_, i) => (i * 7) % (input.vocabulary ?? 1)),
        )
      : float32(
          shape,
          Float32Array.from({ length }, () => stream.normal()),
        );
  return {
    x,
    target: int64(
      [rows],
      Array.from({ length: rows }, (_, i) => i % outputs),
    ),
  };
}

export function regularizersOf({ dropout, optimizer }: EngineCase): Active[] {
  const entries = [
    ...(optimizer === 'adamw' ? [{ type: 'weight-decay', strength: 0.01 }] : []),
    ...(dropout > 0 ? [{ type: 'dropout', strength: dropout }] : []),
  ];
  return entries.map((entry) => resolveEntry(entry, 'benchmark'));
}

function descriptionOf(subject: EngineCase, rows = ROWS): StepDescription {
  return {
    architecture: readArchitecture(networkOf(subject)),
    inputs: [subject.input],
    task: 'classification',
    outputs: subject.outputs,
    batchSize: subject.batchSize,
    rows,
    trainRows: rows,
    classRows: [],
    classes: [],
    columns: [],
    epochs: 1,
    seed: 1,
    hasWeights: false,
    classWeights: undefined,
    regularizers: regularizersOf(subject),
    optimizer:
      subject.optimizer === 'sgd'
        ? sgd({ momentum: 0.9, nesterov: false })
        : adam('adamw', { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
    gradientClip: undefined,
  };
}

export interface OurStep extends Contender {
  /** One step as the training loop does it: batch indices, scalars, run. Returns the loss. */
  step(): number;
  /** Nodes of the graph. */
  readonly nodes: number;
  /** Compiling and creating the session, in milliseconds. */
  readonly createMs: number;
  release(): void;
}

/** A program for the case, with everything that a step of the training loop does. */
export async function ourStep(runtime: Runtime, subject: EngineCase, threads: number): Promise<OurStep> {
  const { x, target } = rowsOf(subject);
  const data = bindData(runtime, { x, target });
  const description = descriptionOf(subject);
  const { optimizer, batchSize } = description;
  const active = inOrder(description.regularizers);
  const start = performance.now();
  const { program, state } = await StepProgram.create(
    runtime,
    description,
    { data, seed: 1, strengthAt: (i) => active[i].strength, rateAt: () => 1 },
    { threads },
  );
  const createMs = performance.now() - start;
  let count = 0;
  const step = (): number => {
    count++;
    for (let i = 0; i < batchSize; i++) program.index[i] = BigInt((i * 7 + count) % ROWS);
    const position = { step: count, learningRate: 1e-3 };
    program.prepare(position, (name) => optimizer.scalars[name](position), 0);
    return program.runSync();
  };
  return {
    step,
    createMs,
    nodes: program.nodes,
    run: (steps) =>
      measure(() => {
        for (let i = 0; i < steps; i++) step();
      }),
    release: () => {
      program.release();
      state.release();
      for (const bound of Object.values(data.tensors)) bound.release();
    },
  };
}

/**
 * What each regularizer adds to a training step, beside what it should in theory.
 *
 *     npm run bench -- regularizers [--json] [--clock cpu] [--rounds 15] [--block 60] [--only TEXT]
 *
 * A step with the regularizer and the plain step of the same network take turns. `ours` is the step's time, `theirs` that of
 * the plain step times the theoretical cost (theory.ts): passes through the network, element-wise passes over the weights at
 * the speed of one that is measured here, and nanoseconds an element as the method cards tell them. Above a ratio of 1.25 the
 * target is missed.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GraphBuilder } from '../src/graph/builder.js';
import { writeModel } from '../src/graph/format/encode.js';
import { openRuntime } from '../src/graph/runtime/choose.js';
import type { Runtime } from '../src/graph/runtime/runtime.js';
import { listRegularizers } from '../src/regularizers/index.js';
import { timedStep } from './regularizers/steps.js';
import { COSTS, type CostCase, NOT_IN_THE_STEP, type Theory } from './regularizers/theory.js';
import { type Clock, type Contender, compare, measure, type RoundOptions } from './support/interleave.js';
import { type BenchmarkReport, type BenchmarkRow, lineOf, machine, median, print } from './support/report.js';

const TARGET = 1.25;
/** Hidden activations of a batch of the perceptron: 64 rows, twice 512. */
const ACTIVATIONS = 64 * 1024;

/** y <- y + a x over so many numbers. */
async function axpy(runtime: Runtime, length: number): Promise<Contender & { release(): void }> {
  const b = new GraphBuilder('axpy');
  const [x, y] = ['x', 'y'].map((name) => b.input(name, 'float32', [length]));
  b.output('sum', b.add(y, b.mul(x, b.scalar(0.5, 'float32'))));
  const session = await runtime.load(writeModel(b.model()));
  const made = ['x', 'y', 'sum'].map((name) => [name, runtime.allocate('float32', [length])] as const);
  const { sum, ...inputs } = Object.fromEntries(made);
  const binding = session.bind(inputs, { sum });
  return {
    run: (steps) =>
      measure(() => {
        for (let i = 0; i < steps; i++) binding.runSync();
      }),
    release: () => {
      for (const [, tensor] of made) tensor.release();
    },
  };
}

async function rowOf(
  runtime: Runtime,
  type: string,
  given: CostCase,
  passMs: number,
  options: RoundOptions,
): Promise<BenchmarkRow> {
  const own = await timedStep(runtime, type, given, true);
  const plain = await timedStep(runtime, type, given, false);
  try {
    const { ours, theirs, ratio, interval } = await compare(own, plain, options);
    const expected = expectedMs(given.theory, { plainMs: theirs, passMs, ...plain.elements });
    const factor = theirs / expected;
    return {
      case: `${type} ${JSON.stringify(given.entry)}`,
      ours,
      peer: 'theory',
      theirs: expected,
      unit: 'ms a step',
      ratio: ratio * factor,
      interval: [interval[0] * factor, interval[1] * factor],
      threads: 1,
      target: TARGET,
      note: `${ratio.toFixed(2)} plain steps, in theory ${(expected / theirs).toFixed(2)}`,
    };
  } finally {
    own.release();
    plain.release();
  }
}

function expectedMs(
  { passes = 1, weights = 0, inputNs = 0, activationNs = 0, weightNs = 0 }: Theory,
  at: { plainMs: number; passMs: number; inputs: number; weights: number },
): number {
  const elements = inputNs * at.inputs + activationNs * ACTIVATIONS + weightNs * at.weights;
  return passes * at.plainMs + weights * at.passMs + elements / 1e6;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      clock: { type: 'string', default: 'wall' },
      rounds: { type: 'string', default: '15' },
      block: { type: 'string', default: '60' },
      only: { type: 'string', default: '' },
    },
  });
  const options = { clock: values.clock as Clock, rounds: Number(values.rounds), block: Number(values.block) };
  const runtime = await openRuntime();
  const { elements, release } = await timedStep(runtime, 'l2', { entry: {}, theory: {} }, false);
  release();
  const pass = await axpy(runtime, elements.weights);
  const times: number[] = [];
  for (let round = 0; round < options.rounds; round++) times.push((await pass.run(50))[options.clock] / 50);
  pass.release();
  const passMs = median(times);
  const rows: BenchmarkRow[] = [];
  for (const { type } of listRegularizers()) {
    if (!type.includes(values.only)) continue;
    if (COSTS[type] === undefined) {
      const why = NOT_IN_THE_STEP[type] ?? 'theory.ts does not say what it should cost';
      process.stderr.write(`${type}: no row, ${why}\n`);
    }
    for (const given of COSTS[type] ?? []) {
      const row = await rowOf(runtime, type, given, passMs, options);
      rows.push(row);
      if (!values.json) process.stderr.write(`${lineOf(row)}\n`);
    }
  }
  const report: BenchmarkReport = { name: 'regularizers', machine: machine(), rows };
  print(report, values.json);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();

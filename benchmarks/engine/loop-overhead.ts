import type { Binding, Runtime, Session } from '../../src/graph/runtime/runtime.js';
import { medianInterval } from '../../src/numeric/intervals.js';
import { train } from '../../src/training/loop.js';
import { trainingOptions } from '../../src/training/options.js';
import { StepProgram } from '../../src/training/program.js';
import type { RoundOptions } from '../support/interleave.js';
import { type BenchmarkRow, median } from '../support/report.js';
import type { EngineCase } from './cases.js';
import { networkOf, regularizersOf, rowsOf } from './ours.js';

const ROWS = 12_800;
const VALIDATION = 1280;

/**
 * What the training loop costs outside the engine: an epoch of `train` with sampling, scalars, metrics of train and
 * validation rows and events, less the time inside the runtime's calls and the steps (which update the weights), over
 * the time inside them.
 */
export async function loopOverhead(
  runtime: Runtime,
  subject: EngineCase,
  { rounds }: RoundOptions,
): Promise<BenchmarkRow> {
  const { x, target } = rowsOf(subject, ROWS + VALIDATION);
  const { outputs } = subject;
  const labels = target.data;
  const inside: Inside = { ms: 0, depth: 0 };
  const order = Int32Array.from({ length: ROWS }, (_, i) => i);
  const validation = Int32Array.from({ length: VALIDATION }, (_, i) => ROWS + i);
  const metrics = Object.assign(
    (rows: Int32Array, scores: Float32Array) => ({ accuracy: accuracyOf(rows, scores, labels, outputs) }),
    { primary: 'accuracy', loss: 'accuracy', higherIsBetter: () => true },
  );
  const restore = timeSteps(inside);
  const shares: number[] = [];
  const steps: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < Math.max(5, Math.ceil(rounds / 3)); round++) {
    let start = 0;
    let before = 0;
    await train(
      {
        graph: networkOf(subject),
        inputs: [subject.input],
        task: 'classification',
        classes: Array.from({ length: outputs }, (_, i) => `${i}`),
        data: { inputs: { [subject.input.name]: x }, target, weights: undefined, train: order, validation },
        regularizers: regularizersOf(subject),
        options: trainingOptions.parse({ epochs: 2, batchSize: subject.batchSize }),
        seed: 1,
        metrics,
      },
      {
        runtime: timed(runtime, inside),
        order: () => order,
        onEvent(event) {
          if (event.type !== 'epoch') return;
          // The first epoch warms up.
          if (event.record.epoch === 2) {
            const engine = inside.ms - before;
            const all = performance.now() - start;
            shares.push((all - engine) / engine);
            const count = ROWS / subject.batchSize;
            steps.push({ ours: (all - engine) / count, theirs: engine / count });
          }
          start = performance.now();
          before = inside.ms;
        },
      },
    );
  }
  restore();
  return {
    case: `${subject.name}: loop outside the engine`,
    ours: median(steps.map(({ ours }) => ours)),
    peer: 'the engine',
    theirs: median(steps.map(({ theirs }) => theirs)),
    unit: 'ms a step',
    ratio: median(shares),
    interval: medianInterval(shares),
    threads: 1,
    target: 0.1,
  };
}

function accuracyOf(rows: Int32Array, scores: Float32Array, labels: BigInt64Array, outputs: number): number {
  let right = 0;
  for (let i = 0; i < rows.length; i++) {
    let best = 0;
    for (let c = 1; c < outputs; c++) if (scores[i * outputs + c] > scores[i * outputs + best]) best = c;
    if (best === Number(labels[rows[i]])) right++;
  }
  return right / rows.length;
}

interface Inside {
  ms: number;
  /** How many timed calls are under way, one in the other. */
  depth: number;
}

/** Times a call, unless it is made from inside a timed one. */
function within<T>(inside: Inside, call: () => T): T {
  const start = performance.now();
  inside.depth++;
  const end = (): void => {
    inside.depth--;
    if (inside.depth === 0) inside.ms += performance.now() - start;
  };
  const result = call();
  if (result instanceof Promise) void result.finally(end).catch(() => {});
  else end();
  return result;
}

/** Times every step of every program until it is called off. */
function timeSteps(inside: Inside): () => void {
  const { run, runSync } = StepProgram.prototype;
  StepProgram.prototype.run = function (this: StepProgram) {
    return within(inside, () => run.call(this));
  };
  StepProgram.prototype.runSync = function (this: StepProgram) {
    return within(inside, () => runSync.call(this));
  };
  return () => Object.assign(StepProgram.prototype, { run, runSync });
}

/** The runtime, its bound calls timed: what is not a step is an evaluation. */
function timed(runtime: Runtime, inside: Inside): Runtime {
  const binding = (inner: Binding): Binding => ({
    runSync: () => within(inside, () => inner.runSync()),
    run: (options) => within(inside, () => inner.run(options)),
    release: () => inner.release(),
  });
  const session = (inner: Session): Session => ({
    inputs: inner.inputs,
    outputs: inner.outputs,
    run: (feeds, fetches, options) => inner.run(feeds, fetches, options),
    bind: (inputs, outputs) => binding(inner.bind(inputs, outputs)),
    release: () => inner.release(),
  });
  return { ...runtime, load: async (model, options) => session(await runtime.load(model, options)) };
}

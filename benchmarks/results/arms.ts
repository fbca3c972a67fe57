import { sampleValues } from '../../src/evaluation/cheap.js';
import { type Figure, meanOverSeeds, pairedOverSeeds } from '../../src/evaluation/index.js';
import { prepareSample } from '../../src/evaluation/sample.js';
import { openRuntime, type Runtime } from '../../src/graph/index.js';
import type { Graph } from '../../src/graph/model.js';
import type { Finding } from '../../src/regularizers/index.js';
import { resolveSpec } from '../../src/spec/index.js';
import { type PreparedData, prepareData } from '../../src/spec/prepare.js';
import { boundData } from '../../src/training/preparation.js';
import type { TrainingProblem } from '../../src/training/problem.js';
import { runGraph } from '../../src/training/run-graph.js';
import type { TaskRecord } from '../../src/training/tasks.js';
import { predictionsOf } from '../../src/tuning/judge.js';
import { problemOf, trainRun } from '../../src/tuning/train-run.js';

/** One way to train: what differs from the shared spec. */
export interface Arm {
  readonly name: string;
  readonly regularizers: readonly Readonly<Record<string, unknown>>[];
  /** Merged over the spec's own sections. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** One trained model of an arm under a seed. */
export interface Trial {
  readonly arm: string;
  readonly seed: number;
  readonly graph: Graph;
  readonly seconds: number;
  readonly epochs: number;
  readonly findings: readonly Finding[];
  /** In a run through tasks. */
  readonly tasks: TaskRecord | undefined;
  /** accuracy, logLoss, brier, ece, rocAuc (two classes) or rmse, mae, r2 of each part, and what was asked for. */
  readonly train: Readonly<Record<string, number>>;
  readonly validation: Readonly<Record<string, number>>;
  readonly holdout: Readonly<Record<string, number>>;
  /** Of the holdout: class indices (or targets), logits (or predictions) row-major, and row numbers in the table. */
  readonly scored: { readonly target: readonly number[]; readonly outputs: Float32Array; readonly rows: Uint32Array };
  readonly data: PreparedData;
}

/**
 * Trains every arm under every seed on one split, and scores each model once on the rows held out, which nothing else
 * reads. No store is kept.
 *
 * @param seeds so many from 1, or these
 * @param watch the part that the run is watched on while it trains (its `validation`): the rows held out only where nothing is
 *   chosen by it any more
 * @param metrics beside the cheap ones, by name
 * @param change the problem before it is trained (labels made wrong); what is held out stays as it is
 */
export async function trainArms(
  spec: Readonly<Record<string, unknown>>,
  arms: readonly Arm[],
  {
    seeds,
    watch = 'validation',
    metrics = [],
    tell,
    change = (problem) => problem,
  }: {
    seeds: number | readonly number[];
    watch?: 'validation' | 'holdout';
    metrics?: readonly string[];
    tell?: (line: string) => void;
    change?: (problem: TrainingProblem, seed: number) => TrainingProblem;
  },
): Promise<Trial[]> {
  const runtime = await openRuntime();
  const trials: Trial[] = [];
  const prepared = new Map<string, PreparedData>();
  for (const arm of arms) {
    const resolved = resolveSpec({ ...spec, ...arm.spec, regularizers: arm.regularizers });
    const { task, data: section } = resolved.spec;
    const key = JSON.stringify({ task, section });
    const data = prepared.get(key) ?? (await prepareData(resolved, { register: FORGETFUL }));
    prepared.set(key, data);
    for (const seed of typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i + 1) : seeds) {
      const started = performance.now();
      const { train, [watch]: validation } = data.split;
      const plan = { role: 'model', seed, fold: undefined, train, validation } as const;
      const made = await problemOf(resolved, data, plan);
      const { examples } = made;
      const problem = change(made.problem, seed);
      const result = await trainRun(problem, {
        runtime,
        onEvent: () => Promise.resolve(),
        signal: undefined,
        resume: undefined,
      });
      const seconds = (performance.now() - started) / 1000;
      const measured = (positions: Int32Array, outputs: Float32Array): Record<string, number> =>
        sampleValues(prepareSample(predictionsOf(resolved.spec, data, examples, positions, outputs)), metrics);
      const held = data.preprocessor.transform(data.table, data.split.holdout);
      if (held.target === undefined) throw new Error('prepared data always has a target');
      const all = Int32Array.from(data.split.holdout, (_, i) => i);
      const none = all.length === 0;
      const outputs = none ? new Float32Array(0) : await scoreRows(runtime, result.graph, problem.inputs, held, all);
      const holdout = none
        ? {}
        : sampleValues(prepareSample(predictionsOf(resolved.spec, data, held, all, outputs)), metrics);
      trials.push({
        arm: arm.name,
        seed,
        graph: result.graph,
        seconds,
        epochs: result.epochs,
        findings: result.findings,
        tasks: result.tasks,
        train: measured(problem.data.train, result.outputs.train),
        validation: measured(problem.data.validation, result.outputs.validation),
        holdout,
        scored: { target: Array.from(held.target.data, Number), outputs, rows: data.split.holdout },
        data,
      });
      tell?.(`${String(spec.name)} ${arm.name} seed ${seed}: ${JSON.stringify(holdout)} ${seconds.toFixed(1)} s`);
    }
  }
  return trials;
}

/** Outputs [rows, ...] of a trained network for encoded examples: the first, or another by its name. */
export async function scoreRows(
  runtime: Runtime,
  graph: Graph,
  inputs: Parameters<typeof runGraph>[2]['inputs'],
  examples: Pick<Parameters<typeof boundData>[1], 'inputs'> & { readonly target?: unknown },
  rows: Int32Array,
  output?: string,
): Promise<Float32Array> {
  const data = boundData(runtime, {
    inputs: examples.inputs,
    target: examples.target as Parameters<typeof boundData>[1]['target'],
    weights: undefined,
    train: rows,
    validation: new Int32Array(0),
  });
  try {
    return await runGraph(runtime, graph, {
      inputs,
      data,
      rows,
      session: { threads: 1 },
      ...(output === undefined ? {} : { output }),
    });
  } finally {
    for (const target of Object.values(data.tensors)) target.release();
  }
}

/** Values of one metric of an arm, by seed. */
export function valuesOf(trials: readonly Trial[], arm: string, of: (trial: Trial) => number | undefined): number[] {
  return trials.flatMap((trial) => {
    const value = trial.arm === arm ? of(trial) : undefined;
    return value === undefined ? [] : [value];
  });
}

/** Mean over seeds with Student's interval, and the paired difference to another arm (`model` minus `against`). */
export function summary(values: readonly number[], against?: readonly number[]): { mean: Figure; gain?: Figure } {
  const mean = meanOverSeeds(values);
  if (mean === undefined) throw new Error('two seeds at least are needed for an interval');
  const gain = against === undefined ? undefined : pairedOverSeeds(values, against);
  return { mean, ...(gain === undefined ? {} : { gain }) };
}

/** `0.9312 (0.9275 to 0.9349)`. */
export function show({ value, interval }: Figure, digits = 4): string {
  return `${value.toFixed(digits)} (${interval.map((bound) => bound.toFixed(digits)).join(' to ')})`;
}

/** No lock is kept: every table of results draws its split anew from the spec's seed. */
export const FORGETFUL = {
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  countRead: () => Promise.resolve(1),
};

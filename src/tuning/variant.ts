import { BallastError } from '../errors.js';
import type { Figure } from '../evaluation/figure.js';
import type { PredictionInput } from '../evaluation/input.js';
import { comparePaired } from '../evaluation/paired.js';
import type { Graph } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { PreparedData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import { withInferenceStatistics } from '../training/inference-statistics.js';
import { boundData } from '../training/preparation.js';
import type { TrainingProblem } from '../training/problem.js';
import { runGraph } from '../training/run-graph.js';
import { predictionsOf, primaryMetric } from './judge.js';
import type { PlannedRun } from './plan.js';
import type { RunResult } from './run-result.js';
import { problemOf, trainRun } from './train-run.js';

/** What a trained spec answers to its training rows and to the validation rows. */
export interface Answers {
  readonly train: PredictionInput;
  readonly validation: PredictionInput;
  /** The primary metric on the training rows. */
  readonly trainValue: number;
}

export interface VariantOptions {
  readonly runtime: Runtime;
  readonly data: PreparedData;
  /** Rows and seed: the validation rows are those of what it is compared with. */
  readonly plan: PlannedRun;
  readonly signal?: AbortSignal | undefined;
  /** Give batch normalizations, once trained, the statistics of the training rows as inference sees them. */
  readonly undisturbed?: boolean;
}

/**
 * Trains a spec on the rows of another run, for comparison: nothing is recorded.
 *
 * @throws BallastError INTERRUPTED, and whatever is wrong with the spec
 */
export async function trainVariant(
  resolved: ResolvedSpec,
  { runtime, data, plan, signal, undisturbed = false }: VariantOptions,
): Promise<Answers> {
  const { problem, examples } = await problemOf(resolved, data, { ...plan, role: 'model' });
  const result = await trainRun(problem, { runtime, signal, resume: undefined, onEvent: () => Promise.resolve() });
  if (result.outcome === 'cancelled') {
    throw new BallastError('interrupted; what was recorded before stays as it was', {
      code: 'INTERRUPTED',
      kind: 'cancelled',
    });
  }
  const { train, validation } = problem.data;
  const { spec } = resolved;
  const outputs = undisturbed ? await undisturbedOutputs(runtime, problem, result.graph) : result.outputs;
  return {
    train: predictionsOf(spec, data, examples, train, outputs.train),
    validation: predictionsOf(spec, data, examples, validation, outputs.validation),
    trainValue: problem.metrics(train, outputs.train)[primaryMetric(spec)],
  };
}

async function undisturbedOutputs(
  runtime: Runtime,
  { inputs, data, options: { threads } }: TrainingProblem,
  graph: Graph,
): Promise<{ train: Float32Array; validation: Float32Array }> {
  const bound = boundData(runtime, data);
  const run = { inputs, data: bound, session: { threads } };
  try {
    const settled = await withInferenceStatistics(runtime, graph, { ...run, rows: data.train });
    const answers = (rows: Int32Array): Promise<Float32Array> => runGraph(runtime, settled, { ...run, rows });
    return { train: await answers(data.train), validation: await answers(data.validation) };
  } finally {
    for (const tensor of Object.values(bound.tensors)) tensor.release();
  }
}

/** What a recorded run answered to the same rows. */
export function answersOf(
  { spec }: ResolvedSpec,
  data: PreparedData,
  plan: PlannedRun,
  { outputs, train }: Pick<RunResult, 'outputs' | 'train'>,
): Answers {
  const rows = Uint32Array.from([...plan.train, ...plan.validation]);
  const examples = data.preprocessor.transform(data.table, rows);
  const positions = Int32Array.from(rows, (_, i) => i);
  const of = (from: Int32Array, values: Float32Array) => predictionsOf(spec, data, examples, from, values);
  return {
    train: of(positions.subarray(0, plan.train.length), outputs.train),
    validation: of(positions.subarray(plan.train.length), outputs.validation),
    trainValue: train.metrics[primaryMetric(spec)]?.value ?? Number.NaN,
  };
}

/** The change from one model to another on the same validation rows: second thoughts minus first, paired. */
export function changeOf(
  metric: string,
  { from, to }: { from: Answers; to: Answers },
  options: { level: number; seed: number },
): Figure | undefined {
  const compared = comparePaired({ metric, first: to.validation, second: from.validation, ...options });
  return 'reason' in compared ? undefined : compared.difference;
}

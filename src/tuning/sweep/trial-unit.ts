import type { Examples } from '../../data/preprocess/preprocessor.js';
import { sampleValues } from '../../evaluation/cheap.js';
import { findMetric } from '../../evaluation/metrics/index.js';
import { prepareSample } from '../../evaluation/sample.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { sizeOf } from '../../graph/tensor.js';
import type { Verdict } from '../../search/pruner.js';
import type { Report } from '../../search/trial.js';
import type { PreparedData } from '../../spec/prepare.js';
import type { ResolvedSpec } from '../../spec/read.js';
import type { Store } from '../../store/types.js';
import type { EpochRecord } from '../../training/events.js';
import type { TrainingResult } from '../../training/loop.js';
import { architectureOf, type TrainingProblem } from '../../training/problem.js';
import type { CheckpointFolder } from '../checkpoints.js';
import { predictionsOf, primaryMetric } from '../judge.js';
import type { PlannedRun } from '../plan.js';
import { RunRecorder } from '../recorder.js';
import { trainRun } from '../train-run.js';
import type { OpenSweep } from './definition.js';
import { lossOf, type Objective } from './objectives.js';
import type { TrialOutcome, UnitOutcome } from './outcome.js';

export interface UnitOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly checkpoints: CheckpointFolder;
  /** What its checkpoint is kept under. */
  readonly checkpoint: string;
  readonly runId: string;
  /** The run is a new one: epochs of before the checkpoint are not in it yet. */
  readonly newRun: boolean;
  /** From 0; epochs are reported of the first unit alone. */
  readonly index: number;
  readonly plan: PlannedRun;
  readonly problem: TrainingProblem;
  readonly examples: Examples;
  readonly resolved: ResolvedSpec;
  readonly data: PreparedData;
  readonly sweep: OpenSweep;
  readonly signal: AbortSignal;
  readonly reports: readonly Report[];
  readonly report: (reports: readonly Report[]) => Promise<Verdict>;
}

type UnitEnd =
  | { readonly state: 'complete'; readonly outcome: UnitOutcome }
  | { readonly state: 'failed'; readonly error: NonNullable<TrialOutcome['error']> }
  | { readonly state: 'pruned' }
  | { readonly state: 'queued'; readonly paused: boolean };

/** Artifact with the validation outputs of a unit. */
export function unitOutputs(index: number): string {
  return `validation-outputs-${index}.f32`;
}

/** What the checkpoint of a unit is kept under: whoever takes the trial finds it, whatever run it is. */
export function checkpointName(sweepId: string, trial: number, unit: number): string {
  return `sweep-${sweepId}-${trial}-${unit}`;
}

/** Trains one fold or seed of a trial, from its checkpoint where it has one. */
export async function trainUnit(options: UnitOptions): Promise<UnitEnd> {
  const { store, runtime, checkpoints, checkpoint: name, runId, index, problem, plan, signal } = options;
  const { objectives } = options.sweep.definition;
  const resume = await checkpoints.load(name);
  const parameters = parametersOf(problem);
  const started = performance.now();
  const recorder = new RunRecorder(store, runId);
  const pruning = new AbortController();
  if (options.newRun && index === 0) for (const record of resume?.progress.history ?? []) await recorder.epoch(record);
  const answered: { verdict: Verdict } = { verdict: 'go-on' };
  let reports = index === 0 ? reportsOf(resume?.progress.history ?? [], objectives, parameters) : options.reports;
  const result = await trainRun(problem, {
    runtime,
    signal: AbortSignal.any([signal, pruning.signal]),
    resume,
    async onEvent(event) {
      if (event.type === 'checkpoint' && answered.verdict !== 'prune') {
        // The epochs before it first: whoever goes on from it does not see them again.
        await recorder.flush();
        await checkpoints.save(name, event.checkpoint);
      }
      if (event.type !== 'epoch' || index > 0) return;
      await recorder.epoch(event.record);
      reports = [...reports, ...reportsOf([event.record], objectives, parameters)];
      answered.verdict = await options.report(reports);
      if (answered.verdict !== 'go-on') pruning.abort();
    },
  });
  await recorder.flush();
  if (result.outcome === 'cancelled' && answered.verdict !== 'prune') {
    return { state: 'queued', paused: answered.verdict === 'pause' };
  }
  await checkpoints.remove(name);
  if (result.outcome === 'cancelled') return { state: 'pruned' };
  if (result.outcome === 'diverged') {
    const [finding] = result.findings;
    const { code, message, remedy } = finding ?? { code: 'DIVERGED', message: 'training diverged', remedy: '' };
    return { state: 'failed', error: { code, message, remedy } };
  }
  const { buffer, byteOffset, byteLength } = result.outputs.validation;
  await store.putArtifact(runId, unitOutputs(index), new Uint8Array(buffer, byteOffset, byteLength));
  const seconds = (performance.now() - started) / 1000;
  const figures = figuresOf(options, result, seconds);
  const undefinedOne = objectives.find(({ name: objective }) => figures[objective] === undefined);
  if (undefinedOne !== undefined) {
    const message = `${undefinedOne.name} has no value on the validation rows`;
    return { state: 'failed', error: { code: 'METRIC_UNDEFINED', message, remedy: 'Validate on more rows' } };
  }
  return {
    state: 'complete',
    outcome: {
      seed: plan.seed,
      ...(plan.fold === undefined ? {} : { fold: plan.fold }),
      figures,
      losses: objectives.map((objective) => lossOf(objective, figures[objective.name])),
      epochs: result.epochs,
      seconds,
    },
  };
}

/** What objectives may be about, of one unit. */
function figuresOf(
  { problem, examples, resolved: { spec }, data, sweep }: UnitOptions,
  { outputs }: TrainingResult,
  seconds: number,
): Record<string, number> {
  const { objectives, constraints } = sweep.definition;
  const own = new Set(['gap', 'parameters', 'seconds']);
  const asked = [...objectives, ...constraints].map(({ name }) => name).filter((name) => !own.has(name));
  const primary = primaryMetric(spec);
  const valuesOf = (rows: Int32Array, of: Float32Array): Record<string, number> => {
    const { loss: _loss, ...values } = sampleValues(prepareSample(predictionsOf(spec, data, examples, rows, of)), [
      primary,
      ...asked,
    ]);
    return values;
  };
  const { train, validation } = problem.data;
  const values = valuesOf(validation, outputs.validation);
  const seen = valuesOf(train, outputs.train);
  const sign = findMetric(primary).metric.direction === 'higher' ? 1 : -1;
  return { ...values, gap: sign * (seen[primary] - values[primary]), parameters: parametersOf(problem), seconds };
}

function parametersOf(problem: TrainingProblem): number {
  return architectureOf(problem).parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Epochs as reports: every objective that an epoch knows of; of others there is nothing to compare yet. */
function reportsOf(history: readonly EpochRecord[], objectives: readonly Objective[], parameters: number): Report[] {
  return history.map(({ epoch, validation, gap, seconds }) => {
    const known: Readonly<Record<string, number>> = { ...validation, gap, seconds, parameters };
    return { step: epoch, losses: objectives.map((o) => lossOf(o, known[o.name] ?? Number.NaN)) };
  });
}

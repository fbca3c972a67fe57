import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { BallastError } from '../errors.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import { gapOf } from '../evaluation/ledger.js';
import { makeFolder } from '../graph/format/make-folder.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { sizeOf } from '../graph/tensor.js';
import { canonicalJson } from '../regularizers/canonical-json.js';
import { manifestOf, regularizerId } from '../regularizers/manifest.js';
import { findConflicts } from '../regularizers/resolve.js';
import { loadAssets } from '../spec/assets.js';
import { type PreparedData, prepareData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { Spec } from '../spec/schema.js';
import { tokenizerRecords } from '../spec/tokens.js';
import type { Store } from '../store/types.js';
import type { Architecture } from '../training/architecture.js';
import type { TrainingResult } from '../training/loop.js';
import { architectureOf, checkProblem, tasksIn } from '../training/problem.js';
import { CheckpointFolder } from './checkpoints.js';
import { TOKENIZERS_KEY } from './described-ports.js';
import { codeCommit, describeEnvironment } from './environment.js';
import type { ExperimentEvent } from './events.js';
import { exportTrained } from './export-trained.js';
import { findExperiment } from './find-experiment.js';
import { judge, predictionsOf, primaryMetric } from './judge.js';
import { lateRegister } from './late-register.js';
import { leftOut, type PlannedRun, planRuns } from './plan.js';
import { RunRecorder } from './recorder.js';
import { loadResult, saveResult } from './result-record.js';
import type { RunResult } from './run-result.js';
import { refuseChangedSpec } from './spec-difference.js';
import { problemOf, trainRun } from './train-run.js';
import { parameterHash, summarizeWeights } from './weights.js';

export interface ExperimentOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  /** Folder for checkpoints and for what each experiment writes. */
  readonly workFolder: string;
  readonly ballastVersion: string;
  readonly onEvent?: (event: ExperimentEvent) => void;
  readonly signal?: AbortSignal;
  readonly newHoldout?: boolean;
  /** Train the model without each of its regularizers as well. */
  readonly ablate?: boolean;
  /** An interrupted experiment to go on with, as {@link findExperiment} takes it. */
  readonly resume?: string;
}

export interface ExperimentResult {
  readonly id: string;
  readonly data: PreparedData;
  readonly runs: readonly RunResult[];
  /** Folder with the models and the report. */
  readonly folder: string;
  readonly primary: string;
  readonly interrupted: boolean;
}

/**
 * Trains what a spec says: the baseline and the model, for every seed and fold, each recorded in the store as it goes,
 * with checkpoints that an interrupted experiment resumes from.
 *
 * @throws BallastError where the spec, its data or its mix of regularizers does not work
 */
export async function runExperiment(resolved: ResolvedSpec, options: ExperimentOptions): Promise<ExperimentResult> {
  const { spec } = resolved;
  const { store, signal } = options;
  const tell = options.onEvent ?? (() => undefined);
  const id =
    options.resume === undefined
      ? randomBytes(8).toString('hex')
      : await findExperiment(store, options.resume, spec.name);
  const before = options.resume === undefined ? [] : await store.listRuns({ groupId: id, limit: 10_000 });
  await refuseChangedSpec(resolved, store, before);
  const register = lateRegister(store.holdoutRegister('train'));
  const data = await prepareData(resolved, { register, newHoldout: options.newHoldout ?? false });
  const { train, validation, holdout } = data.split;
  const rows = { train: train.length, validation: validation.length, holdout: holdout.length };
  tell({
    type: 'data',
    name: data.name,
    version: data.version,
    rows,
    inputs: data.preprocessor.outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  });
  for (const { code, message } of data.notices) tell({ type: 'warning', code, message, remedy: '' });
  if (before.some(({ dataVersion }) => dataVersion !== data.version)) {
    throw new BallastError('the data has changed since the experiment was interrupted', {
      code: 'EXPERIMENT_DATA_CHANGED',
      kind: 'conflict',
      value: data.version,
      remedy: 'Train anew without --resume',
    });
  }
  const folder = join(options.workFolder, 'experiments', id);
  const checkpoints = new CheckpointFolder(join(options.workFolder, 'checkpoints'));
  const environment = await describeEnvironment(options.runtime, spec.training, options.ballastVersion);
  const commit = await codeCommit(resolved.baseDirectory);
  const ablate = options.ablate === true || before.some(({ role }) => role === 'ablation');
  const planned = planRuns(spec, data, { ablate });
  const runs: RunResult[] = [];
  let begun = false;
  for (const [index, plan] of planned.entries()) {
    if (signal?.aborted === true) break;
    const result = await oneRun(plan, index);
    if (result === undefined) break;
    runs.push(result);
  }
  return { id, data, runs, folder, primary: primaryMetric(spec), interrupted: runs.length < planned.length };

  async function oneRun(plan: PlannedRun, index: number): Promise<RunResult | undefined> {
    const label = labelOf(plan, spec);
    const earlier = before.find((run) => run.role === plan.role && run.name === label);
    if (earlier?.status === 'finished' || earlier?.status === 'diverged') return loadResult(store, earlier.id, folder);
    const { problem, examples } = await problemOf(resolved, data, plan);
    const architecture = architectureOf(problem);
    // Baseline and model have one architecture: what the model's regularizers do not go with is told before any run.
    if (!begun) {
      const ofModel = {
        ...problem,
        regularizers: await loadAssets(resolved.regularizers, resolved.baseDirectory, {
          ...data,
          rows: Uint32Array.from([...plan.train, ...plan.validation]),
        }),
      };
      refuseConflicts(ofModel, architecture, spec.model.type === 'onnx', tell);
      checkProblem(ofModel);
    }
    const manifest = manifestOf(
      problem.regularizers,
      { normalization: architecture.normalization },
      {
        optimizer: spec.training.optimizer.type,
        epochs: spec.training.epochs,
        batchSize: spec.training.batchSize,
        gradientClip: spec.training.gradientClip ?? null,
        classWeights: canonicalJson(spec.training.classWeights),
      },
    );
    if (!begun) await begin();
    const runId = earlier?.id ?? (await createRun(plan, label, regularizerId(manifest), manifest));
    const resume = earlier === undefined ? undefined : await checkpoints.load(runId);
    if (earlier !== undefined) await store.resumeRun(runId, { afterStep: resume?.progress.epoch ?? 0 });
    tell({ type: 'run', experiment: id, runId, role: plan.role, label, index: index + 1, count: planned.length });
    const recorder = new RunRecorder(store, runId);
    try {
      const result = await trainRun(problem, {
        runtime: options.runtime,
        signal,
        resume,
        async onEvent(event) {
          tell({ type: 'training', runId, role: plan.role, event });
          if (event.type === 'epoch') await recorder.epoch(event.record);
          if (event.type === 'checkpoint') await checkpoints.save(runId, event.checkpoint);
        },
      });
      await recorder.flush();
      if (result.outcome === 'cancelled') {
        await store.finishRun(runId, 'cancelled');
        return undefined;
      }
      const done = await conclude(plan, runId, result, manifest, problem, examples, recorder);
      await checkpoints.remove(runId);
      tell({ type: 'run-ended', runId, role: plan.role, outcome: result.outcome });
      return done;
    } catch (error) {
      // A store that cannot record the failure either (a full disk) must not hide what went wrong first.
      await store.finishRun(runId, 'failed', { error: (error as Error).message }).catch(() => undefined);
      throw error;
    }
  }

  /** Now that it is known to work: the holdout is locked and the data's version recorded. */
  async function begin(): Promise<void> {
    begun = true;
    await register.commit();
    await store.putDataVersion({
      name: data.name,
      version: data.version,
      rows: data.table.rows,
      schema: data.table.columns.map(({ name, kind }) => ({ name, kind })),
      source: [spec.data.source].flat().join(' '),
      splits: rows,
    });
  }

  async function createRun(plan: PlannedRun, label: string, id16: string, manifest: unknown): Promise<string> {
    return store.createRun({
      experiment: spec.name,
      name: label,
      kind: 'train',
      role: plan.role,
      spec: { ...spec, baseDirectory: resolved.baseDirectory },
      seed: plan.seed,
      datasetName: data.name,
      dataVersion: data.version,
      regularizerId: id16,
      manifest,
      environment,
      groupId: id,
      ...(commit === undefined ? {} : { codeCommit: commit }),
    });
  }

  async function conclude(
    plan: PlannedRun,
    runId: string,
    result: TrainingResult,
    manifest: RunResult['manifest'],
    problem: Awaited<ReturnType<typeof problemOf>>['problem'],
    examples: Awaited<ReturnType<typeof problemOf>>['examples'],
    recorder: RunRecorder,
  ): Promise<RunResult> {
    const { data: parts } = problem;
    const trainEvaluation = judge(
      spec,
      data,
      predictionsOf(spec, data, examples, parts.train, result.outputs.train),
      plan.train,
    );
    const validationEvaluation = judge(
      spec,
      data,
      predictionsOf(spec, data, examples, parts.validation, result.outputs.validation),
      plan.validation,
    );
    const gap = gapOf(trainEvaluation, validationEvaluation, primaryMetric(spec));
    if (gap === undefined) throw undefinedMetric(primaryMetric(spec), validationEvaluation);
    await makeFolder(folder);
    const exported = await exportTrained({
      runtime: options.runtime,
      preprocessor: data.preprocessor,
      table: data.table,
      graph: result.graph,
      path: join(folder, `${labelOf(plan, spec).replace(/[^a-z0-9]+/g, '-')}.onnx`),
      trainRows: plan.train,
      checkRows: plan.validation,
      checkOutputs: result.outputs.validation,
      metadata: {
        'ballast.version': options.ballastVersion,
        'ballast.run': runId,
        'ballast.name': spec.name,
        'ballast.target': data.roles.target ?? '',
        'ballast.data': `${data.name}@${data.version}`,
        'ballast.regularizers': regularizerId(manifest),
        'ballast.manifest': JSON.stringify(manifest),
        ...(data.tokenizers.length === 0
          ? {}
          : { [TOKENIZERS_KEY]: JSON.stringify(tokenizerRecords(data.tokenizers)) }),
        ...(commit === undefined ? {} : { 'ballast.commit': commit }),
      },
    });
    const done: RunResult = {
      runId,
      role: plan.role,
      seed: plan.seed,
      fold: plan.fold,
      ...(plan.without === undefined ? {} : { without: plan.without }),
      regularizerId: regularizerId(manifest),
      manifest,
      epochs: result.epochs,
      bestEpoch: result.bestEpoch,
      outcome: result.outcome,
      history: result.history,
      findings: result.findings,
      ...(result.tasks === undefined ? {} : { tasks: result.tasks }),
      train: trainEvaluation,
      validation: validationEvaluation,
      gap,
      weights: summarizeWeights(result.graph),
      modelPath: exported.path,
      modelBytes: exported.bytes,
      parameterHash: parameterHash(result.graph),
      outputs: result.outputs,
    };
    await saveResult(store, done, data, trainEvaluation, validationEvaluation);
    await recorder.conclude(done);
    const diverged = result.outcome === 'diverged';
    await store.finishRun(
      runId,
      diverged ? 'diverged' : 'finished',
      diverged ? { error: result.findings[0]?.message ?? '' } : {},
    );
    return done;
  }
}

function undefinedMetric(metric: string, evaluation: Evaluation): BallastError {
  return new BallastError(
    `${metric} has no value on the validation rows: ${evaluation.omitted[metric] ?? 'it is undefined'}`,
    {
      code: 'METRIC_UNDEFINED',
      place: 'objectives.primary',
      remedy: 'Choose another primary metric, or validate on more rows',
    },
  );
}

/** `baseline`, `model seed 3`, `model fold 2`, `without dropout`: unique within an experiment. */
function labelOf({ role, seed, fold, without }: PlannedRun, spec: Spec): string {
  const name = without === undefined ? role : `without ${leftOut(spec, without)}`;
  return [
    name,
    ...(spec.training.repeats > 1 ? [`seed ${seed}`] : []),
    ...(fold === undefined ? [] : [`fold ${fold}`]),
  ].join(' ');
}

/** Refuses what does not go together in a run; what only goes badly together is told. @throws BallastError */
export function refuseConflicts(
  problem: Awaited<ReturnType<typeof problemOf>>['problem'],
  architecture: Architecture,
  pretrained: boolean,
  tell: (event: ExperimentEvent) => void,
): void {
  const conflicts = findConflicts({
    active: problem.regularizers,
    task: problem.task,
    parameters: architecture.parameters,
    operators: architecture.graph.nodes.map(({ opType }) => opType),
    sites: [...architecture.sites.values()],
    spectrogram: architecture.spectrograms.size > 0,
    optimizer: problem.options.optimizer.type,
    inputs: problem.inputs,
    rows: problem.data.train.length,
    epochs: problem.options.epochs,
    classes: problem.classes,
    columns: problem.data.columns ?? [],
    rebalanced: problem.options.classWeights !== 'none' || problem.options.sampler === 'balanced',
    unlabelled: problem.data.unlabelled?.length ?? 0,
    ...tasksIn(problem),
    start: { pretrained, learningRate: problem.options.optimizer.learningRate },
  });
  const error = conflicts.find(({ severity }) => severity === 'error');
  if (error !== undefined) {
    const { code, place = 'regularizers', remedy } = error;
    throw new BallastError(error.message, { code, place, remedy });
  }
  for (const { code, message, remedy } of conflicts) tell({ type: 'warning', code, message, remedy });
}

import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { kFold } from '../data/folds.js';
import { BallastError } from '../errors.js';
import { gapOf } from '../evaluation/ledger.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { type Criteria, type CriterionName, informationCriteria } from '../paths/criteria.js';
import { type CrossValidation, crossValidate } from '../paths/cross-validate.js';
import type { FamilyName } from '../paths/families/family.js';
import { fitPath, linearPredictor, type RegularizationPath } from '../paths/path.js';
import type { PathOptions } from '../paths/problem.js';
import { regularizerId } from '../regularizers/manifest.js';
import { type PreparedData, prepareData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { Store } from '../store/types.js';
import { codeCommit, describeEnvironment } from './environment.js';
import { exportTrained } from './export-trained.js';
import { judge, predictionsOf, primaryMetric } from './judge.js';
import { lateRegister } from './late-register.js';
import { type NamedCoefficients, onOriginalScale, pathData } from './path-data.js';
import { linearNetwork, linearOutputs } from './path-network.js';
import { manifestOfPath, recordData, recordPath } from './path-record.js';
import { planRuns } from './plan.js';
import { RunRecorder } from './recorder.js';
import { saveResult } from './result-record.js';
import type { RunResult } from './run-result.js';
import { parameterHash, summarizeWeights } from './weights.js';

/** Which model of a path is taken. */
export type PathChoice = 'min' | '1se' | CriterionName;

export interface PathRunOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly workFolder: string;
  readonly ballastVersion: string;
  /** Default: binomial for two classes, Gaussian for numbers. */
  readonly family?: FamilyName | undefined;
  readonly path: Omit<PathOptions, 'family' | 'runtime' | 'signal' | 'onProgress'>;
  readonly folds: number;
  readonly choose: PathChoice;
  readonly newHoldout?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: PathEvent) => void;
}

/** What a path tells its audience while it is fitted. */
export type PathEvent =
  | {
      readonly type: 'data';
      readonly name: string;
      readonly version: string;
      readonly rows: number;
      readonly features: number;
    }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'fitted'; readonly part: string; readonly done: number; readonly of: number };

export interface PathRun {
  readonly runId: string;
  readonly data: PreparedData;
  readonly path: RegularizationPath;
  readonly cv: CrossValidation;
  readonly criteria: Criteria;
  readonly chosen: { readonly by: PathChoice; readonly index: number; readonly lambda: number };
  /** Of the chosen model, in the units of the raw columns. */
  readonly named: NamedCoefficients;
  readonly result: RunResult;
  readonly folder: string;
}

/**
 * Fits the regularization path of a spec's linear model to its training rows, cross-validates it there, judges the chosen
 * model on the validation rows, and records it all as a run. The holdout is locked and not read.
 *
 * @throws BallastError PATH_*, and those of reading and encoding
 */
export async function runPath(resolved: ResolvedSpec, options: PathRunOptions): Promise<PathRun> {
  const { spec } = resolved;
  const { store, runtime, signal } = options;
  const tell = options.onEvent ?? (() => undefined);
  refuseSpec(resolved);
  const register = lateRegister(store.holdoutRegister('path'));
  const data = await prepareData(resolved, { register, newHoldout: options.newHoldout ?? false });
  for (const { message } of data.notices) tell({ type: 'notice', message });
  const plan = planRuns(spec, data).find(({ role }) => role === 'model');
  if (plan === undefined) throw new Error('a plan has a model');
  const family = options.family ?? familyOf(data);
  refuseFamily(family, data);
  const train = pathData(data, plan.train);
  tell({
    type: 'data',
    name: data.name,
    version: data.version,
    rows: plan.train.length,
    features: train.features.columns,
  });
  const seed = spec.training.seed;
  const settings: PathOptions = { ...options.path, family, runtime, signal };
  const path = await fitPath(train, {
    ...settings,
    onProgress: (done, of) => tell({ type: 'fitted', part: 'path', done, of }),
  });
  stopIfAborted(signal);
  const folds = kFold(data.splitInput, plan.train, { strategy: data.strategy, folds: options.folds, seed }).map(
    (fold) => positionsOf(fold, plan.train),
  );
  const cv = await crossValidate(
    train,
    { ...settings, onProgress: (done, of) => tell({ type: 'fitted', part: 'folds', done, of }) },
    path,
    folds,
  );
  stopIfAborted(signal);
  const criteria = informationCriteria(train, path, options.path.intercept ?? true);
  const index = chosenIndex(options.choose, cv, criteria);
  const point = path.points[index];

  const manifest = manifestOfPath(settings, point.lambda, point);
  await register.commit();
  await recordData(store, resolved, data);
  const commit = await codeCommit(resolved.baseDirectory);
  const runId = await store.createRun({
    experiment: spec.name,
    name: 'path',
    kind: 'path',
    role: 'model',
    spec: { ...spec, baseDirectory: resolved.baseDirectory },
    seed,
    datasetName: data.name,
    dataVersion: data.version,
    regularizerId: regularizerId(manifest),
    manifest,
    environment: await describeEnvironment(runtime, spec.training, options.ballastVersion),
    groupId: randomBytes(8).toString('hex'),
    ...(commit === undefined ? {} : { codeCommit: commit }),
  });
  try {
    const folder = join(options.workFolder, 'paths', runId);
    await mkdir(folder, { recursive: true });
    const rows = Uint32Array.from([...plan.train, ...plan.validation]);
    const examples = data.preprocessor.transform(data.table, rows);
    const validation = pathData(data, plan.validation);
    const outputs = {
      train: linearOutputs(data.preprocessor, linearPredictor(point, train.features), family),
      validation: linearOutputs(data.preprocessor, linearPredictor(point, validation.features), family),
    };
    const positions = Int32Array.from(rows, (_, i) => i);
    const judged = (part: 'train' | 'validation', at: Int32Array) =>
      judge(spec, data, predictionsOf(spec, data, examples, at, outputs[part]), plan[part]);
    const trainEvaluation = judged('train', positions.subarray(0, plan.train.length));
    const validationEvaluation = judged('validation', positions.subarray(plan.train.length));
    const gap = gapOf(trainEvaluation, validationEvaluation, primaryMetric(spec));
    if (gap === undefined) {
      throw new BallastError(`${primaryMetric(spec)} has no value on the validation rows`, {
        code: 'METRIC_UNDEFINED',
        place: 'objectives.primary',
        remedy: 'Choose another primary metric, or validate on more rows',
      });
    }
    const graph = linearNetwork(data.preprocessor, point, family);
    const exported = await exportTrained({
      runtime,
      preprocessor: data.preprocessor,
      table: data.table,
      graph,
      path: join(folder, 'model.onnx'),
      checkRows: plan.validation,
      checkOutputs: outputs.validation,
      metadata: {
        'ballast.version': options.ballastVersion,
        'ballast.run': runId,
        'ballast.name': spec.name,
        'ballast.target': data.roles.target ?? '',
        'ballast.data': `${data.name}@${data.version}`,
        'ballast.regularizers': regularizerId(manifest),
        'ballast.manifest': JSON.stringify(manifest),
        ...(commit === undefined ? {} : { 'ballast.commit': commit }),
      },
    });
    const result: RunResult = {
      runId,
      role: 'model',
      seed,
      fold: undefined,
      regularizerId: regularizerId(manifest),
      manifest,
      epochs: path.points.length,
      bestEpoch: index + 1,
      outcome: 'completed',
      history: [],
      findings: [],
      train: trainEvaluation,
      validation: validationEvaluation,
      gap,
      weights: summarizeWeights(graph),
      modelPath: exported.path,
      modelBytes: exported.bytes,
      parameterHash: parameterHash(graph),
      outputs,
    };
    await saveResult(store, result, data, trainEvaluation, validationEvaluation);
    await recordPath(store, runId, path, cv, data.preprocessor.featureNames);
    await new RunRecorder(store, runId).conclude(result);
    await store.finishRun(runId, 'finished');
    return {
      runId,
      data,
      path,
      cv,
      criteria,
      chosen: { by: options.choose, index, lambda: point.lambda },
      named: onOriginalScale(data.preprocessor, point),
      result,
      folder,
    };
  } catch (error) {
    // A store that cannot record the failure either (a full disk) must not hide what went wrong first.
    await store.finishRun(runId, 'failed', { error: (error as Error).message }).catch(() => undefined);
    throw error;
  }
}

function refuseSpec({ spec, path }: ResolvedSpec): void {
  const place = path ?? 'spec';
  if (spec.model.type !== 'linear' && spec.model.type !== 'logistic') {
    throw new BallastError('a path is that of a linear model', {
      code: 'PATH_MODEL',
      place: `${place} model.type`,
      value: spec.model.type,
      remedy: 'Set model.type to linear or logistic',
    });
  }
  if (spec.regularizers.length > 0) {
    throw new BallastError('the penalty of a path is all that regularizes it', {
      code: 'PATH_REGULARIZERS',
      place: `${place} regularizers`,
      value: spec.regularizers.map(({ type }) => type),
      remedy: 'Remove them; --alpha mixes lasso and ridge',
    });
  }
  if (spec.training.crossValidation !== undefined) {
    throw new BallastError('a path has folds of its own', {
      code: 'PATH_FOLDS',
      place: `${place} training.crossValidation`,
      remedy: 'Remove it and give --folds',
    });
  }
}

function chosenIndex(choice: PathChoice, cv: CrossValidation, criteria: Criteria): number {
  if (choice === 'min') return cv.indexMin;
  if (choice === '1se') return cv.index1se;
  const values = criteria[choice];
  return values.indexOf(Math.min(...values));
}

function familyOf({ preprocessor }: PreparedData): FamilyName {
  return preprocessor.classes === undefined ? 'gaussian' : 'binomial';
}

function refuseFamily(family: FamilyName, { preprocessor }: PreparedData): void {
  const classes = preprocessor.classes?.length;
  const fits = family === 'binomial' ? classes === 2 : classes === undefined;
  if (fits) return;
  throw new BallastError(
    `the family ${family} does not go with ${classes === undefined ? 'a numeric target' : `${classes} classes`}`,
    {
      code: 'PATH_FAMILY',
      place: '--family',
      remedy: 'Two classes are binomial, numbers gaussian or poisson; set task accordingly',
    },
  );
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new BallastError('interrupted before the path was whole; nothing was recorded', {
    code: 'INTERRUPTED',
    kind: 'cancelled',
    remedy: 'Run the command again; it begins anew',
  });
}

/** Rows of the table as positions within the training rows. */
function positionsOf(
  fold: { train: Uint32Array; validation: Uint32Array },
  rows: Uint32Array,
): { train: Uint32Array; validation: Uint32Array } {
  const at = new Map(Array.from(rows, (row, position) => [row, position]));
  const positions = (part: Uint32Array): Uint32Array => part.map((row) => at.get(row) ?? 0);
  return { train: positions(fold.train), validation: positions(fold.validation) };
}

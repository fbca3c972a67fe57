import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Preprocessor } from '../data/preprocess/preprocessor.js';
import { BallastError } from '../errors.js';
import { gapOf } from '../evaluation/ledger.js';
import { makeFolder } from '../graph/format/make-folder.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { Criteria } from '../paths/criteria.js';
import type { CrossValidation } from '../paths/cross-validate.js';
import type { FamilyName } from '../paths/families/family.js';
import { linearPredictor, type RegularizationPath } from '../paths/path.js';
import type { PathOptions } from '../paths/problem.js';
import type { ChoiceOptions, ChosenModel } from '../paths/selection/choose.js';
import type { PenaltyShape } from '../paths/selection/penalized.js';
import { regularizerId } from '../regularizers/manifest.js';
import { type PreparedData, prepareData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { Store } from '../store/types.js';
import { codeCommit, describeEnvironment } from './environment.js';
import { exportTrained } from './export-trained.js';
import { judge, predictionsOf, primaryMetric } from './judge.js';
import { lateRegister } from './late-register.js';
import { choosePath } from './path-choice.js';
import { columnSettings } from './path-columns.js';
import { type NamedCoefficients, onOriginalScale, pathData } from './path-data.js';
import type { IntervalRequest, NestedScore, PathIntervals } from './path-inference.js';
import { linearNetwork, linearOutputs } from './path-network.js';
import { offsetTerm, withOffsetFeature } from './path-offset.js';
import { manifestOfPath, recordData, recordPath } from './path-record.js';
import { judgeBeside, outputOfTarget, targetNames } from './path-targets.js';
import { planRuns } from './plan.js';
import { RunRecorder } from './recorder.js';
import { saveResult } from './result-record.js';
import type { RunResult } from './run-result.js';
import { eventsIn } from './score.js';
import { parameterHash, summarizeWeights } from './weights.js';

export interface PathRunOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly workFolder: string;
  readonly ballastVersion: string;
  /** Default: binomial for two classes, Gaussian for numbers. */
  readonly family?: FamilyName | undefined;
  readonly path: Omit<PathOptions, 'family' | 'runtime' | 'signal' | 'onProgress'>;
  readonly folds: number;
  /** Cross-validations on other folds, whose mean is taken. Default 1. */
  readonly repeats?: number | undefined;
  /** Folds that are fitted at once; by the size of the data unless given. */
  readonly workers?: number | undefined;
  readonly choice: Omit<ChoiceOptions, 'folds' | 'repeats' | 'runner' | 'onPart'>;
  /** De-biased intervals around the coefficients of the lasso of least cross-validated error. */
  readonly intervals?: IntervalRequest | undefined;
  /** Outer folds in which everything is done again, to score the choice; none unless given. */
  readonly nested?: number | undefined;
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
  /** undefined where degrees of freedom are not known. */
  readonly criteria: Criteria | undefined;
  readonly chosen: ChosenModel;
  /** The penalty, where it is not the elastic net. */
  readonly shape?: PenaltyShape;
  readonly intervals?: PathIntervals;
  readonly nested?: NestedScore;
  /** Of the chosen model, in the units of the raw columns. */
  readonly named: NamedCoefficients;
  /** The metric that models are compared by. */
  readonly primary: string;
  readonly result: RunResult;
  readonly folder: string;
}

/**
 * Fits the regularization path of a spec's linear model to its training rows, cross-validates it there, judges the chosen
 * model on the validation rows, and records it all as a run. The holdout is locked and not read.
 *
 * @throws BallastError PATH_*, and those of reading and encoding
 */
export async function runPath(given: ResolvedSpec, options: PathRunOptions): Promise<PathRun> {
  const resolved = withOffsetFeature(given);
  const { spec } = resolved;
  const { store, runtime, signal } = options;
  const tell = options.onEvent ?? (() => undefined);
  refuseSpec(resolved);
  const register = lateRegister(store.holdoutRegister('path'));
  const prepared = await prepareData(resolved, {
    register,
    newHoldout: options.newHoldout ?? false,
    uses: ['event', 'offset', 'targets'],
  });
  const family = options.family ?? familyOfData(prepared);
  refuseFamily(family, prepared);
  if (family === 'cox' && options.nested !== undefined) {
    throw new BallastError('predictors of different folds have no common zero where the family is cox', {
      code: 'PATH_NESTED',
      place: '--nested',
      remedy: 'Leave it out: the validation rows, which had no part in the choice, tell what it came to',
    });
  }
  const data = family === 'cox' || family === 'mgaussian' ? inOwnUnit(prepared) : prepared;
  for (const { message } of data.notices) tell({ type: 'notice', message });
  const plan = planRuns(spec, data).find(({ role }) => role === 'model');
  if (plan === undefined) throw new Error('a plan has a model');
  const train = pathData(data, plan.train);
  tell({
    type: 'data',
    name: data.name,
    version: data.version,
    rows: plan.train.length,
    features: train.features.columns,
  });
  const seed = spec.training.seed;
  const columns = columnSettings(data.preprocessor, spec.path);
  const offset = offsetTerm(data);
  const factors = offset === undefined ? columns.factors : offset.factors(columns.factors);
  const settings: PathOptions = { ...options.path, ...columns, factors, family, runtime, signal };
  const choice = await choosePath({ spec, data, rows: plan.train, train, settings, options });
  const { path, cv, criteria, chosen, shape, intervals, nested } = choice;
  const point = chosen.model;
  const predicting = offset?.within(point) ?? point;

  const manifest = manifestOfPath({ ...settings, delta: path.delta, quantile: path.quantile }, chosen, {
    shape,
    columns: spec.path,
  });
  const primary = spec.objectives.primary ?? ownMetric(path) ?? primaryMetric(spec);
  const judging = { ...spec, objectives: { ...spec.objectives, primary } };
  await register.commit();
  await recordData(store, resolved, data);
  const commit = await codeCommit(resolved.baseDirectory);
  const runId = await store.createRun({
    experiment: spec.name,
    name: 'path',
    kind: 'path',
    role: 'model',
    spec: { ...judging, baseDirectory: resolved.baseDirectory },
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
    await makeFolder(folder);
    const rows = Uint32Array.from([...plan.train, ...plan.validation]);
    const examples = data.preprocessor.answers(data.table, rows);
    const validation = pathData(data, plan.validation);
    const { targets } = data.roles;
    const eta = {
      train: linearPredictor(predicting, train.features),
      validation: linearPredictor(predicting, validation.features),
    };
    const outputs = {
      train: linearOutputs(data.preprocessor, eta.train, family, targets.length + 1),
      validation: linearOutputs(data.preprocessor, eta.validation, family, targets.length + 1),
    };
    const positions = Int32Array.from(rows, (_, i) => i);
    const judged = (part: 'train' | 'validation', at: Int32Array) => {
      const predictions = predictionsOf(spec, data, examples, at, outputs[part]);
      const events =
        data.roles.event === undefined ? {} : { events: eventsIn(data.table, data.roles.event, plan[part]) };
      return judge(judging, data, { ...predictions, ...events }, plan[part]);
    };
    const trainEvaluation = judged('train', positions.subarray(0, plan.train.length));
    const validationEvaluation = judged('validation', positions.subarray(plan.train.length));
    const besideOf = {
      train: judgeBeside(judging, data, plan.train, train, eta.train),
      validation: judgeBeside(judging, data, plan.validation, validation, eta.validation),
    };
    const gap = gapOf(trainEvaluation, validationEvaluation, primary);
    if (gap === undefined) {
      throw new BallastError(`${primary} has no value on the validation rows`, {
        code: 'METRIC_UNDEFINED',
        place: 'objectives.primary',
        remedy: 'Choose another primary metric, or validate on more rows',
      });
    }
    const graph = linearNetwork(data.preprocessor, predicting, family, targets);
    const exported = await exportTrained({
      runtime,
      preprocessor: data.preprocessor,
      table: data.table,
      graph,
      path: join(folder, 'model.onnx'),
      trainRows: plan.train,
      checkRows: plan.validation,
      checkOutputs: outputs.validation,
      checkFurther: Object.fromEntries(
        targets.map((name, k) => [outputOfTarget(name), eta.validation.subarray((k + 1) * plan.validation.length)]),
      ),
      metadata: {
        'ballast.version': options.ballastVersion,
        'ballast.run': runId,
        'ballast.name': spec.name,
        'ballast.target': data.roles.target ?? '',
        ...(targets.length === 0 ? {} : { 'ballast.targets': JSON.stringify(targetNames(data.roles)) }),
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
      bestEpoch: (chosen.index ?? path.points.length - 1) + 1,
      outcome: 'completed',
      history: [],
      findings: [],
      train: trainEvaluation,
      validation: validationEvaluation,
      ...(targets.length === 0
        ? {}
        : {
            targets: Object.fromEntries(
              targets.map((name) => [name, { train: besideOf.train[name], validation: besideOf.validation[name] }]),
            ),
          }),
      gap,
      weights: summarizeWeights(graph),
      modelPath: exported.path,
      modelBytes: exported.bytes,
      parameterHash: parameterHash(graph),
      outputs,
    };
    await saveResult(store, result, data, trainEvaluation, validationEvaluation);
    await recordPath(store, runId, {
      path,
      cv,
      chosen,
      shape,
      intervals,
      nested,
      features: data.preprocessor.featureNames,
    });
    await new RunRecorder(store, runId).conclude(result);
    await store.finishRun(runId, 'finished');
    await choice.conclude();
    return {
      runId,
      data,
      path,
      cv,
      criteria,
      chosen,
      ...(shape === undefined ? {} : { shape }),
      ...(intervals === undefined ? {} : { intervals }),
      ...(nested === undefined ? {} : { nested }),
      named: onOriginalScale(data, point, family),
      primary,
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

/** What a family is judged by that the usual metric of the task does not suit. */
function ownMetric({ family, quantile }: RegularizationPath): string | undefined {
  if (family === 'cox') return 'concordance';
  return quantile === undefined ? undefined : `pinball@${quantile}`;
}

function familyOfData({ preprocessor, roles }: PreparedData): FamilyName {
  if (roles.event !== undefined) return 'cox';
  if (roles.targets.length > 0) return 'mgaussian';
  const classes = preprocessor.classes?.length;
  return classes === undefined ? 'gaussian' : classes > 2 ? 'multinomial' : 'binomial';
}

/** What a network answers is the relative risk itself, which is in no unit of the target; and of several targets, each in its unit. */
function inOwnUnit(data: PreparedData): PreparedData {
  const { state } = data.preprocessor;
  if (state.target?.kind !== 'number') return data;
  return { ...data, preprocessor: new Preprocessor({ ...state, target: { ...state.target, mean: 0, scale: 1 } }) };
}

function refuseFamily(family: FamilyName, { preprocessor, roles }: PreparedData): void {
  const classes = preprocessor.classes?.length;
  if (family === 'cox' && classes === undefined && roles.event === undefined) {
    throw new BallastError('survival times need to know which of them ended in the event', {
      code: 'PATH_EVENT',
      place: 'data.columns.event',
      remedy: 'Name the column that is 1 where the event was seen at the time (data.target), 0 where it was not',
    });
  }
  if (family !== 'cox' && roles.event !== undefined) {
    throw new BallastError(`the family ${family} has no events`, {
      code: 'PATH_FAMILY',
      place: 'data.columns.event',
      remedy: 'Choose --family cox, or remove the role',
    });
  }
  if ((family === 'multinomial' || family === 'mgaussian') && roles.offset !== undefined) {
    throw new BallastError(
      family === 'multinomial'
        ? 'one offset a row adds the same to all of its classes, which changes nothing'
        : 'one offset a row is not that of several targets',
      {
        code: 'PATH_OFFSET',
        place: 'data.columns.offset',
        remedy: `Remove the role; fitPath takes an offset for each ${family === 'multinomial' ? 'class' : 'target'}`,
      },
    );
  }
  if (family === 'mgaussian' && roles.targets.length === 0) {
    throw new BallastError('mgaussian is the family of several targets, and the spec names one', {
      code: 'PATH_FAMILY',
      place: 'data.columns.targets',
      remedy: 'Name there the numbers that are predicted beside data.target, or leave --family out',
    });
  }
  if (family !== 'mgaussian' && roles.targets.length > 0) {
    throw new BallastError(`the family ${family} has one target`, {
      code: 'PATH_FAMILY',
      place: 'data.columns.targets',
      remedy: 'Choose --family mgaussian, or remove the role',
    });
  }
  const ofClasses = family === 'binomial' || family === 'multinomial';
  if (classes === undefined ? !ofClasses : family === 'multinomial' || (family === 'binomial' && classes === 2)) return;
  throw new BallastError(
    `the family ${family} does not go with ${classes === undefined ? 'a numeric target' : `${classes} classes`}`,
    {
      code: 'PATH_FAMILY',
      place: '--family',
      remedy:
        'Two classes are binomial, more multinomial, numbers gaussian, huber, quantile, poisson, mgaussian (several) or cox (survival times); set task accordingly',
    },
  );
}

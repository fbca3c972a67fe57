import { BallastError } from '../errors.js';
import { concordanceOf } from '../numeric/concordance.js';
import type { FamilySettings } from './families/family.js';
import { familyOf } from './families/index.js';
import type { FoldControl, FoldRunner, FoldScores, FoldTask } from './parallel/fold-runner.js';
import { linearPredictor, type RegularizationPath } from './path.js';
import type { LinearModel } from './path-point.js';
import type { PathData, PathOptions } from './problem.js';
import { rowsOf } from './rows.js';
import { refuseInterrupted } from './selection/interrupted.js';
import { type PenaltyShape, penalizedPath } from './selection/penalized.js';
import { freeFits, relaxed } from './selection/refit.js';

/** Rows of one fold, as positions within the data. */
export interface PathFold {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * How well each model of a path predicts rows it was not fitted to: mean deviance a row, as glmnet's `cv.glmnet`. Of a Cox
 * family: the partial likelihood's deviance an event, of all rows less that of the rows which the fold was fitted to (van
 * Houwelingen et al. 2006; glmnet's `grouped`).
 */
export interface CrossValidation extends FoldMeans {
  readonly measure: 'deviance';
  /** Repetitions that the folds are of. */
  readonly repeats: number;
  /** For each fold, the mean deviance at each lambda. */
  readonly folds: readonly (readonly number[])[];
  /** Place of the lambda of least mean. */
  readonly indexMin: number;
  /** Place of the largest lambda whose mean is within one standard error of the least. */
  readonly index1se: number;
  readonly lambdaMin: number;
  readonly lambda1se: number;
  /** Of a Cox family: Harrell's C within the rows left out, for each lambda. */
  readonly concordance?: FoldMeans;
  /** Of the same models relaxed, by share of the penalised coefficients; where shares were asked for. */
  readonly relaxed?: readonly (FoldMeans & { readonly share: number })[];
}

interface FoldMeans {
  /** For each lambda of the path: mean over folds, weighted by their rows (of a Cox family, by their events). */
  readonly mean: readonly number[];
  /** Standard error of that mean over folds. */
  readonly se: readonly number[];
}

export interface CrossValidationOptions {
  /** Shares of the penalised coefficients at which models are relaxed too; see {@link relaxedPath}. Default none. */
  readonly shares?: readonly number[];
  /** Default: the elastic net. */
  readonly shape?: PenaltyShape | undefined;
  /** Repetitions that the folds are of, one after the other: standard errors are means over them. Default 1. */
  readonly repeats?: number | undefined;
  /** Who fits the folds. Default: this thread, one after the other. */
  readonly runner?: FoldRunner | undefined;
  /**
   * Tolerance of the models of folds. Their deviances are compared within a standard error, which is far above what a looser
   * one changes. Default: that of the path.
   */
  readonly tolerance?: number | undefined;
}

/**
 * Cross-validates a path: in each fold the whole path is fitted to the other rows, standardisation included, at the same
 * penalties.
 *
 * @throws BallastError INTERRUPTED, and those of {@link fitPath} with the fold as their place
 */
export async function crossValidate(
  data: PathData,
  options: PathOptions,
  path: RegularizationPath,
  folds: readonly PathFold[],
  { shares = [], shape, repeats = 1, runner, tolerance = options.tolerance }: CrossValidationOptions = {},
): Promise<CrossValidation> {
  const lambdas = path.points.map(({ lambda }) => lambda);
  const { runtime, signal, onProgress, ...rest } = options;
  const done = new Float64Array(folds.length);
  const scored = (index: number): Promise<FoldScores> => {
    const task = {
      data,
      fold: folds[index],
      index,
      shares: [1, ...shares],
      options: { ...rest, tolerance, delta: path.delta, outputs: path.outputs, shape, lambdas },
    };
    const tell = (models: number): void => {
      done[index] = models;
      onProgress?.(
        done.reduce((sum, each) => sum + each, 0),
        folds.length * lambdas.length,
      );
    };
    return runner === undefined
      ? scoresOfFold(task, { signal, onProgress: tell, runtime })
      : runner.run(task, { signal, onProgress: tell });
  };
  const results = await inTurns(folds.length, runner?.slots ?? 1, scored);
  const weights = folds.map(({ validation }) => weightOf(data, validation));
  const relative = familyOf(path).relative === true;
  const counts = relative ? folds.map(({ validation }) => weightOf(data, validation, data.event)) : weights;
  const ranked = results.flatMap(({ concordance }) => (concordance === undefined ? [] : [concordance]));
  const means = [1, ...shares].map((share, s) => ({
    share,
    ...foldMeans(
      results.map(({ deviances }) => deviances[s]),
      counts,
      repeats,
    ),
  }));
  const [{ mean, se }, ...relaxed] = means;
  return {
    measure: 'deviance',
    mean,
    se,
    repeats,
    folds: results.map(({ deviances: [scores] }) => scores),
    ...choiceOf(lambdas, mean, se),
    ...(ranked.length === 0 ? {} : { concordance: foldMeans(ranked, weights, repeats) }),
    ...(shares.length === 0 ? {} : { relaxed }),
  };
}

/** Results of so many calls, of which so many are under way at once. */
async function inTurns<Result>(
  count: number,
  atOnce: number,
  call: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(count);
  let next = 0;
  const turn = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await call(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, turn));
  return results;
}

/** What each model of one fold's path says of the rows it has not seen. */
export async function scoresOfFold(
  { data, fold: { train, validation }, index, shares, options }: FoldTask,
  control: FoldControl & Pick<PathOptions, 'runtime'> = {},
): Promise<FoldScores> {
  const part = rowsOf(data, train);
  const held = rowsOf(data, validation);
  const relative = familyOf(options).relative === true;
  const events = weightOf(data, validation, data.event);
  if (relative && events === 0) throw noEvents(index);
  const fitted = await fitFold(part, index, { ...options, ...control });
  const free = shares.some((share) => share !== 1) ? await freeFits(part, { ...options, ...control }, fitted) : [];
  const total = (model: LinearModel, rows: PathData): number => sumOf(rows) * meanDeviance(model, rows, options);
  const deviances = shares.map((share) =>
    fitted.points.map((point, k) => {
      const model = relaxed(point, free[k], share);
      return relative ? (total(model, data) - total(model, part)) / events : meanDeviance(model, held, options);
    }),
  );
  return relative ? { deviances, concordance: fitted.points.map((point) => rankedBy(point, held)) } : { deviances };
}

/** Harrell's C of a model's predictors; null where no two rows can be compared. */
function rankedBy(model: LinearModel, { features, target, event, weights, offset }: PathData): number | null {
  const risk = linearPredictor(model, features).map((value, i) => value + (offset?.[i] ?? 0));
  const share = concordanceOf({ time: target, event: event ?? [], risk })(weights);
  return Number.isNaN(share) ? null : share;
}

/** Sum of the weights of all rows. */
function sumOf({ weights, features }: PathData): number {
  return weights === undefined ? features.rows : weights.reduce((sum, weight) => sum + weight, 0);
}

/** Sum of the weights of some rows, or of those of them that are marked. */
function weightOf({ weights }: PathData, rows: Uint32Array, marks?: Float64Array): number {
  return rows.reduce((sum, row) => sum + (weights?.[row] ?? 1) * (marks?.[row] ?? 1), 0);
}

function noEvents(index: number): BallastError {
  return new BallastError('no row that is left out has an event', {
    code: 'PATH_EVENT',
    place: `fold ${index + 1}`,
    remedy: 'Take fewer folds, or give rows with more events',
  });
}

/** The path of one fold; what is wrong with its rows is told of the fold. */
async function fitFold(
  data: PathData,
  index: number,
  { shape, ...options }: PathOptions & Pick<CrossValidationOptions, 'shape'>,
): Promise<RegularizationPath> {
  try {
    const fitted = await penalizedPath(data, options, shape);
    refuseInterrupted(fitted);
    return fitted;
  } catch (error) {
    throw error instanceof BallastError ? error.within(`fold ${index + 1}`) : error;
  }
}

/** Mean deviance a row, by the rows' weights. */
export function meanDeviance(
  point: LinearModel,
  { features, target, weights, offset, event }: PathData,
  settings: FamilySettings,
): number {
  const family = familyOf(settings);
  const eta = linearPredictor(point, features);
  offset?.forEach((value, i) => {
    eta[i] += value;
  });
  const sum = weights?.reduce((total, weight) => total + weight, 0) ?? features.rows;
  const rows = {
    target,
    event,
    weights: Float64Array.from({ length: features.rows }, (_, i) => (weights?.[i] ?? 1) / sum),
  };
  const scratch = new Float64Array(eta.length);
  return 2 * (family.evaluate(eta, rows, scratch, new Float64Array(eta.length)) - family.saturated(rows));
}

function foldMeans(
  folds: readonly (readonly (number | null)[])[],
  counts: readonly number[],
  repeats: number,
): FoldMeans {
  // Repetitions see the same rows: they steady the estimate, and do not make its rows more.
  const each = folds.length / repeats;
  const parts = Array.from({ length: repeats }, (_, r) => [r * each, (r + 1) * each] as const);
  const mean: number[] = [];
  const se: number[] = [];
  for (let k = 0; k < folds[0].length; k++) {
    const values = folds.map((fold) => fold[k]);
    mean.push(momentsOf(values, counts).mean);
    const errors = parts.map(([from, to]) => momentsOf(values.slice(from, to), counts.slice(from, to)).error);
    se.push(errors.reduce((sum, error) => sum + error, 0) / repeats);
  }
  return { mean, se };
}

/** Mean of the values that there are, weighted by their counts, and its standard error. */
function momentsOf(values: readonly (number | null)[], counts: readonly number[]): { mean: number; error: number } {
  const known = values.flatMap((value, f) => (value === null ? [] : [{ value, count: counts[f] }]));
  const all = known.reduce((sum, { count }) => sum + count, 0);
  const mean = known.reduce((sum, { value, count }) => sum + count * value, 0) / all;
  const variance = known.reduce((sum, { value, count }) => sum + count * (value - mean) ** 2, 0) / all;
  return { mean, error: Math.sqrt(variance / (known.length - 1)) };
}

function choiceOf(
  lambdas: readonly number[],
  mean: readonly number[],
  se: readonly number[],
): Pick<CrossValidation, 'indexMin' | 'index1se' | 'lambdaMin' | 'lambda1se'> {
  const indexMin = mean.indexOf(Math.min(...mean));
  const limit = mean[indexMin] + se[indexMin];
  const index1se = mean.findIndex((value) => value <= limit);
  return { indexMin, index1se, lambdaMin: lambdas[indexMin], lambda1se: lambdas[index1se] };
}

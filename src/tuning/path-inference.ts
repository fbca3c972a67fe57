import { kFold } from '../data/folds.js';
import type { Preprocessor } from '../data/preprocess/preprocessor.js';
import { BallastError } from '../errors.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import type { PathFold } from '../paths/cross-validate.js';
import type { RegularizationPath } from '../paths/path.js';
import type { LinearModel } from '../paths/path-point.js';
import type { PathData, PathOptions } from '../paths/problem.js';
import { debiasedIntervals } from '../paths/selection/debiased.js';
import { type NestedEstimate, type NestedOptions, nestedEstimate } from '../paths/selection/nested.js';
import type { PreparedData } from '../spec/prepare.js';
import type { Spec } from '../spec/schema.js';
import { judge, predictionsOf } from './judge.js';
import { unitOf } from './path-data.js';
import { linearOutputs } from './path-network.js';

/** Which coefficients get an interval, and how likely it holds the true one. */
export interface IntervalRequest {
  /** Names of features, or of the raw columns that they are made from; all unless given. */
  readonly names?: readonly string[] | undefined;
  readonly level: number;
}

/** A de-biased coefficient in the units of its raw column. */
export interface NamedInterval {
  readonly name: string;
  readonly value: number;
  readonly interval: readonly [number, number];
  readonly standardError: number;
  readonly pValue: number;
}

export interface PathIntervals {
  readonly level: number;
  readonly coefficients: readonly NamedInterval[];
}

/**
 * De-biased intervals around the coefficients of a lasso fit, by name.
 *
 * @throws BallastError PATH_INTERVALS, PATH_DEBIAS, INTERRUPTED
 */
export async function namedIntervals(
  preprocessor: Preprocessor,
  train: PathData,
  { family, constant, factors }: RegularizationPath,
  model: LinearModel,
  { names, level, bounded }: IntervalRequest & { readonly bounded: boolean },
  signal: AbortSignal | undefined,
  onProgress: (done: number, of: number) => void,
): Promise<PathIntervals> {
  if (family !== 'gaussian') {
    throw new BallastError(`de-biased intervals are those of a Gaussian target, and the family is ${family}`, {
      code: 'PATH_INTERVALS',
      place: '--intervals',
      remedy: 'Leave it out',
    });
  }
  if (bounded) {
    throw new BallastError('de-biased intervals are those of coefficients without bounds', {
      code: 'PATH_INTERVALS',
      place: '--intervals',
      remedy: 'Leave out the intervals or the bounds',
    });
  }
  const columns = columnsOf(preprocessor, names).filter(
    (column) => !constant.includes(column) && factors[column] !== Number.POSITIVE_INFINITY,
  );
  const found = await debiasedIntervals(train, model, columns, { level, signal, onProgress });
  return {
    level,
    coefficients: found.map(({ column, value, interval: [low, high], standardError, pValue }) => {
      const unit = unitOf(preprocessor, column);
      return {
        name: preprocessor.features[column].name,
        value: value / unit,
        interval: [low / unit, high / unit],
        standardError: standardError / unit,
        pValue,
      };
    }),
  };
}

/** Columns of features by name; a raw column's name is that of all its features. */
function columnsOf({ features }: Preprocessor, names: readonly string[] | undefined): number[] {
  const all = features.map((_, column) => column);
  if (names === undefined) return all;
  const wanted = names.map((name) => {
    const found = all.filter((column) => features[column].name === name || features[column].column === name);
    if (found.length > 0) return found;
    throw new BallastError(`there is no feature "${name}"`, {
      code: 'PATH_FEATURE_UNKNOWN',
      place: '--intervals',
      remedy: `Features are ${features
        .slice(0, 20)
        .map((feature) => feature.name)
        .join(', ')}${features.length > 20 ? ', ...' : ''}`,
    });
  });
  return [...new Set(wanted.flat())];
}

/** What the whole way to a model comes to on training rows that had no part in it. */
export interface NestedScore {
  readonly folds: number;
  readonly deviance: { readonly mean: number; readonly se: number };
  /** The penalty that each fold chose. */
  readonly lambdas: readonly number[];
  /** Share of the folds in whose model a feature is; of every feature that is in one. */
  readonly chosen: Readonly<Record<string, number>>;
  readonly metrics: Evaluation['metrics'];
}

export interface NestedSetting {
  readonly spec: Spec;
  readonly data: PreparedData;
  /** Rows of the table that the path is fitted to. */
  readonly rows: Uint32Array;
  readonly train: PathData;
  readonly outer: number;
  readonly inner: number;
  readonly seed: number;
}

/** @throws BallastError of folds, and those of {@link nestedEstimate} */
export async function nestedScore(
  { spec, data, rows, train, outer, inner, seed }: NestedSetting,
  settings: PathOptions,
  options: NestedOptions,
): Promise<NestedScore> {
  // Other folds than those of the cross-validation: they are to be independent of what it found.
  const estimate = await nestedEstimate(
    train,
    settings,
    pathFolds(data, rows, { folds: outer, seed: seed + 1 }),
    (part) =>
      repeatedFolds(
        data,
        part.map((position) => rows[position]),
        { folds: inner, seed, repeats: options.repeats ?? 1 },
      ),
    options,
  );
  return {
    folds: outer,
    deviance: { mean: estimate.mean, se: estimate.se },
    lambdas: estimate.lambdas,
    chosen: sharesOf(estimate, data.preprocessor),
    metrics: judged(spec, data, rows, estimate, settings, train.offset),
  };
}

/** Folds of some rows of the table, as positions within them. */
function pathFolds(
  { splitInput, strategy }: Pick<PreparedData, 'splitInput' | 'strategy'>,
  rows: Uint32Array,
  { folds, seed }: { folds: number; seed: number },
): PathFold[] {
  const at = new Map(Array.from(rows, (row, position) => [row, position]));
  const positions = (part: Uint32Array): Uint32Array => part.map((row) => at.get(row) ?? 0);
  return kFold(splitInput, rows, { strategy, folds, seed }).map(({ train, validation }) => ({
    train: positions(train),
    validation: positions(validation),
  }));
}

/** Apart from each other, so that the seeds of repetitions are not those of outer folds. */
const REPETITION = 1000;

/**
 * Folds of so many cross-validations, one after the other.
 *
 * @throws BallastError PATH_REPEATS of blocks of time, which are the same whatever the seed
 */
export function repeatedFolds(
  data: Pick<PreparedData, 'splitInput' | 'strategy'>,
  rows: Uint32Array,
  { folds, seed, repeats }: { folds: number; seed: number; repeats: number },
): PathFold[] {
  if (repeats > 1 && data.strategy === 'time') {
    throw new BallastError('blocks of time are the same in every repetition', {
      code: 'PATH_REPEATS',
      place: '--repeats',
      remedy: 'Leave it out, or give more folds',
    });
  }
  return Array.from({ length: repeats }, (_, repeat) =>
    pathFolds(data, rows, { folds, seed: seed + repeat * REPETITION }),
  ).flat();
}

function sharesOf({ columns, folds }: NestedEstimate, { features }: Preprocessor): Record<string, number> {
  const counts = new Map<number, number>();
  for (const column of columns.flatMap((each) => [...each])) counts.set(column, (counts.get(column) ?? 0) + 1);
  return Object.fromEntries(
    [...counts]
      .sort(([a, one], [b, other]) => other - one || a - b)
      .map(([column, count]) => [features[column].name, count / folds.length]),
  );
}

/** The metrics of the rows that some fold predicts. */
function judged(
  spec: Spec,
  data: PreparedData,
  rows: Uint32Array,
  { predictors }: NestedEstimate,
  { family }: PathOptions,
  offset: Float64Array | undefined,
): Evaluation['metrics'] {
  const positions = Int32Array.from(rows.keys()).filter((position) => Number.isFinite(predictors[position]));
  const outputs = predictors.length / rows.length;
  const eta = Float64Array.from({ length: positions.length * outputs }, (_, at) => {
    const position = positions[at % positions.length];
    return predictors[Math.floor(at / positions.length) * rows.length + position] + (offset?.[position] ?? 0);
  });
  const examples = data.preprocessor.answers(data.table, rows);
  const predictions = predictionsOf(
    spec,
    data,
    examples,
    positions,
    linearOutputs(data.preprocessor, eta, family, 1 + data.roles.targets.length),
  );
  return judge(
    spec,
    data,
    predictions,
    Uint32Array.from(positions, (position) => rows[position]),
  ).metrics;
}

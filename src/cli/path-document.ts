import { stringify } from 'yaml';
import { isChain } from '../paths/selection/penalized.js';
import type { PathReportInput } from '../reports/path-report-input.js';
import type { ResolvedSpec } from '../spec/read.js';
import { commandLine } from '../tuning/environment.js';
import type { NamedCoefficients } from '../tuning/path-data.js';
import type { PathIntervals } from '../tuning/path-inference.js';
import type { PathRun } from '../tuning/path-run.js';

/** The JSON answer of `ballast path`. Lists are by lambda, descending. */
export function pathDocument(
  { spec: { path: columns } }: ResolvedSpec,
  run: PathRun,
  report: string,
  seconds: number,
): Record<string, unknown> {
  const { path, cv, criteria, chosen, named, result, data } = run;
  const { points } = path;
  return {
    run: run.runId,
    regularizerId: result.regularizerId,
    family: path.family,
    ...(path.delta === undefined ? {} : { delta: path.delta }),
    ...(path.quantile === undefined ? {} : { quantile: path.quantile }),
    penalty: { ...penaltyDocument(run), ...columns },
    ...(path.outputs === undefined ? {} : { grouped: path.grouped === true }),
    alpha: path.alpha,
    lambdas: points.map(({ lambda }) => lambda),
    nonzero: points.map(({ columns }) => columns.length),
    ...(path.differences === undefined ? {} : { levels: points.map(({ degrees }) => degrees) }),
    deviance: points.map(({ deviance }) => deviance),
    nullDeviance: path.nullDeviance,
    explained: points.map(({ explained }) => explained),
    dualityGap: points.map(({ dualityGap }) => dualityGap),
    kkt: points.map(({ kkt }) => kkt),
    converged: points.map(({ converged }) => converged),
    cv: {
      measure: cv.measure,
      folds: cv.folds.length / cv.repeats,
      repeats: cv.repeats,
      mean: cv.mean,
      se: cv.se,
      lambdaMin: cv.lambdaMin,
      lambda1se: cv.lambda1se,
      ...(cv.concordance === undefined ? {} : { concordance: cv.concordance }),
    },
    ...(criteria === undefined ? {} : { criteria }),
    chosen: {
      by: chosen.by,
      lambda: chosen.lambda,
      index: chosen.index ?? null,
      nonzero: chosen.model.columns.length,
      ...(chosen.relaxed === undefined ? {} : { relaxed: chosen.relaxed }),
      ...(chosen.stopped === undefined ? {} : { stopped: chosen.stopped }),
    },
    ...selectionDocument(chosen, data.preprocessor.featureNames),
    ...(run.intervals === undefined ? {} : { intervals: intervalsDocument(run.intervals) }),
    ...(run.nested === undefined ? {} : { nested: run.nested }),
    ...coefficientsDocument(named),
    metrics: { train: result.train.metrics, validation: result.validation.metrics },
    ...(result.targets === undefined ? {} : { targets: targetsDocument(result.targets) }),
    gap: result.gap,
    constant: path.constant.map((column) => data.preprocessor.featureNames[column]),
    dropped: data.preprocessor.state.dropped,
    ...(path.stopped === undefined ? {} : { stopped: path.stopped }),
    model: result.modelPath,
    report,
    seconds,
  };
}

/** Columns that follow each other are told by name. */
function penaltyDocument({ shape, data }: PathRun): Record<string, unknown> {
  if (shape === undefined) return { type: 'elastic-net' };
  if (!isChain(shape)) return { ...shape };
  return { type: shape.type, chain: shape.chain?.map((column) => data.preprocessor.featureNames[column]) };
}

/** How well each target beside the first is predicted. */
function targetsDocument(targets: NonNullable<PathRun['result']['targets']>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(targets).map(([name, { train, validation }]) => [
      name,
      { train: train.metrics, validation: validation.metrics },
    ]),
  );
}

/** By feature; of several classes or targets, by them and then by feature. */
function coefficientsDocument(named: NamedCoefficients): Record<string, unknown> {
  if (named.outputs === undefined) return { coefficients: named.coefficients, intercept: named.intercept };
  return {
    coefficients: Object.fromEntries(named.outputs.map(({ name, coefficients }) => [name, coefficients])),
    intercept: Object.fromEntries(named.outputs.map(({ name, intercept }) => [name, intercept])),
  };
}

function selectionDocument(
  { stability, knockoffs }: PathRun['chosen'],
  names: readonly string[],
): Record<string, unknown> {
  const named = (columns: readonly number[]): string[] => columns.map((column) => names[column]);
  const byName = (values: Float64Array): Record<string, number> =>
    Object.fromEntries(Array.from(values, (value, column): [string, number] => [names[column], value]));
  if (stability !== undefined) {
    const { selected, frequencies, paths: _paths, ...bounds } = stability;
    return { stability: { selected: named(selected), ...bounds, frequencies: byName(frequencies) } };
  }
  if (knockoffs !== undefined) {
    const { selected, rate, threshold, statistics, leftOut } = knockoffs;
    return {
      knockoffs: {
        selected: named(selected),
        rate,
        threshold: Number.isFinite(threshold) ? threshold : null,
        statistics: byName(statistics),
        leftOut: named(leftOut),
      },
    };
  }
  return {};
}

function intervalsDocument({ level, coefficients }: PathIntervals): Record<string, unknown> {
  return {
    level,
    coefficients: Object.fromEntries(coefficients.map(({ name, ...rest }) => [name, rest])),
  };
}

/** Everything that the page of a path shows. */
export function pathReportInput({ spec }: ResolvedSpec, run: PathRun): PathReportInput {
  const { path, cv, chosen, named, result, data } = run;
  return {
    title: spec.name,
    createdAt: new Date(),
    command: commandLine(),
    spec: stringify(spec),
    runId: run.runId,
    primary: run.primary,
    target: spec.data.target ?? '',
    dataset: { name: data.name, version: data.version, rows: data.split.train.length },
    features: data.preprocessor.featureNames,
    path,
    cv,
    chosen,
    shape: run.shape,
    intervals: run.intervals,
    nested: run.nested,
    named,
    result,
  };
}

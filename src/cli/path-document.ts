import { stringify } from 'yaml';
import type { PathReportInput } from '../reports/path-report-input.js';
import type { ResolvedSpec } from '../spec/read.js';
import { commandLine } from '../tuning/environment.js';
import { primaryMetric } from '../tuning/judge.js';
import type { PathRun } from '../tuning/path-run.js';

/** The JSON answer of `ballast path`. Lists are by lambda, descending. */
export function pathDocument(run: PathRun, report: string, seconds: number): Record<string, unknown> {
  const { path, cv, criteria, chosen, named, result, data } = run;
  const { points } = path;
  return {
    run: run.runId,
    regularizerId: result.regularizerId,
    family: path.family,
    alpha: path.alpha,
    lambdas: points.map(({ lambda }) => lambda),
    nonzero: points.map(({ columns }) => columns.length),
    deviance: points.map(({ deviance }) => deviance),
    nullDeviance: path.nullDeviance,
    explained: points.map(({ explained }) => explained),
    dualityGap: points.map(({ dualityGap }) => dualityGap),
    kkt: points.map(({ kkt }) => kkt),
    cv: {
      measure: cv.measure,
      folds: cv.folds.length,
      mean: cv.mean,
      se: cv.se,
      lambdaMin: cv.lambdaMin,
      lambda1se: cv.lambda1se,
    },
    criteria,
    chosen: { by: chosen.by, lambda: chosen.lambda, index: chosen.index, nonzero: points[chosen.index].columns.length },
    coefficients: named.coefficients,
    intercept: named.intercept,
    metrics: { train: result.train.metrics, validation: result.validation.metrics },
    gap: result.gap,
    constant: path.constant.map((column) => data.preprocessor.featureNames[column]),
    dropped: data.preprocessor.state.dropped,
    ...(path.stopped === undefined ? {} : { stopped: path.stopped }),
    model: result.modelPath,
    report,
    seconds,
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
    primary: primaryMetric(spec),
    dataset: { name: data.name, version: data.version, rows: data.split.train.length },
    features: data.preprocessor.featureNames,
    path,
    cv,
    chosen,
    named,
    result,
  };
}

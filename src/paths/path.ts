import { setImmediate } from 'node:timers/promises';
import { BallastError } from '../errors.js';
import { denseDesign } from './design.js';
import type { FamilySettings } from './families/family.js';
import { familyOf } from './families/index.js';
import { addColumn, type Features, isSparse } from './features.js';
import { GramProduct } from './gram-product.js';
import { bytesOf, openKernels } from './kernels/kernels.js';
import { largestBlock, penaltyOf } from './path-penalty.js';
import { type LinearModel, type PathPoint, type PathStop, pointOf, stopOf } from './path-point.js';
import { checkProblem, type PathData, type PathOptions } from './problem.js';
import { QuantileSolver } from './quantile-solver.js';
import { normalised, settingsOf } from './settings.js';
import { type Fit, PathSolver } from './solver.js';
import { sparseDesign } from './sparse-design.js';
import { stackedBytes, stackedDesign } from './stacked-design.js';

/** The family of a path, with the settings that it was fitted with. */
export interface RegularizationPath extends FamilySettings {
  readonly alpha: number;
  readonly features: number;
  /** By lambda, descending. */
  readonly points: readonly PathPoint[];
  /** Least penalty that leaves no penalised coefficient. */
  readonly largestLambda: number;
  /** Mean deviance of the model without penalised columns. */
  readonly nullDeviance: number;
  /** What each column is divided by before it is penalised. */
  readonly scales: Float64Array;
  /** Relative penalty of each column; Infinity leaves it out. */
  readonly factors: Float64Array;
  /** Group of each column, where columns are grouped. */
  readonly groups?: Int32Array;
  /** Order of the differences between neighbours that are penalised instead of coefficients. */
  readonly differences?: 1 | 2;
  /** Columns that are the same in every row: they have no coefficient. */
  readonly constant: readonly number[];
  /** Why the path ends before its last lambda. */
  readonly stopped?: PathStop;
  readonly kernels: 'simd' | 'script';
}

/** Gram matrices of more columns than this are not made: descent then keeps a residual. */
const MOST_ROOM = 4096;
const FEW_ROWS = 500;
/** Lets other work of the process go on after so many milliseconds. */
const BREATHE_MS = 30;

/**
 * Sets the relative penalties of columns by the standardised coefficients of the last fit, before a fit and after it.
 *
 * @returns whether they changed, so that the model is to be fitted again
 */
export type Reweigh = (lambda: number, fit: Pick<Fit, 'columns' | 'coefficients'>, factors: Float64Array) => boolean;

/** Fits of one model whose penalties depend on it, at most. */
const MOST_FITS = 200;

/**
 * The whole sequence of models as the penalty varies; see {@link PathOptions} for the objective.
 *
 * @param reweigh makes the penalty one that depends on the coefficients
 * @throws BallastError PATH_* for what cannot be fitted
 */
export async function fitPath(data: PathData, options: PathOptions, reweigh?: Reweigh): Promise<RegularizationPath> {
  checkProblem(data, options);
  const { features, target, offset, event } = data;
  const { rows: n, columns } = features;
  const { alpha = 1, standardize = true, tolerance = 1e-8, runtime, signal, lower, upper } = options;
  const settings = settingsOf(options, data);
  const family = familyOf(settings);
  const { outputs = 1 } = family;
  const relative = family.relative === true;
  const intercept = !relative && (options.intercept ?? true);
  const coordinates = family.outputs === undefined ? columns : (columns + 1) * outputs;
  // With few rows a residual is cheaper to keep than a Gram matrix that changes with every step.
  const few =
    settings.quantile !== undefined ||
    (!family.quadratic && family.couple === undefined && (isSparse(features) || (n <= FEW_ROWS && columns > n)));
  const room = few ? 0 : Math.min(coordinates + 1, MOST_ROOM);
  const stored = isSparse(features) ? 0 : n * (columns + 1);
  const bytes =
    bytesOf([stored, n, coordinates + 1, coordinates + 1]) +
    (family.outputs === undefined ? 0 : stackedBytes(columns, outputs)) +
    PathSolver.bytes(n * outputs, coordinates, room, largestBlock(options, outputs)) +
    65_536;
  const kernels = openKernels(bytes, options.kernels);
  const weights = kernels.floats(n);
  weights.set(normalised(data.weights, n));
  const standardization = { weights, standardize, intercept: intercept || relative };
  const base = isSparse(features)
    ? sparseDesign(features, standardization)
    : denseDesign(features, standardization, kernels);
  const design = family.outputs === undefined ? base : stackedDesign(base, outputs, kernels);
  const { penalty, factors } = penaltyOf(options, kernels, {
    scale: base.scale,
    outputs: family.outputs,
    intercept,
    grouped: settings.grouped === true,
  });
  const product = runtime === undefined || kernels.name === 'script' ? undefined : await GramProduct.open(runtime);
  const rows = { target, weights, event };
  const common = { design, family, rows, offset, penalty, kernels, tolerance };
  const solver =
    settings.quantile === undefined
      ? new PathSolver({ ...common, product, room, all: family.quadratic && coordinates < room && 2 * columns <= n })
      : new QuantileSolver({ ...common, quantile: settings.quantile });
  const largestLambda = await solver.begin();
  const nullDeviance = 2 * (solver.nullLoss - solver.saturatedLoss);
  const lambdas = lambdasOf(options, largestLambda, n, columns);
  const points: PathPoint[] = [];
  let stopped: PathStop | undefined;
  let previous = Math.max(largestLambda, lambdas[0]);
  let last: Pick<Fit, 'columns' | 'coefficients'> = { columns: new Int32Array(0), coefficients: new Float64Array(0) };
  let breathed = performance.now();
  for (const lambda of lambdas) {
    if (signal?.aborted === true) {
      stopped = { reason: 'interrupted', message: `interrupted after ${points.length} of ${lambdas.length} lambdas` };
      break;
    }
    if (reweigh !== undefined) reweigh(lambda, last, penalty.factors);
    let fit = await solver.fit(lambda, previous);
    let settled = reweigh === undefined;
    for (let again = 1; !settled && reweigh !== undefined && again < MOST_FITS; again++) {
      settled = !reweigh(lambda, fit, penalty.factors);
      if (!settled) fit = await solver.fit(lambda, lambda);
    }
    last = fit;
    previous = lambda;
    const point = pointOf({ ...fit, converged: fit.converged && settled }, lambda, base, family, {
      nullDeviance,
      saturated: solver.saturatedLoss,
      largestLambda,
      alpha,
      intercept: !relative,
      free: (column) => factors[column] === 0 && lower === undefined && upper === undefined,
    });
    points.push(point);
    options.onProgress?.(points.length, lambdas.length);
    stopped = options.lambdas === undefined ? stopOf(point, family) : undefined;
    if (point.columns.length >= (options.mostColumns ?? Number.POSITIVE_INFINITY)) {
      stopped ??= { reason: 'columns', message: `${point.columns.length} columns have a coefficient` };
    }
    if (stopped !== undefined) break;
    if (performance.now() - breathed > BREATHE_MS) {
      await setImmediate();
      breathed = performance.now();
    }
  }
  const constant = Array.from(base.scale.keys()).filter((j) => base.scale[j] === 0);
  return {
    ...settings,
    alpha,
    features: columns,
    points,
    largestLambda,
    nullDeviance,
    scales: base.scale,
    factors,
    constant,
    ...(options.groups === undefined ? {} : { groups: Int32Array.from(options.groups) }),
    ...(stopped === undefined ? {} : { stopped }),
    kernels: kernels.name,
  };
}

/** The linear predictors of rows, offset not included; of several outputs, those of the first, then the second's, and so on. */
export function linearPredictor(model: LinearModel, features: Features): Float64Array {
  const models = model.outputs ?? [model];
  const all = new Float64Array(features.rows * models.length);
  models.forEach(({ columns, coefficients, intercept }, k) => {
    const eta = all.subarray(k * features.rows, (k + 1) * features.rows).fill(intercept);
    columns.forEach((column, at) => {
      addColumn(features, column, coefficients[at], eta);
    });
  });
  return all;
}

function lambdasOf({ lambdas, count = 100, ratio }: PathOptions, largest: number, n: number, p: number): number[] {
  if (lambdas !== undefined) return [...new Set(lambdas)].sort((a, b) => b - a);
  if (!(largest > 0)) {
    throw new BallastError('no column has anything to do with the target', {
      code: 'PATH_NOTHING_TO_FIT',
      remedy: 'Give columns that vary, or lambdas of your own',
    });
  }
  const least = ratio ?? (n < p ? 1e-2 : 1e-4);
  return Array.from({ length: count }, (_, k) => largest * least ** (count === 1 ? 0 : k / (count - 1)));
}

import { setImmediate } from 'node:timers/promises';
import { BallastError } from '../errors.js';
import { denseDesign } from './design.js';
import type { Family, FamilySettings } from './families/family.js';
import { usualDelta } from './families/huber.js';
import { familyOf } from './families/index.js';
import { addColumn, type Features, isSparse } from './features.js';
import { GramProduct } from './gram-product.js';
import { bytesOf, type Kernels, openKernels } from './kernels/kernels.js';
import { Penalty } from './penalty.js';
import { checkProblem, type PathData, type PathOptions } from './problem.js';
import { type Fit, PathSolver } from './solver.js';
import { sparseDesign } from './sparse-design.js';

/** One model of a path, on the original scale. */
export interface PathPoint {
  readonly lambda: number;
  /** Columns whose coefficient is not 0, ascending. */
  readonly columns: Int32Array;
  readonly coefficients: Float64Array;
  readonly intercept: number;
  /** Mean deviance of the rows: twice the loss above the model that predicts exactly. */
  readonly deviance: number;
  /** Share of the null model's deviance that the model explains. */
  readonly explained: number;
  /** Duality gap, relative to the null deviance: the objective is at most so far above its minimum. */
  readonly dualityGap: number;
  /** Largest violation of the optimality conditions, relative to the largest penalty of the path. */
  readonly kkt: number;
  /** Whether the gap is within the tolerance. */
  readonly converged: boolean;
}

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
  /** Columns that are the same in every row: they have no coefficient. */
  readonly constant: readonly number[];
  /** Why the path ends before its last lambda. */
  readonly stopped?: PathStop;
  readonly kernels: 'simd' | 'script';
}

export interface PathStop {
  readonly reason: 'separation' | 'saturated' | 'interrupted' | 'unsolved' | 'columns';
  readonly message: string;
}

/** Gram matrices of more columns than this are not made: descent then keeps a residual. */
const MOST_ROOM = 4096;
const FEW_ROWS = 500;
/** A path ends where so much of the deviance is explained: nothing is left to fit but noise. */
const SATURATED = { quadratic: 1 - 1e-6, other: 0.999 };
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
  const { alpha = 1, standardize = true, tolerance = 1e-8, runtime, signal } = options;
  const settings = settingsOf(options, data);
  const family = familyOf(settings);
  const relative = family.relative === true;
  const intercept = !relative && (options.intercept ?? true);
  // With few rows a residual is cheaper to keep than a Gram matrix that changes with every step.
  const few =
    !family.quadratic && family.couple === undefined && (isSparse(features) || (n <= FEW_ROWS && columns > n));
  const room = few ? 0 : Math.min(columns + 1, MOST_ROOM);
  const stored = isSparse(features) ? 0 : n * (columns + 1);
  const bytes = bytesOf([stored, n, columns + 1]) + PathSolver.bytes(n, columns, room) + 65_536;
  const kernels = openKernels(bytes, options.kernels);
  const weights = kernels.floats(n);
  weights.set(normalised(data.weights, n));
  const standardization = { weights, standardize, intercept: intercept || relative };
  const design = isSparse(features)
    ? sparseDesign(features, standardization)
    : denseDesign(features, standardization, kernels);
  const penalty = penaltyOf(options, kernels, design.scale, intercept);
  const factors = penalty.factors.slice(0, columns);
  const product = runtime === undefined || kernels.name === 'script' ? undefined : await GramProduct.open(runtime);
  const solver = new PathSolver({
    design,
    family,
    rows: { target, weights, event },
    offset,
    penalty,
    kernels,
    product,
    room,
    tolerance,
    all: family.quadratic && columns < room && 2 * columns <= n,
  });
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
    const point = pointOf({ ...fit, converged: fit.converged && settled }, lambda, design, {
      nullDeviance,
      saturated: solver.saturatedLoss,
      largestLambda,
      alpha,
      intercept: !relative,
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
  const constant = Array.from(design.scale.keys()).filter((j) => design.scale[j] === 0);
  return {
    ...settings,
    alpha,
    features: columns,
    points,
    largestLambda,
    nullDeviance,
    scales: design.scale,
    factors,
    constant,
    ...(stopped === undefined ? {} : { stopped }),
    kernels: kernels.name,
  };
}

/** The linear predictor of rows, offset not included. */
export function linearPredictor(
  { columns, coefficients, intercept }: Pick<PathPoint, 'columns' | 'coefficients' | 'intercept'>,
  features: Features,
): Float64Array {
  const eta = new Float64Array(features.rows).fill(intercept);
  columns.forEach((column, k) => {
    addColumn(features, column, coefficients[k], eta);
  });
  return eta;
}

/** What acts where nothing else is said. */
export function settingsOf({ family, delta }: PathOptions, { target, weights }: PathData): FamilySettings {
  if (family !== 'huber') return { family };
  return { family, delta: delta ?? usualDelta(target, normalised(weights, target.length)) };
}

function normalised(weights: Float64Array | undefined, n: number): Float64Array {
  if (weights === undefined) return new Float64Array(n).fill(1 / n);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function penaltyOf(
  { alpha = 1, factors, lower, upper }: PathOptions,
  kernels: Kernels,
  scale: Float64Array,
  intercept: boolean,
): Penalty {
  const columns = scale.length;
  const relative = Float64Array.from({ length: columns }, (_, j) => factors?.[j] ?? 1);
  const finite = relative.filter(Number.isFinite);
  const sum = finite.reduce((total, factor) => total + factor, 0);
  if (sum === 0) {
    throw new BallastError('no column is penalised, so there is no path', {
      code: 'PATH_FACTOR',
      remedy: 'Give at least one column a penalty factor above 0',
    });
  }
  const free = intercept ? Number.POSITIVE_INFINITY : 0;
  const scaled = (bounds: ArrayLike<number> | undefined, otherwise: number): Float64Array =>
    Float64Array.from({ length: columns + 1 }, (_, j) => {
      if (j === columns) return Math.sign(otherwise) * free || 0;
      return bounds === undefined ? otherwise : bounds[j] === 0 ? 0 : bounds[j] * scale[j];
    });
  const ofMeanOne = kernels.floats(columns + 1);
  relative.forEach((factor, j) => {
    ofMeanOne[j] = (factor * finite.length) / sum;
  });
  return new Penalty({
    alpha,
    factors: ofMeanOne,
    lower: scaled(lower, Number.NEGATIVE_INFINITY),
    upper: scaled(upper, Number.POSITIVE_INFINITY),
  });
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

interface Scale {
  readonly nullDeviance: number;
  readonly saturated: number;
  readonly largestLambda: number;
  readonly alpha: number;
  /** Whether centering goes into the intercept; else only differences between rows count. */
  readonly intercept: boolean;
}

function pointOf(
  fit: Fit,
  lambda: number,
  { center, scale }: { readonly center: Float64Array; readonly scale: Float64Array },
  { nullDeviance, saturated, largestLambda, alpha, intercept: absolute }: Scale,
): PathPoint {
  let { intercept } = fit;
  const coefficients = fit.coefficients.map((value, k) => value / scale[fit.columns[k]]);
  coefficients.forEach((value, k) => {
    if (absolute) intercept -= value * center[fit.columns[k]];
  });
  const deviance = 2 * (fit.loss - saturated);
  return {
    lambda,
    columns: fit.columns,
    coefficients,
    intercept,
    deviance,
    explained: nullDeviance > 0 ? 1 - deviance / nullDeviance : 0,
    dualityGap: nullDeviance > 0 ? (2 * fit.gap) / nullDeviance : 0,
    kkt: largestLambda > 0 ? fit.violation / (largestLambda * Math.max(alpha, 1e-3)) : fit.violation,
    converged: fit.converged,
  };
}

function stopOf({ explained, lambda }: PathPoint, { quadratic, name }: Family): PathStop | undefined {
  if (explained < (quadratic ? SATURATED.quadratic : SATURATED.other)) return undefined;
  const share = `${(100 * explained).toFixed(2)}% of the deviance is explained at lambda ${lambda.toPrecision(4)}`;
  return name === 'binomial'
    ? {
        reason: 'separation',
        message: `the classes are perfectly separated: ${share}, and with less penalty the coefficients grow without end`,
      }
    : { reason: 'saturated', message: `${share}: what is left is noise` };
}

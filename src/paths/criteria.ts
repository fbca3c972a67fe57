import { logGamma } from '../numeric/gamma-function.js';
import { cholesky, invertLower } from '../numeric/symmetric.js';
import type { FamilySettings } from './families/family.js';
import { familyOf } from './families/index.js';
import { addColumn } from './features.js';
import { openKernels } from './kernels/kernels.js';
import { linearPredictor, type RegularizationPath } from './path.js';
import type { PathPoint } from './path-point.js';
import type { PathData } from './problem.js';

/** Information criteria of every model of a path: less is better. */
export interface Criteria {
  readonly aic: readonly number[];
  readonly bic: readonly number[];
  /** Extended for many columns (Chen and Chen, 2008), with gamma 1. */
  readonly ebic: readonly number[];
  /** Degrees of freedom, the intercept among them. */
  readonly degrees: readonly number[];
}

export type CriterionName = 'aic' | 'bic' | 'ebic';

/**
 * Minus twice the log-likelihood, up to a constant, plus a price for each degree of freedom: 2 (AIC), log n (BIC), log n
 * and 2 log (p choose df) (EBIC). A Gaussian likelihood has its variance fitted, and Huber's loss is taken as one; n of a Cox
 * family is the number of events (Volinsky and Raftery 2000). Degrees of freedom are the nonzero
 * coefficients of a lasso (Zou, Hastie and Tibshirani 2007); where ridge has a part, or columns are grouped (Vaiter et al.
 * 2012), the trace of the map from target to prediction.
 *
 * @returns undefined of several outputs, and of penalised differences, unless it is their number that counts
 */
export function informationCriteria(data: PathData, path: RegularizationPath, intercept = true): Criteria | undefined {
  if (path.outputs !== undefined && (path.grouped === true || path.alpha < 1)) return undefined;
  if (path.differences !== undefined && path.alpha < 1) return undefined;
  const relative = familyOf(path).relative === true;
  const n = data.features.rows;
  const counted = relative ? (data.event?.reduce((sum, value) => sum + value, 0) ?? n) : n;
  const p = path.features - path.constant.length;
  const own = path.family === 'multinomial' ? (path.outputs ?? 1) - 1 : (path.outputs ?? 1);
  const extra = intercept && !relative ? own : 0;
  const degrees = path.points.map((point) => extra + freedom(data, path, point));
  const misfit = path.points.map(({ deviance }) =>
    path.family === 'gaussian' || path.family === 'huber' ? n * Math.log(deviance) : n * deviance,
  );
  const choices = (df: number): number => {
    const k = Math.min(p, Math.max(0, df - extra));
    return logGamma(p + 1) - logGamma(k + 1) - logGamma(p - k + 1);
  };
  return {
    aic: misfit.map((value, k) => value + 2 * degrees[k]),
    bic: misfit.map((value, k) => value + Math.log(counted) * degrees[k]),
    ebic: misfit.map((value, k) => value + Math.log(counted) * degrees[k] + 2 * choices(degrees[k])),
    degrees,
  };
}

/** Degrees of freedom of the coefficients. */
function freedom(data: PathData, path: RegularizationPath, point: PathPoint): number {
  const { alpha, groups, scales } = path;
  const { columns, outputs, degrees } = point;
  if (degrees !== undefined) return degrees;
  if (outputs !== undefined) return outputs.reduce((sum, output) => sum + output.columns.length, 0);
  const size = columns.length;
  if ((alpha === 1 && groups === undefined) || size === 0) return size;
  const gram = curvedGram(data, path, point, scales);
  const bent = penaltyCurvature(path, point);
  const lower = cholesky(
    gram.map((value, at) => value + bent[at]),
    size,
  );
  if (lower === undefined) return size;
  // trace(G (G + R)^-1) = size - trace(R (G + R)^-1), R that of the penalty, and the inverse is L^-T L^-1.
  const inverse = invertLower(lower, size);
  let rest = 0;
  for (let k = 0; k < size; k++) {
    for (let a = 0; a <= k; a++) {
      for (let b = 0; b <= k; b++) rest += bent[a * size + b] * inverse[k * size + a] * inverse[k * size + b];
    }
  }
  return size - rest;
}

/** Second derivatives of the penalty by the standardised coefficients of a model. */
function penaltyCurvature(
  { alpha, factors, groups, scales, constant }: RegularizationPath,
  { columns, coefficients, lambda }: PathPoint,
): Float64Array {
  const size = columns.length;
  const b = coefficients.map((value, k) => value * scales[columns[k]]);
  const bent = new Float64Array(size * size);
  const sizes = new Map<number, number>();
  groups?.forEach((group, column) => {
    if (!constant.includes(column)) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  });
  const of = (k: number): number | undefined => groups?.[columns[k]];
  for (let k = 0; k < size; k++) {
    const group = of(k);
    const weight = lambda * factors[columns[k]] * Math.sqrt(group === undefined ? 1 : (sizes.get(group) ?? 1));
    bent[k * size + k] += weight * (1 - alpha);
    if (group === undefined) continue;
    const squares = b.reduce((sum, value, i) => (of(i) === group ? sum + value * value : sum), 0);
    bent[k * size + k] += (weight * alpha) / Math.sqrt(squares);
    for (let i = 0; i < size; i++) {
      if (of(i) === group) bent[k * size + i] -= (weight * alpha * b[k] * b[i]) / squares ** 1.5;
    }
  }
  return bent;
}

/** Second derivatives of the mean loss by the coefficients of a model's standardised, centred columns. */
function curvedGram(
  { features, target, weights, offset, event }: PathData,
  settings: FamilySettings,
  point: PathPoint,
  scales: Float64Array,
): Float64Array {
  const n = features.rows;
  const eta = linearPredictor(point, features);
  offset?.forEach((value, i) => {
    eta[i] += value;
  });
  const total = weights?.reduce((sum, weight) => sum + weight, 0) ?? n;
  const rows = { target, event, weights: Float64Array.from(eta, (_, i) => (weights?.[i] ?? 1) / total) };
  const curvature = new Float64Array(n);
  const family = familyOf(settings);
  family.evaluate(eta, rows, new Float64Array(n), curvature);
  const couple = family.couple?.(eta, rows, {
    kernels: openKernels(0, 'script'),
    scratch: new Float64Array(eta.length),
  });
  const sum = curvature.reduce((all, value) => all + value, 0);
  const columns = Array.from(point.columns, (j) => {
    const column = new Float64Array(n);
    addColumn(features, j, 1, column);
    const mean = column.reduce((all, value, i) => all + curvature[i] * value, 0) / sum;
    return column.map((value) => (value - mean) / scales[j]);
  });
  const size = columns.length;
  const gram = new Float64Array(size * size);
  for (let a = 0; a < size; a++) {
    const bent = columns[a].map((value, i) => value * curvature[i]);
    couple?.(bent, 0);
    for (let b = 0; b <= a; b++) {
      let value = 0;
      for (let i = 0; i < n; i++) value += bent[i] * columns[b][i];
      gram[a * size + b] = value;
      gram[b * size + a] = value;
    }
  }
  return gram;
}

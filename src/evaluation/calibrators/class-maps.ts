import { weightedQuantiles } from '../../numeric/index.js';
import { type ClassMap, logit, TINY } from './calibrator.js';

/** One class against the rest: probabilities p, whether each row is of the class, weights; all [rows]. */
export interface BinaryRows {
  readonly p: Float64Array;
  readonly hit: Uint8Array;
  readonly weights: Float64Array;
}

/**
 * Platt scaling of the log-odds, towards targets (hits + 1) / (hits + 2) and 1 / (misses + 2) in the place of 1 and 0
 * (Platt 1999; scikit-learn's sigmoid calibration, of which this is a = -slope, b = -intercept).
 */
export function fitPlatt({ p, hit, weights }: BinaryRows): ClassMap {
  let [hits, misses] = [0, 0];
  for (let row = 0; row < p.length; row++) {
    if (hit[row] === 1) hits += weights[row];
    else misses += weights[row];
  }
  const [high, low] = [(hits + 1) / (hits + 2), 1 / (misses + 2)];
  const x = p.map(logit);
  const { at } = logistic(
    [x],
    Float64Array.from(hit, (h) => (h === 1 ? high : low)),
    weights,
  );
  return { kind: 'sigmoid', slope: at[0], intercept: at[1] };
}

/**
 * Beta calibration: logistic regression on ln p and -ln(1 - p) (Kull, Silva Filho and Flach, AISTATS 2017); a negative
 * coefficient is left out, as in the authors' reference code, so that the map never decreases.
 */
export function fitBeta({ p, hit, weights }: BinaryRows): ClassMap {
  const clipped = p.map((value) => Math.min(1 - TINY, Math.max(TINY, value)));
  const up = clipped.map(Math.log);
  const down = clipped.map((value) => -Math.log1p(-value));
  const target = Float64Array.from(hit);
  const { at } = logistic([up, down], target, weights);
  if (at[0] >= 0 && at[1] >= 0) return { kind: 'beta', a: at[0], b: at[1], c: at[2] };
  const one = at[0] < 0 ? logistic([down], target, weights).at : logistic([up], target, weights).at;
  const kept = Math.max(0, one[0]);
  return at[0] < 0 ? { kind: 'beta', a: 0, b: kept, c: one[1] } : { kind: 'beta', a: kept, b: 0, c: one[1] };
}

/**
 * Coefficients, the intercept last, of least cross-entropy towards targets within [0, 1]: Newton's method with halved steps,
 * a few passes over the rows whatever their number.
 */
function logistic(columns: readonly Float64Array[], target: Float64Array, weights: Float64Array) {
  const size = columns.length + 1;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // Scaled columns keep the equations of a step well conditioned.
  const scales = columns.map((x) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length) || 1);
  const design = columns.map((x, j) => x.map((value) => value / scales[j]));
  const lossAt = (at: Float64Array): number => {
    let loss = 0;
    for (let row = 0; row < target.length; row++) {
      let z = at[size - 1];
      for (let j = 0; j < design.length; j++) z += at[j] * design[j][row];
      // ln(1 + e^z) - t z
      loss += weights[row] * (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - target[row] * z);
    }
    return loss / total;
  };
  let at = new Float64Array(size);
  let loss = lossAt(at);
  for (let iteration = 0; iteration < 100; iteration++) {
    const { gradient, hessian } = slopes(design, target, weights, total, at);
    if (gradient.every((value) => Math.abs(value) <= 1e-12)) break;
    const step = solve(hessian, gradient);
    let share = 1;
    let next = at;
    let reached = loss;
    for (; share > 1e-10; share /= 2) {
      next = at.map((value, j) => value - share * step[j]);
      reached = lossAt(next);
      if (reached < loss) break;
    }
    if (!(reached < loss)) break;
    [at, loss] = [next, reached];
  }
  return { at: at.map((value, j) => (j < columns.length ? value / scales[j] : value)) };
}

function slopes(
  design: readonly Float64Array[],
  target: Float64Array,
  weights: Float64Array,
  total: number,
  at: Float64Array,
) {
  const size = design.length + 1;
  const gradient = new Float64Array(size);
  const hessian = Array.from({ length: size }, () => new Float64Array(size));
  const x = new Float64Array(size).fill(1);
  for (let row = 0; row < target.length; row++) {
    let z = at[size - 1];
    for (let j = 0; j < design.length; j++) {
      x[j] = design[j][row];
      z += at[j] * x[j];
    }
    const p = 1 / (1 + Math.exp(-z));
    const error = (weights[row] / total) * (p - target[row]);
    const curvature = (weights[row] / total) * p * (1 - p);
    for (let j = 0; j < size; j++) {
      gradient[j] += error * x[j];
      for (let k = 0; k <= j; k++) hessian[j][k] += curvature * x[j] * x[k];
    }
  }
  return { gradient, hessian };
}

/** Solves a symmetric system (lower triangle given) by Cholesky; a ridge holds directions that the rows say nothing of. */
function solve(matrix: readonly Float64Array[], right: Float64Array): Float64Array {
  const size = right.length;
  const ridge = 1e-12 * Math.max(1e-12, ...matrix.map((row, j) => row[j]));
  const l = matrix.map((row) => row.slice());
  for (let j = 0; j < size; j++) {
    for (let k = 0; k <= j; k++) {
      let sum = l[j][k] + (j === k ? ridge : 0);
      for (let m = 0; m < k; m++) sum -= l[j][m] * l[k][m];
      l[j][k] = j === k ? Math.sqrt(Math.max(sum, ridge || Number.MIN_VALUE)) : sum / l[k][k];
    }
  }
  const y = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    let sum = right[j];
    for (let m = 0; m < j; m++) sum -= l[j][m] * y[m];
    y[j] = sum / l[j][j];
  }
  for (let j = size - 1; j >= 0; j--) {
    let sum = y[j];
    for (let m = j + 1; m < size; m++) sum -= l[m][j] * y[m];
    y[j] = sum / l[j][j];
  }
  return y;
}

/**
 * Isotonic regression of hits on p by pooling adjacent violators, linear between its blocks and constant beyond them
 * (Zadrozny and Elkan 2002; scikit-learn's IsotonicRegression with out_of_bounds='clip').
 */
export function fitIsotonic({ p, hit, weights }: BinaryRows): ClassMap {
  const order = Uint32Array.from(p, (_, i) => i).sort((a, b) => p[a] - p[b]);
  /** Blocks of equal value: first and last p, mean of hits, weight. */
  const blocks: { first: number; last: number; value: number; weight: number }[] = [];
  const pool = (): void => {
    while (blocks.length > 1) {
      const [before, after] = blocks.slice(-2);
      if (before.value < after.value) return;
      blocks.length -= 2;
      const weight = before.weight + after.weight;
      const value = (before.value * before.weight + after.value * after.weight) / weight;
      blocks.push({ first: before.first, last: after.last, value, weight });
    }
  };
  for (let i = 0; i < order.length; ) {
    // Rows of one p have one value.
    const at = p[order[i]];
    let [weight, sum] = [0, 0];
    for (; i < order.length && p[order[i]] === at; i++) {
      weight += weights[order[i]];
      sum += weights[order[i]] * hit[order[i]];
    }
    if (weight === 0) continue;
    blocks.push({ first: at, last: at, value: sum / weight, weight });
    pool();
  }
  const x: number[] = [];
  const y: number[] = [];
  for (const { first, last, value } of blocks) {
    x.push(first);
    y.push(value);
    if (last > first) {
      x.push(last);
      y.push(value);
    }
  }
  return { kind: 'linear', x, y };
}

/** Histogram binning: the share of hits in each of `bins` bins of equal weight (Zadrozny and Elkan 2001). */
export function fitHistogram({ p, hit, weights }: BinaryRows, bins = 15): ClassMap {
  const levels = Array.from({ length: bins - 1 }, (_, i) => (i + 1) / bins);
  const values = p.slice().sort();
  // Midway to the next value: the rounding of another precision then puts no row into another bin.
  const edges = [...new Set(weightedQuantiles(p, weights, levels))].flatMap((edge) => {
    const next = values[stepOf(values, edge) + countOf(values, edge)];
    return next === undefined ? [] : [(edge + next) / 2];
  });
  const sums = new Float64Array(edges.length + 1);
  const totals = new Float64Array(edges.length + 1);
  for (let row = 0; row < p.length; row++) {
    const bin = stepOf(edges, p[row]);
    sums[bin] += weights[row] * hit[row];
    totals[bin] += weights[row];
  }
  // An empty bin says what its neighbour says.
  const y: number[] = [];
  sums.forEach((sum, bin) => {
    y.push(totals[bin] > 0 ? sum / totals[bin] : (y.at(-1) ?? 0));
  });
  return { kind: 'step', edges, y };
}

/** How often a value stands in a sorted list. */
function countOf(values: Float64Array, value: number): number {
  const from = stepOf(values, value);
  let to = from;
  while (values[to] === value) to++;
  return to - from;
}

/** How many edges (ascending) lie below p. */
export function stepOf(edges: ArrayLike<number>, p: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (p <= edges[middle]) high = middle;
    else low = middle + 1;
  }
  return low;
}

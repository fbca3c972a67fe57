import { minimize, weightedQuantiles } from '../../numeric/index.js';
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

/** Coefficients, the intercept last, of least cross-entropy towards targets within [0, 1]. */
function logistic(columns: readonly Float64Array[], target: Float64Array, weights: Float64Array) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // Scaled columns make round level sets, in which few steps are needed.
  const scales = columns.map((x) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length) || 1);
  const found = minimize(
    (at, gradient) => {
      gradient.fill(0);
      let loss = 0;
      for (let row = 0; row < target.length; row++) {
        let z = at[columns.length];
        for (let j = 0; j < columns.length; j++) z += (at[j] * columns[j][row]) / scales[j];
        const weight = weights[row] / total;
        // ln(1 + e^z) - t z
        loss += weight * (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - target[row] * z);
        const error = weight * (1 / (1 + Math.exp(-z)) - target[row]);
        for (let j = 0; j < columns.length; j++) gradient[j] += (error * columns[j][row]) / scales[j];
        gradient[columns.length] += error;
      }
      return loss;
    },
    new Float64Array(columns.length + 1),
  );
  return { at: found.at.map((value, j) => (j < columns.length ? value / scales[j] : value)) };
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

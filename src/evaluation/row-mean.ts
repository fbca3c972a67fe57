import { effectiveRows, mean, sum } from '../numeric/index.js';
import type { Measured } from './metric.js';

/** A (weighted) mean of one number per row as a measured metric. */
export function rowMean(values: Float64Array, weights: Float64Array | undefined): Measured {
  const value = mean(values, weights);
  return {
    value,
    support: weights === undefined ? values.length : effectiveRows(weights),
    resample: (counts) => {
      let total = 0;
      let weight = 0;
      for (let i = 0; i < values.length; i++) {
        const w = weights === undefined ? counts[i] : counts[i] * weights[i];
        total += w * values[i];
        weight += w;
      }
      return weight === 0 ? Number.NaN : total / weight;
    },
    influence: () => {
      const total = weights === undefined ? values.length : sum(weights);
      return values.map((x, i) => ((x - value) * (weights === undefined ? 1 : weights[i])) / total);
    },
  };
}

/** The share of rows, among those where `of` holds, for which `hit` holds. Undefined without such rows. */
export function share(
  rows: number,
  weights: Float64Array | undefined,
  of: (row: number) => boolean,
  hit: (row: number) => boolean,
): Measured | undefined {
  let base = 0;
  let squares = 0;
  let hits = 0;
  for (let i = 0; i < rows; i++) {
    if (!of(i)) continue;
    const weight = weights === undefined ? 1 : weights[i];
    base += weight;
    squares += weight * weight;
    if (hit(i)) hits += weight;
  }
  if (base === 0) return undefined;
  const value = hits / base;
  const trials = (base * base) / squares;
  return {
    value,
    support: trials,
    proportion: { successes: value * trials, trials },
    resample: (counts) => {
      let denominator = 0;
      let numerator = 0;
      for (let i = 0; i < rows; i++) {
        if (counts[i] === 0 || !of(i)) continue;
        const weight = weights === undefined ? counts[i] : counts[i] * weights[i];
        denominator += weight;
        if (hit(i)) numerator += weight;
      }
      return denominator === 0 ? Number.NaN : numerator / denominator;
    },
    influence: () =>
      Float64Array.from({ length: rows }, (_, i) =>
        of(i) ? (((hit(i) ? 1 : 0) - value) * (weights === undefined ? 1 : weights[i])) / base : 0,
      ),
  };
}

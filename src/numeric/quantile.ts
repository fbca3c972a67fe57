/** Quantiles of samples. */
import { argsort } from './sort.js';

/** A sorted copy, ascending. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/**
 * Quantile of an ascending array, linear between order statistics at position q (n - 1) (Hyndman & Fan type 7, NumPy's
 * default). NaN for an empty array.
 */
export function quantileSorted(ascending: ArrayLike<number>, q: number): number {
  const n = ascending.length;
  if (n === 0) return Number.NaN;
  const position = Math.min(Math.max(q, 0), 1) * (n - 1);
  const below = Math.floor(position);
  const fraction = position - below;
  const low = ascending[below];
  if (fraction === 0) return low;
  const high = ascending[below + 1];
  // Interpolated from the nearer end, so that equal neighbours give exactly their value.
  return fraction < 0.5 ? low + (high - low) * fraction : high - (high - low) * (1 - fraction);
}

/** Quantile (type 7) of an unsorted array. */
export function quantile(values: ArrayLike<number>, q: number): number {
  return quantileSorted(sorted(values), q);
}

/** The middle value. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/**
 * Weighted quantiles: the smallest value whose cumulated weight reaches q of the total (inverse of the weighted
 * distribution function, Hyndman & Fan type 1). A weight of 2 equals writing the row twice.
 */
export function weightedQuantiles(
  values: ArrayLike<number>,
  weights: ArrayLike<number> | undefined,
  qs: readonly number[],
): number[] {
  const order = argsort(values);
  const cumulative = new Float64Array(order.length);
  let total = 0;
  for (let i = 0; i < order.length; i++) {
    total += weights === undefined ? 1 : weights[order[i]];
    cumulative[i] = total;
  }
  return qs.map((q) => {
    // The slack absorbs the rounding of q * total: 0.07 * 100 must reach the 7th row, not the 8th.
    const reach = q * total - total * 1e-12;
    let low = 0;
    let high = order.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulative[middle] >= reach && cumulative[middle] > 0) high = middle;
      else low = middle + 1;
    }
    return order.length === 0 ? Number.NaN : values[order[low]];
  });
}

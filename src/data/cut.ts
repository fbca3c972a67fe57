import { select } from '../numeric/select.js';

/** Cutting values in two without separating equal ones. */

/**
 * The position nearest to `wanted` at which values, were they sorted, can be cut without separating equal ones, and the
 * value that everything before it is below. Reorders the values; linear time.
 */
export function cutAt(values: Float64Array, wanted: number): { position: number; below: number } {
  if (wanted <= 0) return { position: 0, below: Number.NEGATIVE_INFINITY };
  if (wanted >= values.length) return { position: values.length, below: Number.POSITIVE_INFINITY };
  const value = select(values, wanted);
  let start = 0;
  let equal = 0;
  let next = Number.POSITIVE_INFINITY;
  for (const other of values) {
    if (other < value) start++;
    else if (other === value) equal++;
    else if (other < next) next = other;
  }
  const end = start + equal;
  return wanted - start <= end - wanted ? { position: start, below: value } : { position: end, below: next };
}

/** The position nearest to `wanted` that does not separate equal values of an ascending array. */
export function cutNear(ascending: Float64Array, wanted: number): number {
  if (wanted <= 0 || wanted >= ascending.length || ascending[wanted - 1] < ascending[wanted]) {
    return Math.min(Math.max(wanted, 0), ascending.length);
  }
  const value = ascending[wanted];
  const start = lowerBound(ascending, value);
  let end = wanted;
  while (end < ascending.length && ascending[end] === value) end++;
  return wanted - start <= end - wanted ? start : end;
}

/** First position whose value is not below `value`. */
export function lowerBound(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

import type { NumberDistribution } from './distribution.js';

/** Of a value: what exponentials of float32 logits may be apart by another order of summation. */
const RELATIVE = 1e-4;
/** Of the largest value: the same near zero, where large terms cancel. */
const ABSOLUTE = 1e-7;

/**
 * Both distributions with answers of a model that are apart by no more than its arithmetic as one value. The same rows
 * score differently in the last digits by the size of the batch and the build of the runtime, and a row that is often there would else
 * look like as many rows that moved.
 */
export function nearAsEqual(a: NumberDistribution, b: NumberDistribution): [NumberDistribution, NumberDistribution] {
  const [left, right] = [Float64Array.from(a.values), Float64Array.from(b.values)];
  const largest = Math.max(...[left, right].map((values) => Math.max(-(values[0] ?? 0), values.at(-1) ?? 0)));
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const start = Math.min(left[i] ?? Infinity, right[j] ?? Infinity);
    // Infinite values are equal to nothing but themselves.
    const end = Number.isFinite(start)
      ? start + RELATIVE * Math.abs(start) + ABSOLUTE * Math.min(largest, 1e300)
      : start;
    while (i < left.length && left[i] <= end) left[i++] = start;
    while (j < right.length && right[j] <= end) right[j++] = start;
  }
  return [
    { ...a, values: left },
    { ...b, values: right },
  ];
}

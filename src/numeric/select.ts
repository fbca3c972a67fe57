/** Order statistics without sorting. */

/**
 * The k-th smallest value (k from 0), by Floyd & Rivest's SELECT (1975), O(n) on average. Reorders the array: afterwards
 * what is before position k is not larger and what is after it not smaller. The array must hold no NaN.
 */
export function select(values: Float32Array | Float64Array, k: number): number {
  partition(values, 0, values.length - 1, k);
  return values[k];
}

/**
 * Quantiles as {@link quantile} defines them (linear between order statistics, type 7), in linear time. Reorders the
 * array, which must hold no NaN. NaN where it is empty.
 */
export function quantilesInPlace(values: Float32Array | Float64Array, qs: readonly number[]): number[] {
  const n = values.length;
  return qs.map((q) => {
    if (n === 0) return Number.NaN;
    const position = Math.min(Math.max(q, 0), 1) * (n - 1);
    const below = Math.floor(position);
    const fraction = position - below;
    const low = select(values, below);
    if (fraction === 0) return low;
    let high = Number.POSITIVE_INFINITY;
    for (let i = below + 1; i < n; i++) if (values[i] < high) high = values[i];
    return fraction < 0.5 ? low + (high - low) * fraction : high - (high - low) * (1 - fraction);
  });
}

function partition(values: Float32Array | Float64Array, from: number, to: number, k: number): void {
  let left = from;
  let right = to;
  while (right > left) {
    if (right - left > 600) {
      // Narrow the range by a sample around the expected place of the k-th value.
      const n = right - left + 1;
      const i = k - left + 1;
      const z = Math.log(n);
      const s = 0.5 * Math.exp((2 * z) / 3);
      const deviation = 0.5 * Math.sqrt((z * s * (n - s)) / n) * Math.sign(i - n / 2);
      const newLeft = Math.max(left, Math.floor(k - (i * s) / n + deviation));
      const newRight = Math.min(right, Math.floor(k + ((n - i) * s) / n + deviation));
      partition(values, newLeft, newRight, k);
    }
    const pivot = values[k];
    let i = left;
    let j = right;
    swap(values, left, k);
    if (values[right] > pivot) swap(values, left, right);
    while (i < j) {
      swap(values, i, j);
      i++;
      j--;
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
    }
    if (values[left] === pivot) {
      swap(values, left, j);
    } else {
      j++;
      swap(values, j, right);
    }
    if (j <= k) left = j + 1;
    if (k <= j) right = j - 1;
  }
}

function swap(values: Float32Array | Float64Array, i: number, j: number): void {
  const kept = values[i];
  values[i] = values[j];
  values[j] = kept;
}

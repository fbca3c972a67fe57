/**
 * Sums and moments that keep their digits: compensated summation (Neumaier 1974) and two-pass moments.
 */

/** Sum with Neumaier's compensation: the error does not grow with the number of terms. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return Number.isFinite(total) ? total + lost : total;
}

/** sum(w x), compensated. */
export function weightedSum(values: ArrayLike<number>, weights: ArrayLike<number>): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] * weights[i];
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return Number.isFinite(total) ? total + lost : total;
}

/** Arithmetic mean, or sum(w x) / sum(w). NaN when there is nothing to average. */
export function mean(values: ArrayLike<number>, weights?: ArrayLike<number>): number {
  return weights === undefined ? sum(values) / values.length : weightedSum(values, weights) / sum(weights);
}

/**
 * Sample variance sum((x - m)^2) / (n - ddof), two passes with the second pass's own rounding taken out (Chan et al.).
 * NaN for n <= ddof.
 */
export function variance(values: ArrayLike<number>, ddof = 1): number {
  const n = values.length;
  if (n <= ddof) return Number.NaN;
  const center = mean(values);
  let squares = 0;
  let residue = 0;
  for (let i = 0; i < n; i++) {
    const difference = values[i] - center;
    squares += difference * difference;
    residue += difference;
  }
  return (squares - (residue * residue) / n) / (n - ddof);
}

/** Square root of {@link variance}. */
export function standardDeviation(values: ArrayLike<number>, ddof = 1): number {
  return Math.sqrt(variance(values, ddof));
}

/** sum(w (x - m)^2) / sum(w), m the weighted mean: the variance of the weighted empirical distribution. */
export function weightedVariance(values: ArrayLike<number>, weights: ArrayLike<number>): number {
  const center = mean(values, weights);
  let squares = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    squares += weights[i] * (values[i] - center) ** 2;
    total += weights[i];
  }
  return squares / total;
}

/** Pearson's correlation; 0 where either does not vary. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [centerA, centerB] = [mean(a), mean(b)];
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - centerA) * (b[i] - centerB);
    aa += (a[i] - centerA) ** 2;
    bb += (b[i] - centerB) ** 2;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

/** Kish's effective number of rows (sum w)^2 / sum(w^2): how many equally weighted rows say as much. */
export function effectiveRows(weights: ArrayLike<number>): number {
  let total = 0;
  let squares = 0;
  for (let i = 0; i < weights.length; i++) {
    total += weights[i];
    squares += weights[i] * weights[i];
  }
  return squares === 0 ? 0 : (total * total) / squares;
}

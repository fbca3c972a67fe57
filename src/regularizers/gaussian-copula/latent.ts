import { normalCdf, normalDensity, normalQuantile } from '../../numeric/distributions/normal.js';
import { argsort } from '../../numeric/sort.js';

/** One column (or one code of categories) as what a Gaussian variable shows. */
export interface Latent {
  /** Score of each row: the mean of a standard normal variable over the row's share of probability. */
  readonly scores: Float64Array;
  /** Variance of the scores: 1 but for the width of the shares; less where values repeat. */
  readonly variance: number;
  /** The value (of categories: the place among them) that a standard normal draw stands for. */
  value(draw: number): number;
}

/**
 * A column of numbers: the empirical distribution is its marginal. A value that occurs b - a times in order, from rank a
 * to rank b of n, stands for the probabilities a / n to b / n, and its score is the mean of a normal variable there,
 * n / (b - a) (phi(z_a) - phi(z_b)). Draws are interpolated between neighbouring values, unless most values repeat: then
 * they are values that occur. None lies beyond the least and the greatest.
 */
export function latentOfNumbers(values: ArrayLike<number>): Latent {
  const n = values.length;
  const order = argsort(values);
  const sorted = Float64Array.from(order, (row) => values[row]);
  const scores = new Float64Array(n);
  let distinct = 0;
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && sorted[to] === sorted[from]) to++;
    const score = meanBetween(from / n, to / n);
    for (let i = from; i < to; i++) scores[order[i]] = score;
    distinct++;
    from = to;
  }
  const steps = distinct <= n / 2;
  return {
    scores,
    variance: meanSquare(scores),
    value(draw) {
      const place = n * normalCdf(draw);
      if (steps) return sorted[Math.min(n - 1, Math.floor(place))];
      const between = Math.min(n - 1, Math.max(0, place - 0.5));
      const low = Math.min(n - 2, Math.floor(between));
      return n === 1 ? sorted[0] : sorted[low] + (between - low) * (sorted[low + 1] - sorted[low]);
    },
  };
}

/**
 * Categories as intervals of a Gaussian variable, in the order of the mean of a guide: neighbours in the order then are
 * categories whose rows are alike, and one variable can hold most of what they have to do with the other columns.
 *
 * @param codes category of each row, 0 to categories - 1
 * @param guide a number of each row; without one categories are ordered by how often they occur
 */
export function latentOfCategories(codes: ArrayLike<number>, categories: number, guide?: ArrayLike<number>): Latent {
  const n = codes.length;
  const counts = new Float64Array(categories);
  const sums = new Float64Array(categories);
  for (let row = 0; row < n; row++) {
    counts[codes[row]]++;
    sums[codes[row]] += guide === undefined ? 1 : guide[row];
  }
  const key = (category: number): number =>
    guide === undefined ? counts[category] : sums[category] / counts[category];
  const order = Array.from(counts, (_, category) => category)
    .filter((category) => counts[category] > 0)
    .sort((a, b) => key(a) - key(b) || a - b);
  const scoreOf = new Float64Array(categories);
  const ends: number[] = [];
  let below = 0;
  for (const category of order) {
    scoreOf[category] = meanBetween(below / n, (below + counts[category]) / n);
    below += counts[category];
    ends.push(below === n ? Number.POSITIVE_INFINITY : normalQuantile(below / n));
  }
  const scores = Float64Array.from(codes, (category) => scoreOf[category]);
  return { scores, variance: meanSquare(scores), value: (draw) => order[ends.findIndex((end) => draw < end)] };
}

/** Mean of a standard normal variable between two of its probabilities. */
function meanBetween(low: number, high: number): number {
  const density = (p: number): number => (p <= 0 || p >= 1 ? 0 : normalDensity(normalQuantile(p)));
  return (density(low) - density(high)) / (high - low);
}

/** Scores have mean 0. */
function meanSquare(scores: Float64Array): number {
  return scores.reduce((sum, score) => sum + score * score, 0) / scores.length;
}

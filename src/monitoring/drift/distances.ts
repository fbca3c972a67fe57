/** Distances between two distributions of one column. */
import type { WeightedValues } from '../../numeric/index.js';
import type { NumberDistribution } from './distribution.js';

/** Steps of two distribution functions over all their values: the value, and both functions from it on. */
function* steps(a: WeightedValues, b: WeightedValues): Generator<readonly [number, number, number]> {
  const [totalA, totalB] = [a, b].map(({ weights }) => weights.reduce((sum, weight) => sum + weight, 0));
  let [i, j, belowA, belowB] = [0, 0, 0, 0];
  while (i < a.values.length || j < b.values.length) {
    const value = Math.min(i < a.values.length ? a.values[i] : Infinity, j < b.values.length ? b.values[j] : Infinity);
    while (i < a.values.length && a.values[i] === value) belowA += a.weights[i++];
    while (j < b.values.length && b.values[j] === value) belowB += b.weights[j++];
    yield [value, belowA / totalA, belowB / totalB];
  }
}

/** sup |F_a - F_b| (Kolmogorov and Smirnov). */
export function ksDistance(a: WeightedValues, b: WeightedValues): number {
  let most = 0;
  for (const [, below, other] of steps(a, b)) most = Math.max(most, Math.abs(below - other));
  return most;
}

/** Integral of |F_a - F_b|: how far values have to move in the mean, in their own unit (Wasserstein, first order). */
export function wasserstein(a: WeightedValues, b: WeightedValues): number {
  let sum = 0;
  let before: readonly [number, number, number] | undefined;
  for (const step of steps(a, b)) {
    if (before !== undefined) sum += Math.abs(before[1] - before[2]) * (step[0] - before[0]);
    before = step;
  }
  return sum;
}

/** Standard deviation, divisor n. */
export function spread({ values, weights }: WeightedValues): number {
  let [total, first] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    total += weights[i];
    first += weights[i] * values[i];
  }
  const mean = first / total;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += weights[i] * (values[i] - mean) ** 2;
  return Math.sqrt(squares / total);
}

/** Bins of the reference that hold about as many rows each. */
const BINS = 10;

/** Rows of both in bins by the deciles of the reference, and those without a value in a bin of their own where there are any. */
export function binned(reference: NumberDistribution, current: NumberDistribution): [number[], number[]] {
  const edges: number[] = [];
  let below = 0;
  for (let i = 0; i < reference.values.length && edges.length < BINS - 1; i++) {
    below += reference.weights[i];
    if (below >= ((edges.length + 1) * reference.count) / BINS && reference.values[i] !== edges.at(-1)) {
      edges.push(reference.values[i]);
    }
  }
  const counts = (of: NumberDistribution): number[] => {
    const result = new Array<number>(edges.length + 1).fill(0);
    let bin = 0;
    for (let i = 0; i < of.values.length; i++) {
      while (bin < edges.length && of.values[i] > edges[bin]) bin++;
      result[bin] += of.weights[i];
    }
    return reference.missing + current.missing > 0 ? [...result, of.missing] : result;
  };
  return [counts(reference), counts(current)];
}

const shares = (counts: readonly number[], added: number): number[] => {
  const total = counts.reduce((sum, count) => sum + count + added, 0);
  return counts.map((count) => (count + added) / total);
};

/** Population stability index: sum (q - p) ln(q / p); half a row is added to every bin, so that empty ones have a logarithm. */
export function populationStability(reference: readonly number[], current: readonly number[]): number {
  const [p, q] = [shares(reference, 0.5), shares(current, 0.5)];
  return p.reduce((sum, share, bin) => sum + (q[bin] - share) * Math.log(q[bin] / share), 0);
}

/** Square root of the Jensen-Shannon divergence to base 2: 0 the same, 1 nothing in common (Endres and Schindelin 2003). */
export function jensenShannon(reference: readonly number[], current: readonly number[]): number {
  const [p, q] = [shares(reference, 0), shares(current, 0)];
  const towards = (a: number, middle: number): number => (a === 0 ? 0 : a * Math.log2(a / middle));
  const divergence = p.reduce((sum, share, bin) => {
    const middle = (share + q[bin]) / 2;
    return sum + (towards(share, middle) + towards(q[bin], middle)) / 2;
  }, 0);
  return Math.sqrt(Math.max(0, divergence));
}

/** Half the sum of |p - q|: the share of rows that would have to be of another category. */
export function totalVariation(reference: readonly number[], current: readonly number[]): number {
  const [p, q] = [shares(reference, 0), shares(current, 0)];
  return p.reduce((sum, share, bin) => sum + Math.abs(share - q[bin]), 0) / 2;
}

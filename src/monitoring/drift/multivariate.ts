/** Drift of all columns together: what no column shows alone. */
import { argsort, derive, normalSf } from '../../numeric/index.js';
import { fitLogistic } from '../../numeric/logistic.js';

/** Rows of standardized numbers, row-major; the reference's first. */
export interface JoinedRows {
  readonly columns: number;
  readonly reference: number;
  readonly current: number;
  readonly data: Float64Array;
}

export interface MultivariateTest {
  readonly test: 'classifier' | 'mmd';
  readonly statistic: number;
  readonly pValue: number;
  /** 0 to 1: 2 AUC - 1 of the classifier, or the discrepancy. */
  readonly effect: number;
}

/**
 * Classifier two-sample test (Lopez-Paz and Oquab 2017): a ridge logistic classifier learns on one half of the rows which
 * source a row is of, and is asked of the other half. Mann and Whitney's statistic of its scores, one-sided.
 */
export function classifierTest({ columns, reference, current, data }: JoinedRows, seed: number): MultivariateTest {
  const rows = reference + current;
  const order = derive(seed, 'drift', 'classifier').shuffle(Int32Array.from({ length: rows }, (_, row) => row));
  const [fit, judge] = [order.subarray(0, Math.floor(rows / 2)), order.subarray(Math.floor(rows / 2))];
  const part = new Float64Array(fit.length * columns);
  fit.forEach((row, i) => {
    part.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  const isCurrent = (row: number): boolean => row >= reference;
  const { weights } = fitLogistic(
    { rows: fit.length, columns, data: part },
    Array.from(fit, isCurrent),
    fit.length / 100,
  );
  const scores = Float64Array.from(judge, (row) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += weights[j] * data[row * columns + j];
    return sum;
  });
  const positive = Array.from(judge, (row) => (isCurrent(row) ? 1 : 0));
  const [n, m] = [positive.filter((one) => one === 1).length, positive.filter((one) => one === 0).length];
  if (n === 0 || m === 0) return { test: 'classifier', statistic: 0.5, pValue: 1, effect: 0 };
  const area = aucOf(scores, positive, n, m);
  const pValue = normalSf((area - 0.5) / Math.sqrt((n + m + 1) / (12 * n * m)));
  return { test: 'classifier', statistic: area, pValue, effect: Math.max(0, 2 * area - 1) };
}

/** Midranks of the positives. */
function aucOf(scores: Float64Array, positive: readonly number[], n: number, m: number): number {
  const order = argsort(scores);
  let ranks = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && scores[order[end]] === scores[order[start]]) end++;
    for (let i = start; i < end; i++) if (positive[order[i]] === 1) ranks += (start + end + 1) / 2;
    start = end;
  }
  return (ranks - (n * (n + 1)) / 2) / (n * m);
}

/** Relabellings of the permutation test. */
const PERMUTATIONS = 499;

/**
 * Maximum mean discrepancy with a Gaussian kernel whose width is the median distance (Gretton et al. 2012), unbiased; its
 * p-value by relabelling rows. Costs the square of the rows: take a sample.
 */
export function mmdTest({ columns, reference, current, data }: JoinedRows, seed: number): MultivariateTest {
  const rows = reference + current;
  const squares = new Float64Array(rows * rows);
  const distances: number[] = [];
  for (let a = 0; a < rows; a++) {
    for (let b = a + 1; b < rows; b++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += (data[a * columns + j] - data[b * columns + j]) ** 2;
      squares[a * rows + b] = squares[b * rows + a] = sum;
      distances.push(sum);
    }
  }
  const median = Float64Array.from(distances).sort()[Math.floor(distances.length / 2)] || 1;
  const kernel = squares.map((sum) => Math.exp(-sum / median));
  const total = (side: Uint8Array): number => {
    let [within, other, between] = [0, 0, 0];
    for (let a = 0; a < rows; a++) {
      for (let b = a + 1; b < rows; b++) {
        const value = kernel[a * rows + b];
        if (side[a] !== side[b]) between += value;
        else if (side[a] === 0) within += value;
        else other += value;
      }
    }
    const pairs = (count: number): number => (count * (count - 1)) / 2;
    return within / pairs(reference) + other / pairs(current) - (2 * between) / (reference * current);
  };
  const side = Uint8Array.from({ length: rows }, (_, row) => (row < reference ? 0 : 1));
  const statistic = total(side);
  const random = derive(seed, 'drift', 'mmd');
  let beyond = 1;
  for (let round = 0; round < PERMUTATIONS; round++) if (total(random.shuffle(side.slice())) >= statistic) beyond++;
  return { test: 'mmd', statistic, pValue: beyond / (PERMUTATIONS + 1), effect: Math.min(1, Math.max(0, statistic)) };
}

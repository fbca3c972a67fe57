/** Do two samples come from one distribution? */
import { chiSquareSf } from './distributions/chi-square.js';
import { kolmogorovSf } from './distributions/kolmogorov.js';
import { sorted } from './quantile.js';

/** Above this product of sizes the limiting distribution is used; below it, every path is counted. */
const EXACT_UP_TO = 1_000_000;

export interface KolmogorovSmirnov {
  /** sup |F_a - F_b|. */
  readonly statistic: number;
  readonly pValue: number;
  readonly exact: boolean;
}

/**
 * Two-sample Kolmogorov-Smirnov test, two-sided. The p-value is exact without ties where the product of the sizes is at
 * most a million (then it is conservative with ties), else the limit P(K > sqrt(nm / (n + m)) D). NaN where a sample is
 * empty. The samples must hold no NaN.
 */
export function ksTwoSample(a: ArrayLike<number>, b: ArrayLike<number>): KolmogorovSmirnov {
  const [n, m] = [a.length, b.length];
  if (n === 0 || m === 0) return { statistic: Number.NaN, pValue: Number.NaN, exact: false };
  const statistic = ksDistance(sorted(a), sorted(b));
  const exact = n * m <= EXACT_UP_TO;
  const pValue = exact ? 1 - pathsInside(statistic, n, m) : kolmogorovSf(Math.sqrt((n * m) / (n + m)) * statistic);
  return { statistic, pValue: Math.min(1, Math.max(0, pValue)), exact };
}

function ksDistance(a: Float64Array, b: Float64Array): number {
  let i = 0;
  let j = 0;
  let distance = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i], b[j]);
    while (i < a.length && a[i] === value) i++;
    while (j < b.length && b[j] === value) j++;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  return distance;
}

/** P(D < distance): the share of lattice paths that stay inside the band (recursion of Kim & Jennrich 1973). */
function pathsInside(distance: number, n: number, m: number): number {
  // Half a lattice step below, so that rounding does not decide whether a path touches the edge.
  const edge = (0.5 + Math.floor(distance * n * m - 1e-7)) / (n * m);
  const share = new Float64Array(m + 1);
  for (let j = 0; j <= m; j++) share[j] = j / m > edge ? 0 : 1;
  for (let i = 1; i <= n; i++) {
    const weight = i / (i + m);
    share[0] = i / n > edge ? 0 : weight * share[0];
    for (let j = 1; j <= m; j++) {
      share[j] = Math.abs(i / n - j / m) > edge ? 0 : weight * share[j] + share[j - 1];
    }
  }
  return share[m];
}

export interface ChiSquareTest {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  readonly pValue: number;
  /** sqrt(statistic / (N min(r - 1, c - 1))): 0 no association, 1 a complete one. */
  readonly cramersV: number;
}

/**
 * Pearson's chi-square test of homogeneity (or independence) of a contingency table, one array a row, without continuity
 * correction. Rows and columns that are all 0 do not count. The approximation wants expected counts of 5 or so.
 */
export function chiSquareTest(table: readonly ArrayLike<number>[]): ChiSquareTest {
  const width = table[0]?.length ?? 0;
  const rows = table.map((row) => Array.from(row).reduce((sum, count) => sum + count, 0));
  const columns = Array.from({ length: width }, (_, j) => table.reduce((sum, row) => sum + row[j], 0));
  const total = rows.reduce((sum, count) => sum + count, 0);
  let statistic = 0;
  table.forEach((row, i) => {
    for (let j = 0; j < width; j++) {
      const expected = (rows[i] * columns[j]) / total;
      if (expected > 0) statistic += (row[j] - expected) ** 2 / expected;
    }
  });
  const extents = [rows, columns].map((sums) => sums.filter((count) => count > 0).length - 1);
  const degreesOfFreedom = extents[0] * extents[1];
  if (!(degreesOfFreedom > 0)) return { statistic: 0, degreesOfFreedom: 0, pValue: 1, cramersV: 0 };
  return {
    statistic,
    degreesOfFreedom,
    pValue: chiSquareSf(statistic, degreesOfFreedom),
    cramersV: Math.sqrt(statistic / (total * Math.min(...extents))),
  };
}

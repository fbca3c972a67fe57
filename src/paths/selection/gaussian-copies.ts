import { derive, type Seed } from '../../numeric/random.js';
import { cholesky, invertLower, symmetricEigen } from '../../numeric/symmetric.js';
import type { DenseFeatures } from '../features.js';

export interface GaussianCopies {
  /** Columns that have a copy; the others are the same in every row, or combinations of columns before them. */
  readonly columns: readonly number[];
  /** Their copies, column after column; empty where there are not twice as many rows as columns. */
  readonly data: Float64Array;
}

/** A column of which less than this share of the variance is its own is a combination of others. */
const OWN_SHARE = 1e-7;

/**
 * Equicorrelated second-order knockoffs: given the columns, normal with mean x - s C^-1 x and covariance 2 s - s C^-1 s,
 * for standardised columns of correlation C and s the largest number that allows it, at most 1.
 */
export function gaussianCopies({ rows: n, columns: all, data }: DenseFeatures, seed: Seed): GaussianCopies {
  const moments = Array.from({ length: all }, (_, j) => momentsOf(data.subarray(j * n, (j + 1) * n)));
  const varying = moments.flatMap(({ scale }, j) => (scale > 0 ? [j] : []));
  const standardised = (j: number): Float64Array =>
    data.slice(j * n, (j + 1) * n).map((value) => (value - moments[j].center) / moments[j].scale);
  const { kept, z } = independent(varying, standardised, n);
  const p = kept.length;
  if (p === 0 || 2 * p > n) return { columns: kept, data: new Float64Array(0) };
  const correlation = new Float64Array(p * p);
  for (let a = 0; a < p; a++) {
    for (let b = 0; b <= a; b++) {
      const value = product(z[a], z[b]) / n;
      correlation[a * p + b] = value;
      correlation[b * p + a] = value;
    }
  }
  const [least] = symmetricEigen(correlation, p, { vectors: false }).values;
  const s = Math.min(1, Math.max(0, 2 * least)) * (1 - 1e-9);
  const inverse = inverseOf(correlation, p);
  const spread = inverse.map((value, at) => (at % (p + 1) === 0 ? 2 * s + 1e-12 : 0) - s * s * value);
  const root = cholesky(spread, p);
  if (root === undefined) return { columns: [], data: new Float64Array(0) };
  const random = derive(seed, 'knockoffs');
  const copies = new Float64Array(n * p);
  const noise = new Float64Array(p);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < p; j++) noise[j] = random.normal();
    for (let j = 0; j < p; j++) {
      let value = z[j][i];
      for (let k = 0; k < p; k++) value -= s * inverse[j * p + k] * z[k][i];
      for (let k = 0; k <= j; k++) value += root[j * p + k] * noise[k];
      copies[j * n + i] = moments[kept[j]].center + moments[kept[j]].scale * value;
    }
  }
  return { columns: kept, data: copies };
}

function momentsOf(column: Float64Array): { center: number; scale: number } {
  const center = column.reduce((sum, value) => sum + value, 0) / column.length;
  const scale = Math.sqrt(column.reduce((sum, value) => sum + (value - center) ** 2, 0) / column.length);
  return { center, scale: scale > 1e-12 * Math.abs(center) ? scale : 0 };
}

/** The columns that are no combination of columns before them (Gram-Schmidt), standardised. */
function independent(
  columns: readonly number[],
  standardised: (column: number) => Float64Array,
  n: number,
): { kept: number[]; z: Float64Array[] } {
  const kept: number[] = [];
  const z: Float64Array[] = [];
  const basis: Float64Array[] = [];
  for (const column of columns) {
    if (2 * kept.length > n) break;
    const own = standardised(column);
    const rest = own.slice();
    for (const direction of basis) {
      const along = product(direction, rest);
      for (let i = 0; i < n; i++) rest[i] -= along * direction[i];
    }
    const length = Math.sqrt(product(rest, rest));
    if (length * length <= OWN_SHARE * n) continue;
    basis.push(rest.map((value) => value / length));
    kept.push(column);
    z.push(own);
  }
  return { kept, z };
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function inverseOf(matrix: Float64Array, p: number): Float64Array {
  const lower = cholesky(matrix, p);
  if (lower === undefined) return new Float64Array(p * p).fill(Number.NaN);
  const root = invertLower(lower, p);
  const inverse = new Float64Array(p * p);
  for (let a = 0; a < p; a++) {
    for (let b = 0; b < p; b++) {
      for (let k = Math.max(a, b); k < p; k++) inverse[a * p + b] += root[k * p + a] * root[k * p + b];
    }
  }
  return inverse;
}

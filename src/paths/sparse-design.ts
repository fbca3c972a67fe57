import type { Design, Standardization } from './design.js';
import type { SparseFeatures } from './features.js';
import type { ResidualModel } from './kernels/kernels.js';

/** A column whose deviation is less than this share of its largest value is the same in every row, up to rounding. */
const CONSTANT = 1e-13;

/**
 * Sparse columns, standardised without being written out: (x - center) / scale is never stored, but worked into every
 * product, so that only the stored values are visited.
 */
export function sparseDesign(
  { rows, columns, starts, indices, values }: SparseFeatures,
  { weights, standardize, intercept }: Standardization,
): Design {
  const center = new Float64Array(columns);
  const scale = new Float64Array(columns);
  /** Products of columns with the weights that their squares were last asked under: descent needs them in every pass. */
  const products = new Float64Array(columns);
  for (let j = 0; j < columns; j++) {
    const { mean, deviation, largest } = momentsOf(j);
    center[j] = intercept ? mean : 0;
    if (deviation > CONSTANT * largest) scale[j] = standardize ? deviation : 1;
  }
  return {
    rows,
    columns,
    center,
    scale,
    outputs: 1,
    dense: false,
    correlate,
    combine,
    squares,
    weighted,
    descendResidual,
  };

  function momentsOf(j: number): { mean: number; deviation: number; largest: number } {
    let [mean, share, largest] = [0, 0, 0];
    for (let at = starts[j]; at < starts[j + 1]; at++) {
      const weight = weights[indices[at]];
      mean += weight * values[at];
      share += weight;
      largest = Math.max(largest, Math.abs(values[at]));
    }
    let variance = Math.max(0, 1 - share) * mean * mean;
    for (let at = starts[j]; at < starts[j + 1]; at++) variance += weights[indices[at]] * (values[at] - mean) ** 2;
    return { mean, deviation: Math.sqrt(variance), largest };
  }

  function product(j: number, r: Float64Array): number {
    const end = starts[j + 1];
    let sum = 0;
    for (let at = starts[j]; at < end; at++) sum += values[at] * r[indices[at]];
    return sum;
  }

  /** r -= by times curvature times column j. */
  function subtract(by: number, j: number, curvature: Float64Array, r: Float64Array): void {
    const end = starts[j + 1];
    for (let at = starts[j]; at < end; at++) {
      const row = indices[at];
      r[row] -= by * curvature[row] * values[at];
    }
  }

  function correlate(which: Int32Array, count: number, r: Float64Array, out: Float64Array): void {
    const sum = total(r);
    for (let k = 0; k < count; k++) {
      const j = which[k];
      out[k] = j === columns ? sum : (product(j, r) - center[j] * sum) / scale[j];
    }
  }

  function combine(which: Int32Array, count: number, coefficients: Float64Array, out: Float64Array): void {
    let shift = 0;
    for (let k = 0; k < count; k++) {
      const j = which[k];
      if (j === columns) {
        shift += coefficients[k];
        continue;
      }
      const by = coefficients[k] / scale[j];
      shift -= by * center[j];
      for (let at = starts[j]; at < starts[j + 1]; at++) out[indices[at]] += by * values[at];
    }
    for (let i = 0; i < rows; i++) out[i] += shift;
  }

  function squares(which: Int32Array, count: number, by: Float64Array, out: Float64Array): void {
    const sum = total(by);
    for (let k = 0; k < count; k++) {
      const j = which[k];
      if (j === columns) {
        out[k] = sum;
        continue;
      }
      let [square, linear] = [0, 0];
      for (let at = starts[j]; at < starts[j + 1]; at++) {
        const part = by[indices[at]] * values[at];
        linear += part;
        square += part * values[at];
      }
      products[j] = linear;
      out[k] = (square - 2 * center[j] * linear + center[j] ** 2 * sum) / scale[j] ** 2;
    }
  }

  function weighted(j: number, by: Float64Array, out: Float64Array): void {
    if (j === columns) {
      out.set(by);
      return;
    }
    const offset = center[j] / scale[j];
    for (let i = 0; i < rows; i++) out[i] = -offset * by[i];
    for (let at = starts[j]; at < starts[j + 1]; at++) {
      const row = indices[at];
      out[row] += (values[at] / scale[j]) * by[row];
    }
  }

  /**
   * What centering takes off every row is kept as one multiple of the curvature, and applied at the end. The curvature is
   * that under which the members' squares were last asked.
   */
  function descendResidual(model: Omit<ResidualModel, 'columns'>, size: number): number {
    const { members, b, residual, curvature, diagonal, inverse, l1, lower, upper } = model;
    const curved = total(curvature);
    let sum = total(residual);
    let multiple = 0;
    let largest = 0;
    for (let k = 0; k < size; k++) {
      const j = members[k];
      const isOnes = j === columns;
      const mean = isOnes ? -1 : center[j];
      const by = isOnes ? 1 : 1 / scale[j];
      const along = isOnes ? 0 : products[j];
      const raw = isOnes ? 0 : product(j, residual) + multiple * along;
      const gradient = (raw - mean * sum) * by;
      const z = gradient + diagonal[k] * b[k];
      const over = Math.abs(z) - l1[k];
      const free = over > 0 ? Math.sign(z) * over * inverse[k] : 0;
      const next = Math.min(Math.max(free, lower[k]), upper[k]);
      const change = next - b[k];
      if (change === 0) continue;
      b[k] = next;
      const step = change * by;
      if (!isOnes) subtract(step, j, curvature, residual);
      multiple += step * mean;
      sum -= step * (along - mean * curved);
      largest = Math.max(largest, diagonal[k] * change * change);
    }
    for (let i = 0; i < rows; i++) residual[i] += multiple * curvature[i];
    return largest;
  }
}

function total(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

import type { DenseFeatures } from './features.js';
import type { Columns, Kernels, ResidualModel } from './kernels/kernels.js';

/**
 * Standardised columns (x - center) / scale, and after them one of ones: the intercept is a coefficient like any other
 * that is not penalised.
 */
export interface Design {
  readonly rows: number;
  /** Of the features; the column of ones is the one after them. */
  readonly columns: number;
  readonly center: Float64Array;
  /** 0 for a column that is the same in every row: it is never fitted. */
  readonly scale: Float64Array;
  /** out[k] = column `which[k]` times r. */
  correlate(which: Int32Array, count: number, r: Float64Array, out: Float64Array): void;
  /** out += sum of coefficients[k] times column `which[k]`. */
  combine(which: Int32Array, count: number, coefficients: Float64Array, out: Float64Array): void;
  /** out[k] = sum of weights times the squares of column `which[k]`. */
  squares(which: Int32Array, count: number, weights: Float64Array, out: Float64Array): void;
  /** out = column j times `by`, row by row. */
  weighted(j: number, by: Float64Array, out: Float64Array): void;
  /** One pass of coordinate descent; see {@link Kernels.descendResidual}. */
  descendResidual(model: Omit<ResidualModel, 'columns'>, size: number): number;
  /** Linear predictors of a row: column c is that of output c modulo their number. */
  readonly outputs: number;
  /** Whether a product takes all rows, so that it is worth sparing. */
  readonly dense: boolean;
  /** The columns themselves, where they are stored. */
  readonly stored?: Columns;
}

export interface Standardization {
  /** Sum 1; in the kernels' memory. */
  readonly weights: Float64Array;
  readonly standardize: boolean;
  readonly intercept: boolean;
}

/** A column whose deviation is less than this share of its largest value is the same in every row, up to rounding. */
const CONSTANT = 1e-13;

/** A standardised copy of dense features in the kernels' memory. */
export function denseDesign(
  { rows, columns, data }: DenseFeatures,
  { weights, standardize, intercept }: Standardization,
  kernels: Kernels,
): Design {
  const copy = kernels.floats(rows * (columns + 1));
  copy.set(data);
  const center = new Float64Array(columns);
  const scale = new Float64Array(columns);
  for (let j = 0; j < columns; j++) {
    const column = copy.subarray(j * rows, (j + 1) * rows);
    const { mean, variance, largest } = kernels.moments(column, weights);
    const deviation = Math.sqrt(variance);
    center[j] = intercept ? mean : 0;
    if (deviation <= CONSTANT * largest) continue;
    scale[j] = standardize ? deviation : 1;
    kernels.rescale(column, center[j], 1 / scale[j]);
  }
  copy.fill(1, rows * columns);
  const stored: Columns = { data: copy, stride: rows, length: rows };
  return {
    rows,
    columns,
    center,
    scale,
    outputs: 1,
    dense: true,
    stored,
    correlate: (which, count, r, out) => kernels.correlate(stored, which, count, r, out),
    combine: (which, count, coefficients, out) => kernels.combine(stored, which, count, coefficients, out),
    squares: (which, count, by, out) => kernels.squares(stored, which, count, by, out),
    weighted: (j, by, out) => kernels.multiply(copy.subarray(j * rows, (j + 1) * rows), by, out, rows),
    descendResidual: (model, size) => kernels.descendResidual({ ...model, columns: stored }, size),
  };
}

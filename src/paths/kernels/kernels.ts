import { scriptKernels } from './script.js';
import { simdKernels } from './simd.js';

/** A matrix by columns: column j starts at `j * stride`, of which the first `length` values count. */
export interface Columns {
  readonly data: Float64Array;
  readonly stride: number;
  readonly length: number;
}

/** A quadratic model of some coordinates, with its penalty and bounds: what {@link Kernels.descend} works on. */
export interface CoordinateModel {
  /** Second derivatives, row j at `j * stride`; symmetric. */
  readonly gram: Float64Array;
  readonly stride: number;
  /** Coefficients. */
  readonly b: Float64Array;
  /** Minus the gradient of the smooth part at b, kept up to date. */
  readonly g: Float64Array;
  readonly diagonal: Float64Array;
  /** 1 / (diagonal + l2). */
  readonly inverse: Float64Array;
  /** Weight of |b|. */
  readonly l1: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** The same for a descent that keeps a residual instead of a Gram matrix. */
export interface ResidualModel extends Omit<CoordinateModel, 'gram' | 'stride' | 'g'> {
  readonly columns: Columns;
  /** Which column each coordinate is. */
  readonly members: Int32Array;
  /** Minus the derivative of the model by each row's predictor, kept up to date. */
  readonly residual: Float64Array;
  /** Second derivative by each row's predictor. */
  readonly curvature: Float64Array;
}

/** What is known of the products of columns with a residual from their products with two earlier ones. */
export interface Projections {
  /** Products with the older of the two, and with the newer. */
  readonly first: Float64Array;
  readonly second: Float64Array;
  /** Which pair of earlier residuals that was. */
  readonly pairs: Int32Array;
  /** Length of each column. */
  readonly norms: Float64Array;
  /** For each pair four values: weights of both products, the length of what they do not tell, and a space. */
  readonly table: Float64Array;
}

/** Which columns are asked after, and when they matter. */
export interface Limits {
  /** The limit of each column is `limit` times its factor. */
  readonly factors: Float64Array;
  readonly limit: number;
  /** -1 for the columns that are asked after. */
  readonly places: Int32Array;
  readonly count: number;
}

/**
 * The loops in which a path spends its time, over arrays that the kernels themselves allocate. Two implementations give
 * the same up to rounding: WebAssembly with 128-bit vectors, and plain TypeScript.
 */
export interface Kernels {
  readonly name: 'simd' | 'script';
  /** A zeroed array that the kernels may be given. */
  floats(length: number): Float64Array<ArrayBuffer>;
  integers(length: number): Int32Array<ArrayBuffer>;
  /** out[k] = column `which[k]` times r, for k < count. */
  correlate(columns: Columns, which: Int32Array, count: number, r: Float64Array, out: Float64Array): void;
  /** out += sum over k < count of coefficients[k] times column `which[k]`. */
  combine(columns: Columns, which: Int32Array, count: number, coefficients: Float64Array, out: Float64Array): void;
  /** out[k] = sum of weights times the squares of column `which[k]`. */
  squares(columns: Columns, which: Int32Array, count: number, weights: Float64Array, out: Float64Array): void;
  /** out = a * b, elementwise, for the first `length` values. */
  multiply(a: Float64Array, b: Float64Array, out: Float64Array, length: number): void;
  /** One pass of coordinate descent over the first `size` coordinates; the largest `diagonal * change^2`. */
  descend(model: CoordinateModel, size: number): number;
  /** Lists columns whose value is not below their limit; returns how many. */
  beyond(values: Float64Array, limits: Limits, out: Int32Array): number;
  /** Estimates products, and lists columns whose product may be beyond their limit; returns how many. */
  bound(projections: Projections, limits: Limits, estimates: Float64Array, out: Int32Array): number;
  /** Weighted mean and population variance of an array, and its largest absolute value, by weights of sum 1. */
  moments(x: Float64Array, weights: Float64Array): { mean: number; variance: number; largest: number };
  /** x = (x - center) * factor. */
  rescale(x: Float64Array, center: number, factor: number): void;
  /** One pass of coordinate descent on a residual; the largest `diagonal * change^2`. */
  descendResidual(model: ResidualModel, size: number): number;
}

/** Bytes of arrays of these lengths in the kernels' memory, alignment included. */
export function bytesOf(lengths: readonly number[], size = 8): number {
  return lengths.reduce((sum, length) => sum + Math.ceil((length * size) / ALIGNMENT) * ALIGNMENT, 0);
}

/** Arrays start on cache lines. */
export const ALIGNMENT = 64;

/**
 * Kernels with room for so many bytes of arrays: WebAssembly where it fits 32-bit addresses and the machine has the room,
 * else TypeScript.
 */
export function openKernels(bytes: number, prefer: 'simd' | 'script' = 'simd'): Kernels {
  return (prefer === 'simd' ? simdKernels(bytes) : undefined) ?? scriptKernels();
}

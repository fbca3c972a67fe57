import { tInterval } from '../../numeric/intervals.js';
import { derive } from '../../numeric/random.js';
import { mean } from '../../numeric/statistics.js';
import type { Figure } from '../figure.js';
import { normalized } from './sharpness.js';
import { dot, type LossSurface, lengthOf } from './surface.js';

/** An eigenvalue by power iteration; within its interval there is one for certain (the residual's length). */
export interface Eigenvalue extends Figure {
  readonly iterations: number;
  /** Whether the residual fell below a thousandth of the eigenvalue. */
  readonly converged: boolean;
}

/** Curvature of the loss at the weights. */
export interface Curvature {
  /** The largest eigenvalue. */
  readonly largest: Eigenvalue;
  /** The most negative one, where it outweighs the largest: the weights are then no minimum of this loss. */
  readonly negative?: Eigenvalue;
  /** Sum of all eigenvalues (Hutchinson); over probes. */
  readonly trace: Figure & { readonly probes: number };
  /** Products of the Hessian with a vector that it took, each a forward and two backward passes. */
  readonly products: number;
}

export interface CurvatureOptions {
  /** Most iterations for an eigenvalue. */
  readonly iterations: number;
  /** Random vectors for the trace; 2 at least. */
  readonly probes: number;
  readonly seed: number;
  readonly onProgress?: ((what: 'eigenvalue' | 'trace', done: number, of: number) => void) | undefined;
}

/** The product of a symmetric matrix with a vector. */
export type Product = (vector: Float64Array) => Promise<Float64Array>;

const TOLERANCE = 1e-3;

/** The largest eigenvalue and the trace of the Hessian of a loss at the network's weights. */
export async function curvature(
  surface: LossSurface,
  { iterations, probes, seed, onProgress }: CurvatureOptions,
): Promise<Curvature> {
  let products = 0;
  const product: Product = (vector) => {
    products++;
    return surface.product(surface.start, vector);
  };
  const iterate = (matrix: Product, label: string): Promise<Eigenvalue> =>
    powerIteration(matrix, surface.dimension, { iterations, seed: `${seed} ${label}` }, (done) =>
      onProgress?.('eigenvalue', done, iterations),
    );
  const dominant = await iterate(product, 'dominant');
  let largest = dominant;
  if (dominant.value < 0) {
    // Shifted so that all are positive: the largest is then the dominant one.
    const shifted = await iterate(
      async (vector) => (await product(vector)).map((value, i) => value - dominant.value * vector[i]),
      'shifted',
    );
    const [low, high] = shifted.interval;
    largest = {
      ...shifted,
      value: shifted.value + dominant.value,
      interval: [low + dominant.value, high + dominant.value],
    };
  }
  const trace = await hutchinson(product, surface.dimension, { probes, seed }, (done) =>
    onProgress?.('trace', done, probes),
  );
  return {
    largest,
    ...(dominant.value < 0 ? { negative: dominant } : {}),
    trace,
    products,
  };
}

/**
 * The eigenvalue of largest magnitude: v <- A v / ||A v|| from a random start, until the residual ||A v - (v'A v) v|| is
 * below a thousandth of the eigenvalue. The residual bounds the distance to an eigenvalue, not to the largest: where the
 * two largest are close, more iterations are needed.
 */
export async function powerIteration(
  product: Product,
  dimension: number,
  { iterations, seed }: { iterations: number; seed: number | string },
  onProgress?: (done: number) => void,
): Promise<Eigenvalue> {
  const random = derive(seed, 'power iteration');
  let v = normalized(Float64Array.from({ length: dimension }, () => random.normal()));
  let value = 0;
  let residual = 0;
  let done = 0;
  let converged = false;
  while (done < iterations && !converged) {
    const image = await product(v);
    value = dot(v, image);
    residual = lengthOf(image.map((each, i) => each - value * v[i]));
    converged = residual <= TOLERANCE * Math.abs(value);
    v = normalized(image);
    done++;
    onProgress?.(done);
  }
  return {
    value,
    interval: [value - residual, value + residual],
    method: 'residual of the power iteration',
    iterations: done,
    converged,
  };
}

/** tr A as the mean of v'A v over vectors of random signs (Hutchinson 1989), with Student's interval over them. */
export async function hutchinson(
  product: Product,
  dimension: number,
  { probes, seed }: { probes: number; seed: number },
  onProgress?: (done: number) => void,
): Promise<Figure & { readonly probes: number }> {
  const values: number[] = [];
  for (let probe = 0; probe < probes; probe++) {
    const random = derive(seed, 'hutchinson', probe);
    const v = Float64Array.from({ length: dimension }, () => (random.bits() & 0x8000_0000 ? 1 : -1));
    values.push(dot(v, await product(v)));
    onProgress?.(probe + 1);
  }
  const value = mean(values);
  return { value, interval: tInterval(values) ?? [value, value], method: `Student t over ${probes} probes`, probes };
}

import { minimize } from '../numeric/minimize.js';
import { cholesky, invertLower } from '../numeric/symmetric.js';

/** What the surrogate sees of a coordinate: a place in [0, 1], or a category that is equal or not. */
export type Coordinate = 'range' | 'category';

/** A fitted surrogate of a function on the unit cube. */
export interface GaussianProcess {
  /** Mean and standard deviation of the function at a point, in the unit of the values it was fitted to. */
  at(point: readonly number[]): { readonly mean: number; readonly deviation: number };
  /** The same process that has seen another value, its shape unchanged. */
  and(point: readonly number[], value: number): GaussianProcess;
}

const SQRT5 = Math.sqrt(5);
/** The largest log of an inverse squared length scale that is considered, and the least noise. */
const JITTER = 1e-8;

/** What is believed of the noise of the values before any is seen: its share of their variance is log-normal. */
export interface NoisePrior {
  readonly median: number;
  /** Of the logarithm. */
  readonly deviation: number;
}

/** A value is nearly what the function is there: a sampler then goes on where it was good. */
const LITTLE_NOISE: NoisePrior = { median: 1e-4, deviation: 2 };

interface Shape {
  /** Inverse squared length scales. */
  readonly inverse: readonly number[];
  /** Variance of the function, of the noise. */
  readonly scale: number;
  readonly noise: number;
}

/**
 * Fits a Gaussian process with a Matern-5/2 kernel, a length scale for each coordinate, to values of a function: the shape
 * is that of highest posterior density, with priors that a strength acts over about half of its range and, unless told
 * otherwise, that there is little noise (Rasmussen and Williams 2006, chapters 2 and 5; Hvarfner et al. 2024 for the scale with the dimension).
 * O(n^3) for n values.
 */
export function fitGaussianProcess(
  points: readonly (readonly number[])[],
  values: readonly number[],
  coordinates: readonly Coordinate[],
  noise: NoisePrior = LITTLE_NOISE,
): GaussianProcess {
  const center = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / values.length) || 1;
  const y = values.map((value) => (value - center) / spread);
  const squares = coordinates.map((kind, d) => pairwise(points, (a, b) => squaredDistance(kind, a[d], b[d])));
  const shape = likeliestShape(squares, y, noise);
  const build = (at: readonly (readonly number[])[], targets: readonly number[]): GaussianProcess => {
    const n = at.length;
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) matrix[i * n + j] = covariance(shape, coordinates, at[i], at[j]);
      matrix[i * n + i] += shape.noise + JITTER;
    }
    const lower = cholesky(matrix, n);
    if (lower === undefined) throw new Error('a covariance with noise on its diagonal is positive definite');
    const inverse = invertLower(lower, n);
    const weights = transposedTimes(inverse, times(inverse, targets, n), n);
    return {
      at(point) {
        const k = at.map((other) => covariance(shape, coordinates, point, other));
        const mean = k.reduce((sum, value, i) => sum + value * weights[i], 0);
        const v = times(inverse, k, n);
        const variance = shape.scale - v.reduce((sum, value) => sum + value * value, 0);
        return { mean: center + spread * mean, deviation: spread * Math.sqrt(Math.max(variance, 1e-12)) };
      },
      and: (point, value) => build([...at, point], [...targets, (value - center) / spread]),
    };
  };
  return build(points, y);
}

function squaredDistance(kind: Coordinate, a: number, b: number): number {
  return kind === 'range' ? (a - b) ** 2 : a === b ? 0 : 1;
}

/** (1 + r + r^2 / 3) exp(-r) with r = sqrt(5) times the scaled distance. */
function matern(squared: number): number {
  const r = SQRT5 * Math.sqrt(squared);
  return (1 + r + (r * r) / 3) * Math.exp(-r);
}

function covariance(
  { inverse, scale }: Shape,
  coordinates: readonly Coordinate[],
  a: readonly number[],
  b: readonly number[],
): number {
  let squared = 0;
  for (let d = 0; d < inverse.length; d++) squared += inverse[d] * squaredDistance(coordinates[d], a[d], b[d]);
  return scale * matern(squared);
}

/** The shape of highest posterior density: logs of inverse squared length scales, of scale and of noise. */
function likeliestShape(squares: readonly Float64Array[], y: readonly number[], noisePrior: NoisePrior): Shape {
  const n = y.length;
  const dimensions = squares.length;
  // Length scales of half the range in one dimension; longer in more, where points are further apart.
  const priorInverse = Math.log(4 / Math.sqrt(dimensions));
  const priorNoise = Math.log(noisePrior.median);
  const start = [...squares.map(() => priorInverse), 0, priorNoise];
  const negativeLogPosterior = (parameters: Float64Array, gradient: Float64Array): number => {
    const inverse = Array.from(parameters.subarray(0, dimensions), Math.exp);
    const scale = Math.exp(parameters[dimensions]);
    const noise = Math.exp(parameters[dimensions + 1]);
    const matrix = new Float64Array(n * n);
    const slopes = new Float64Array(n * n);
    for (let e = 0; e < n * n; e++) {
      let squared = 0;
      for (let d = 0; d < dimensions; d++) squared += inverse[d] * squares[d][e];
      const r = SQRT5 * Math.sqrt(squared);
      const decay = Math.exp(-r);
      matrix[e] = scale * (1 + r + (r * r) / 3) * decay;
      // d matern / d squared = -5/6 (1 + r) exp(-r)
      slopes[e] = scale * (-5 / 6) * (1 + r) * decay;
    }
    const noisy = matrix.slice();
    for (let i = 0; i < n; i++) noisy[i * n + i] += noise + JITTER;
    const lower = cholesky(noisy, n);
    if (lower === undefined) {
      gradient.fill(0);
      return 1e100;
    }
    const root = invertLower(lower, n);
    const alpha = transposedTimes(root, times(root, y, n), n);
    const precision = gram(root, n);
    let value = 0;
    for (let i = 0; i < n; i++) value += 0.5 * y[i] * alpha[i] + Math.log(lower[i * n + i]);
    gradient.fill(0);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const e = i * n + j;
        const w = 0.5 * (precision[e] - alpha[i] * alpha[j]);
        for (let d = 0; d < dimensions; d++) gradient[d] += w * slopes[e] * inverse[d] * squares[d][e];
        gradient[dimensions] += w * matrix[e];
        if (i === j) gradient[dimensions + 1] += w * noise;
      }
    }
    const prior = (index: number, mean: number, deviation: number): void => {
      const z = (parameters[index] - mean) / deviation;
      value += 0.5 * z * z;
      gradient[index] += z / deviation;
    };
    for (let d = 0; d < dimensions; d++) prior(d, priorInverse, 1.5);
    prior(dimensions, 0, 1);
    prior(dimensions + 1, priorNoise, noisePrior.deviation);
    return value;
  };
  const { at } = minimize(negativeLogPosterior, start, { maxIterations: 40, tolerance: 1e-3 });
  return {
    inverse: Array.from(at.subarray(0, dimensions), Math.exp),
    scale: Math.exp(at[dimensions]),
    noise: Math.exp(at[dimensions + 1]),
  };
}

function pairwise(
  points: readonly (readonly number[])[],
  of: (a: readonly number[], b: readonly number[]) => number,
): Float64Array {
  const n = points.length;
  return Float64Array.from({ length: n * n }, (_, e) => of(points[Math.floor(e / n)], points[e % n]));
}

/** Lower triangle times a vector. */
function times(lower: Float64Array, vector: ArrayLike<number>, n: number): Float64Array {
  const result = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j <= i; j++) sum += lower[i * n + j] * vector[j];
    result[i] = sum;
  }
  return result;
}

/** Its transpose times a vector. */
function transposedTimes(lower: Float64Array, vector: ArrayLike<number>, n: number): Float64Array {
  const result = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) result[j] += lower[i * n + j] * vector[i];
  return result;
}

/** Its transpose times itself. */
function gram(lower: Float64Array, n: number): Float64Array {
  const result = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i <= k; i++) {
      const factor = lower[k * n + i];
      if (factor === 0) continue;
      for (let j = 0; j <= k; j++) result[i * n + j] += factor * lower[k * n + j];
    }
  }
  return result;
}

import type { Random } from '../../numeric/random.js';
import { cholesky, invertLower, symmetricEigen } from '../../numeric/symmetric.js';

/**
 * Gaussian posteriors of a last layer with inputs phi [features] (1 at the end where it has a bias) and outputs f = W' phi.
 * Weights are [features, outputs]. Both are made of sums over rows:
 *
 *     full   H = sum Lambda (x) phi phi'                        index (output, feature)
 *     kron   H = (sum phi phi') (x) (sum Lambda) / rows         Martens and Grosse 2015
 *
 * Lambda is the Hessian of the loss by the outputs: diag(p) - p p', or 1. Their covariance is T (beta H + delta)^-1.
 */
export interface Posterior {
  /** Eigenvalues of H, features * outputs of them. */
  readonly curvature: Float64Array;
  /** The covariance for these precisions. */
  at(scale: Scale): Covariance;
}

export interface Scale {
  /** delta. */
  readonly precision: number;
  /** beta. */
  readonly noisePrecision: number;
  /** T. */
  readonly temperature: number;
}

export interface Covariance {
  /**
   * Variances of contrasts c' f of the outputs as weighted sums of squares: (phi' directions)^2 weights.
   *
   * @param contrasts one list of factors [outputs] a contrast
   */
  variances(contrasts: readonly (readonly number[])[]): Quadratic;
  /** A deviation of the weights from their mean, [features, outputs]. */
  draw(stream: Random): Float64Array;
}

/** The forms sum_k weights[k][c] (phi' directions[.][k])^2. */
export interface Quadratic {
  /** [features, directions] */
  readonly directions: Float64Array;
  readonly count: number;
  /** [directions, contrasts] */
  readonly weights: Float64Array;
}

/** Eigenvalues below this share of the largest are the rounding of float32 sums. */
const ROUNDING = 1e-7;

const nonNegative = (values: Float64Array): Float64Array => values.map((value) => Math.max(0, value));

/**
 * @param ofInputs sum phi phi' [features, features]
 * @param ofOutputs sum Lambda [outputs, outputs]
 */
export function kronPosterior(ofInputs: Float64Array, ofOutputs: Float64Array, rows: number): Posterior {
  const features = Math.round(Math.sqrt(ofInputs.length));
  const outputs = Math.round(Math.sqrt(ofOutputs.length));
  const a = symmetricEigen(ofInputs, features);
  const b = symmetricEigen(ofOutputs, outputs);
  const [ofA, ofB] = [nonNegative(a.values), nonNegative(b.values)];
  const eigenvalue = (i: number, j: number): number => (ofA[i] * ofB[j]) / rows;
  return {
    curvature: Float64Array.from({ length: features * outputs }, (_, k) =>
      eigenvalue(Math.floor(k / outputs), k % outputs),
    ),
    at: ({ precision, noisePrecision, temperature }) => {
      const variance = (i: number, j: number): number => temperature / (noisePrecision * eigenvalue(i, j) + precision);
      return {
        variances: (contrasts) => ({
          directions: transposed(a.vectors, features),
          count: features,
          weights: Float64Array.from({ length: features * contrasts.length }, (_, k) => {
            const [i, c] = [Math.floor(k / contrasts.length), k % contrasts.length];
            let sum = 0;
            for (let j = 0; j < outputs; j++) {
              const along = contrasts[c].reduce((total, factor, o) => total + factor * b.vectors[j * outputs + o], 0);
              sum += along * along * variance(i, j);
            }
            return sum;
          }),
        }),
        draw: (stream) => {
          // U E V' with E of the variances along the eigenvectors.
          const half = new Float64Array(features * outputs);
          for (let i = 0; i < features; i++) {
            for (let j = 0; j < outputs; j++) {
              const along = stream.normal() * Math.sqrt(variance(i, j));
              for (let o = 0; o < outputs; o++) half[i * outputs + o] += along * b.vectors[j * outputs + o];
            }
          }
          const drawn = new Float64Array(features * outputs);
          for (let i = 0; i < features; i++) {
            for (let f = 0; f < features; f++) {
              const u = a.vectors[i * features + f];
              for (let o = 0; o < outputs; o++) drawn[f * outputs + o] += u * half[i * outputs + o];
            }
          }
          return drawn;
        },
      };
    },
  };
}

/** @param hessian H, [outputs * features] squared */
export function fullPosterior(hessian: Float64Array, features: number, outputs: number): Posterior {
  const size = features * outputs;
  const curvature = nonNegative(symmetricEigen(hessian, size, { vectors: false }).values);
  return {
    curvature,
    at: ({ precision, noisePrecision, temperature }) => {
      const inverse = invertLower(factorOf(hessian, curvature, { precision, noisePrecision }), size);
      // Sigma = W' W for the inverse W of the lower factor.
      const entry = (i: number, j: number): number => {
        let sum = 0;
        for (let k = Math.max(i, j); k < size; k++) sum += inverse[k * size + i] * inverse[k * size + j];
        return sum * temperature;
      };
      return {
        variances: (contrasts) =>
          joined(
            contrasts.map((contrast) => formOf(contrast, features, entry)),
            features,
          ),
        draw: (stream) => {
          const noise = Float64Array.from({ length: size }, () => stream.normal() * Math.sqrt(temperature));
          const drawn = new Float64Array(size);
          for (let k = 0; k < size; k++) {
            for (let i = 0; i <= k; i++) drawn[i] += inverse[k * size + i] * noise[k];
          }
          return Float64Array.from(
            { length: size },
            (_, at) => drawn[(at % outputs) * features + Math.floor(at / outputs)],
          );
        },
      };
    },
  };
}

/** The lower factor of beta H + delta; where rounding makes H slightly indefinite, by a little more than delta. */
function factorOf(
  hessian: Float64Array,
  curvature: Float64Array,
  { precision, noisePrecision }: Pick<Scale, 'precision' | 'noisePrecision'>,
): Float64Array {
  const size = curvature.length;
  for (let jitter = 0, step = ROUNDING; ; jitter = step * curvature[size - 1] * noisePrecision, step *= 10) {
    const matrix = hessian.map((value) => value * noisePrecision);
    for (let i = 0; i < size; i++) matrix[i * size + i] += precision + jitter;
    const lower = cholesky(matrix, size);
    if (lower !== undefined) return lower;
    if (step > 1) throw new Error('the curvature holds values that are not finite');
  }
}

/** c' Sigma c of one contrast [features, features] as directions scaled by the roots of its eigenvalues. */
function formOf(contrast: readonly number[], features: number, entry: (i: number, j: number) => number): Float64Array {
  const block = new Float64Array(features * features);
  for (let f = 0; f < features; f++) {
    for (let g = 0; g <= f; g++) {
      let sum = 0;
      contrast.forEach((left, o) => {
        if (left === 0) return;
        contrast.forEach((right, q) => {
          if (right !== 0) sum += left * right * entry(o * features + f, q * features + g);
        });
      });
      block[f * features + g] = sum;
      block[g * features + f] = sum;
    }
  }
  const { values, vectors } = symmetricEigen(block, features);
  return transposed(
    vectors.map((value, k) => value * Math.sqrt(Math.max(0, values[Math.floor(k / features)]))),
    features,
  );
}

/** Forms of one contrast each, side by side: every direction counts for its own contrast alone. */
function joined(forms: readonly Float64Array[], features: number): Quadratic {
  const count = forms.length * features;
  return {
    count,
    directions: Float64Array.from({ length: features * count }, (_, at) => {
      const [f, k] = [Math.floor(at / count), at % count];
      return forms[Math.floor(k / features)][f * features + (k % features)];
    }),
    weights: Float64Array.from({ length: count * forms.length }, (_, at) =>
      Math.floor(Math.floor(at / forms.length) / features) === at % forms.length ? 1 : 0,
    ),
  };
}

/** The transpose of a square matrix [n, n]. */
export function transposed(matrix: Float64Array, n: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % n) * n + Math.floor(at / n)]);
}

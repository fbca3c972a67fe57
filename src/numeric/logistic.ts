/** Rows of features, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Coefficients of a linear predictor: intercept + x' weights. */
export interface LinearPredictor {
  readonly intercept: number;
  readonly weights: Float64Array;
}

const MOST_STEPS = 100;
const TOLERANCE = 1e-10;

/**
 * Ridge logistic regression: minimizes sum_i log(1 + exp(-z_i (c + x_i' w))) + lambda / 2 ||w||^2, z = 1 or -1, the
 * intercept free. scikit-learn's LogisticRegression with C = 1 / lambda. Newton's method, each step halved until the objective
 * falls and solved by conjugate gradients only as far as the gradient has fallen (Nocedal and Wright, section 7.1).
 *
 * @param positive whether a row is of the class whose log odds are predicted
 */
export function fitLogistic(
  { rows, columns, data }: Matrix,
  positive: ArrayLike<boolean>,
  lambda: number,
): LinearPredictor {
  // The intercept is the last coefficient, without penalty.
  const size = columns + 1;
  const predict = (w: Float64Array): Float64Array => {
    const result = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      const start = row * columns;
      let sum = w[columns];
      for (let j = 0; j < columns; j++) sum += data[start + j] * w[j];
      result[row] = sum;
    }
    return result;
  };
  /** X' v, and the sum of v for the intercept. */
  const transposed = (v: Float64Array): Float64Array => {
    const result = new Float64Array(size);
    for (let row = 0; row < rows; row++) {
      const start = row * columns;
      const factor = v[row];
      for (let j = 0; j < columns; j++) result[j] += data[start + j] * factor;
      result[columns] += factor;
    }
    return result;
  };
  const objective = (w: Float64Array, f: Float64Array): number => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += softplus(positive[row] ? -f[row] : f[row]);
    for (let j = 0; j < columns; j++) sum += (lambda / 2) * w[j] ** 2;
    return sum;
  };
  const w = new Float64Array(size);
  let f = predict(w);
  let value = objective(w, f);
  let steepest: number | undefined;
  for (let step = 0; step < MOST_STEPS; step++) {
    const p = f.map((z) => 1 / (1 + Math.exp(-z)));
    const gradient = transposed(p.map((probability, row) => probability - (positive[row] ? 1 : 0)));
    for (let j = 0; j < columns; j++) gradient[j] += lambda * w[j];
    const slopeNorm = Math.sqrt(dot(gradient, gradient));
    steepest ??= slopeNorm;
    const curvature = p.map((probability) => Math.max(probability * (1 - probability), 1e-12));
    const hessian = (v: Float64Array): Float64Array => {
      const product = predict(v);
      const result = transposed(product.map((z, row) => z * curvature[row]));
      for (let j = 0; j < columns; j++) result[j] += lambda * v[j];
      return result;
    };
    const direction = conjugateGradients(hessian, gradient, Math.min(0.1, slopeNorm / steepest));
    const slope = dot(gradient, direction);
    let length = 1;
    let next = w;
    let nextValue = value;
    for (; length > 1e-8; length /= 2) {
      next = w.map((old, j) => old - length * direction[j]);
      f = predict(next);
      nextValue = objective(next, f);
      if (nextValue <= value - 1e-4 * length * slope) break;
    }
    if (length <= 1e-8) break;
    w.set(next);
    const fell = value - nextValue;
    value = nextValue;
    if (fell <= TOLERANCE * TOLERANCE + 1e-15 * Math.abs(value) || slopeNorm < TOLERANCE) break;
  }
  return { intercept: w[columns], weights: w.slice(0, columns) };
}

/** Solves A x = b for a positive definite A, until the residual is that share of b, or 1e-8 of it. */
function conjugateGradients(a: (v: Float64Array) => Float64Array, b: Float64Array, share: number): Float64Array {
  const x = new Float64Array(b.length);
  const residual = b.slice();
  const direction = b.slice();
  let norm = dot(residual, residual);
  const enough = norm * Math.max(share, 1e-8) ** 2;
  for (let i = 0; i < 2 * b.length + 10 && norm > enough; i++) {
    const image = a(direction);
    const step = norm / dot(direction, image);
    for (let j = 0; j < x.length; j++) {
      x[j] += step * direction[j];
      residual[j] -= step * image[j];
    }
    const next = dot(residual, residual);
    for (let j = 0; j < x.length; j++) direction[j] = residual[j] + (next / norm) * direction[j];
    norm = next;
  }
  return x;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** log(1 + exp(z)) without overflow. */
function softplus(z: number): number {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

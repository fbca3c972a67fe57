/** Dense symmetric matrices, row-major in double precision. */

export interface Eigen {
  /** Ascending. */
  readonly values: Float64Array;
  /** The j-th eigenvector is row j: [n, n]. Empty where vectors were not asked for. */
  readonly vectors: Float64Array;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix [n, n]: Householder reflections to a tridiagonal matrix, then QL
 * steps with Wilkinson's shift (Golub and Van Loan, Matrix Computations, section 8.3). Takes n^3 operations a few times
 * over, half of them for the vectors.
 *
 * @param matrix is left as it is; only its values matter, not which triangle holds them
 */
export function symmetricEigen(matrix: Float64Array, n: number, { vectors = true } = {}): Eigen {
  const a = matrix.slice();
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const reflections: Float64Array[] = [];
  for (let k = 0; k < n - 2; k++) reflections.push(reflect(a, n, k));
  for (let i = 0; i < n; i++) {
    diagonal[i] = a[i * n + i];
    if (i + 1 < n) beside[i] = a[(i + 1) * n + i];
  }
  const rows = vectors ? accumulate(reflections, n) : new Float64Array(0);
  qlSteps(diagonal, beside, rows, n);
  return sortedEigen(diagonal, rows, n);
}

/** Makes column k zero below its subdiagonal from both sides; returns the unit vector it reflects by, empty for none. */
function reflect(a: Float64Array, n: number, k: number): Float64Array {
  const v = new Float64Array(n);
  let norm = 0;
  for (let i = k + 1; i < n; i++) {
    v[i] = a[i * n + k];
    norm = Math.hypot(norm, v[i]);
  }
  if (norm === 0) return new Float64Array(0);
  const target = v[k + 1] > 0 ? -norm : norm;
  v[k + 1] -= target;
  let length = 0;
  for (let i = k + 1; i < n; i++) length = Math.hypot(length, v[i]);
  if (length === 0) return new Float64Array(0);
  for (let i = k + 1; i < n; i++) v[i] /= length;
  const p = new Float64Array(n);
  let half = 0;
  for (let i = k + 1; i < n; i++) {
    let sum = 0;
    for (let j = k + 1; j < n; j++) sum += a[i * n + j] * v[j];
    p[i] = 2 * sum;
    half += v[i] * sum;
  }
  for (let i = k + 1; i < n; i++) p[i] -= 2 * half * v[i];
  for (let i = k + 1; i < n; i++) {
    for (let j = k + 1; j < n; j++) a[i * n + j] -= v[i] * p[j] + p[i] * v[j];
  }
  a[(k + 1) * n + k] = target;
  return v;
}

/** The product of all reflections, transposed: rows are what the eigenvectors of the tridiagonal matrix are turned by. */
function accumulate(reflections: readonly Float64Array[], n: number): Float64Array {
  const rows = new Float64Array(n * n);
  for (let i = 0; i < n; i++) rows[i * n + i] = 1;
  for (let k = reflections.length - 1; k >= 0; k--) {
    const v = reflections[k];
    if (v.length === 0) continue;
    // The reflection of every column of the product so far, that is of every row of its transpose.
    for (let r = k + 1; r < n; r++) {
      let sum = 0;
      for (let i = k + 1; i < n; i++) sum += rows[r * n + i] * v[i];
      for (let i = k + 1; i < n; i++) rows[r * n + i] -= 2 * sum * v[i];
    }
  }
  return rows;
}

/** Implicit QL on a tridiagonal matrix; `rows` are turned along. */
function qlSteps(d: Float64Array, e: Float64Array, rows: Float64Array, n: number): void {
  for (let low = 0; low < n; low++) {
    for (let step = 0; ; step++) {
      let high = low;
      while (high < n - 1) {
        if (Math.abs(e[high]) <= Number.EPSILON * (Math.abs(d[high]) + Math.abs(d[high + 1]))) break;
        high++;
      }
      if (high === low) break;
      if (step === 100) throw new Error('eigenvalues did not settle: the matrix holds values that are not finite');
      // Wilkinson's shift: the eigenvalue of the leading 2 x 2 block that is nearer to its corner.
      let g = (d[low + 1] - d[low]) / (2 * e[low]);
      const root = Math.hypot(g, 1);
      g = d[high] - d[low] + e[low] / (g + (g >= 0 ? root : -root));
      let [sine, cosine, carried] = [1, 1, 0];
      let i = high - 1;
      for (; i >= low; i--) {
        const f = sine * e[i];
        const h = cosine * e[i];
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= carried;
          e[high] = 0;
          break;
        }
        sine = f / r;
        cosine = g / r;
        g = d[i + 1] - carried;
        const t = (d[i] - g) * sine + 2 * cosine * h;
        carried = sine * t;
        d[i + 1] = g + carried;
        g = cosine * t - h;
        turn(rows, n, i, { sine, cosine });
      }
      if (i >= low) continue;
      d[low] -= carried;
      e[low] = g;
      e[high] = 0;
    }
  }
}

function turn(rows: Float64Array, n: number, i: number, { sine, cosine }: { sine: number; cosine: number }): void {
  if (rows.length === 0) return;
  const [first, second] = [i * n, (i + 1) * n];
  for (let k = 0; k < n; k++) {
    const f = rows[second + k];
    rows[second + k] = sine * rows[first + k] + cosine * f;
    rows[first + k] = cosine * rows[first + k] - sine * f;
  }
}

function sortedEigen(values: Float64Array, rows: Float64Array, n: number): Eigen {
  const order = Array.from(values, (_, i) => i).sort((i, j) => values[i] - values[j]);
  const vectors = new Float64Array(rows.length);
  if (rows.length > 0) {
    for (const [to, from] of order.entries()) vectors.set(rows.subarray(from * n, (from + 1) * n), to * n);
  }
  return { values: Float64Array.from(order, (i) => values[i]), vectors };
}

/**
 * The lower triangle L with L L' = matrix [n, n]; its upper triangle is 0.
 *
 * @returns undefined where the matrix is not positive definite
 */
export function cholesky(matrix: Float64Array, n: number): Float64Array | undefined {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j];
      for (let k = 0; k < j; k++) sum -= lower[i * n + k] * lower[j * n + k];
      if (i !== j) lower[i * n + j] = sum / lower[j * n + j];
      else if (sum > 0) lower[i * n + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return lower;
}

/** The inverse of a lower triangle [n, n]: a lower triangle. */
export function invertLower(lower: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    inverse[i * n + i] = 1 / lower[i * n + i];
    for (let k = 0; k < i; k++) {
      const factor = lower[i * n + k] / lower[i * n + i];
      if (factor === 0) continue;
      for (let j = 0; j <= k; j++) inverse[i * n + j] -= factor * inverse[k * n + j];
    }
  }
  return inverse;
}

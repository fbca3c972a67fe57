/** Passes that an extrapolation looks at. */
const DEPTH = 5;

/**
 * Anderson extrapolation of coordinate descent (Bertrand and Massias, 2021): from the last passes' coefficients, the
 * combination of weights summing to 1 whose steps nearly cancel.
 */
export class Anderson {
  readonly #passes: Float64Array[];
  readonly #steps: Float64Array[];
  #kept = 0;

  constructor(capacity: number) {
    this.#passes = Array.from({ length: DEPTH + 1 }, () => new Float64Array(capacity));
    this.#steps = Array.from({ length: DEPTH }, () => new Float64Array(capacity));
  }

  restart(): void {
    this.#kept = 0;
  }

  /** Keeps the coefficients after a pass; true where there are enough to extrapolate from. */
  keep(b: Float64Array, size: number): boolean {
    const pass = this.#passes[this.#kept++];
    for (let j = 0; j < size; j++) pass[j] = b[j];
    return this.#kept === DEPTH + 1;
  }

  /** The extrapolated coefficients, until the next call; undefined where the passes do not tell. Restarts. */
  extrapolate(size: number): Float64Array | undefined {
    this.#kept = 0;
    const passes = this.#passes;
    const steps = this.#steps;
    const products = new Float64Array(DEPTH * DEPTH);
    let trace = 0;
    for (let i = 0; i < DEPTH; i++) {
      const step = steps[i];
      for (let j = 0; j < size; j++) step[j] = passes[i + 1][j] - passes[i][j];
      for (let k = 0; k <= i; k++) {
        let sum = 0;
        for (let j = 0; j < size; j++) sum += step[j] * steps[k][j];
        products[i * DEPTH + k] = sum;
        products[k * DEPTH + i] = sum;
      }
      trace += products[i * DEPTH + i];
    }
    if (!(trace > 0)) return undefined;
    for (let i = 0; i < DEPTH; i++) products[i * DEPTH + i] += 1e-12 * trace;
    const weights = solve(products, new Float64Array(DEPTH).fill(1));
    const sum = weights?.reduce((total, weight) => total + weight, 0) ?? 0;
    if (weights === undefined || !Number.isFinite(1 / sum)) return undefined;
    const [result] = passes;
    for (let j = 0; j < size; j++) {
      let value = 0;
      for (let i = 0; i < DEPTH; i++) value += weights[i] * passes[i + 1][j];
      result[j] = value / sum;
    }
    return result;
  }
}

/** Solves a small dense system by elimination with pivots; undefined where it is singular. Overwrites its arguments. */
function solve(a: Float64Array, b: Float64Array): Float64Array | undefined {
  const n = b.length;
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let i = c + 1; i < n; i++) if (Math.abs(a[i * n + c]) > Math.abs(a[pivot * n + c])) pivot = i;
    if (a[pivot * n + c] === 0) return undefined;
    for (let j = 0; j < n; j++) [a[c * n + j], a[pivot * n + j]] = [a[pivot * n + j], a[c * n + j]];
    [b[c], b[pivot]] = [b[pivot], b[c]];
    for (let i = c + 1; i < n; i++) {
      const factor = a[i * n + c] / a[c * n + c];
      for (let j = c; j < n; j++) a[i * n + j] -= factor * a[c * n + j];
      b[i] -= factor * b[c];
    }
  }
  for (let c = n - 1; c >= 0; c--) {
    for (let j = c + 1; j < n; j++) b[c] -= a[c * n + j] * b[j];
    b[c] /= a[c * n + c];
  }
  return b;
}

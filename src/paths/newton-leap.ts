import { cholesky } from '../numeric/symmetric.js';
import type { WorkingSet } from './working-set.js';

/** Systems of more coefficients than this are not solved: descent goes on. */
const MOST_SOLVED = 600;
/**
 * Shares of a column's own second derivative by which what the model does not determine is held where it is; the least that
 * serves is taken.
 */
const RIDGES = [1e-12, 1e-9, 1e-6];

/**
 * The minimum of a working set's quadratic model over the coefficients that are not 0, penalty included, as long as none of
 * them changes its sign; else the way there up to the first that would. Where columns are nearly combinations of each other,
 * descent needs thousands of passes for what is one system of equations.
 *
 * @returns undefined where there are too many coefficients, or the model does not determine them
 */
export function newtonTarget({ model, l2, size }: WorkingSet): Float64Array | undefined {
  const { b, g, l1 } = model;
  const active: number[] = [];
  for (let k = 0; k < size; k++) if (b[k] !== 0 || l1[k] === 0) active.push(k);
  if (active.length === 0 || active.length > MOST_SOLVED) return undefined;
  const lower = triangleOf({ model, l2 }, active);
  if (lower === undefined) return undefined;
  const step = solveTriangles(
    lower,
    active.map((k) => g[k] - l2[k] * b[k] - l1[k] * Math.sign(b[k])),
  );
  let [share, first] = [1, -1];
  active.forEach((k, i) => {
    if (l1[k] === 0 || b[k] * (b[k] + share * step[i]) >= 0) return;
    [share, first] = [-b[k] / step[i], k];
  });
  const target = b.slice(0, size);
  active.forEach((k, i) => {
    target[k] = k === first ? 0 : b[k] + share * step[i];
  });
  return target.every(Number.isFinite) ? target : undefined;
}

/** The triangle of the second derivatives of some coefficients; undefined where they are no positive definite matrix. */
function triangleOf(
  { model, l2 }: Pick<WorkingSet, 'model' | 'l2'>,
  active: readonly number[],
): Float64Array | undefined {
  const { gram, stride } = model;
  const count = active.length;
  const matrix = new Float64Array(count * count);
  active.forEach((row, i) => {
    for (let j = 0; j < count; j++) matrix[i * count + j] = gram[row * stride + active[j]];
  });
  for (const ridge of RIDGES) {
    active.forEach((k, i) => {
      const own = gram[k * stride + k];
      matrix[i * count + i] = own + l2[k] + ridge * own;
    });
    const lower = cholesky(matrix, count);
    if (lower !== undefined) return lower;
  }
  return undefined;
}

/** x with L L' x = right. */
export function solveTriangles(lower: Float64Array, right: ArrayLike<number>): Float64Array {
  const n = right.length;
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    let sum = x[i];
    for (let j = 0; j < i; j++) sum -= lower[i * n + j] * x[j];
    x[i] = sum / lower[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    x[i] /= lower[i * n + i];
    for (let j = 0; j < i; j++) x[j] -= lower[i * n + j] * x[i];
  }
  return x;
}

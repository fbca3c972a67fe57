/** Weights of a trained network, and what can be said of them. */
import type { Graph } from '../../../src/graph/model.js';

/** A dense layer's weights, [inputs, units] row-major. */
export interface Weights {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** Weights of all layers of a perceptron, from the first on. */
export function weightsOf(graph: Graph): Weights[] {
  return [...graph.initializers]
    .filter(([name, { shape, type }]) => name.endsWith('.weight') && shape.length === 2 && type === 'float32')
    .map(([, { shape, data }]) => ({ rows: shape[0], columns: shape[1], data: data as Float32Array }));
}

/** Singular values, the largest first, by one-sided Jacobi rotations of the columns. */
export function singularValues({ rows, columns, data }: Weights): number[] {
  const vectors = Array.from({ length: columns }, (_, j) =>
    Float64Array.from({ length: rows }, (_, i) => data[i * columns + j]),
  );
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);
  for (let sweep = 0; sweep < 30; sweep++) {
    let worst = 0;
    for (let p = 0; p < columns; p++) {
      for (let q = p + 1; q < columns; q++) {
        const [a, b] = [vectors[p], vectors[q]];
        const [alpha, beta, gamma] = [dot(a, a), dot(b, b), dot(a, b)];
        if (Math.abs(gamma) <= 1e-12 * Math.sqrt(alpha * beta) || gamma === 0) continue;
        worst = Math.max(worst, Math.abs(gamma) / Math.sqrt(alpha * beta));
        const zeta = (beta - alpha) / (2 * gamma);
        const t = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        for (let i = 0; i < rows; i++) {
          const [x, y] = [a[i], b[i]];
          a[i] = c * (x - t * y);
          b[i] = c * (t * x + y);
        }
      }
    }
    if (worst < 1e-10) break;
  }
  return vectors.map((vector) => Math.sqrt(dot(vector, vector))).sort((a, b) => b - a);
}

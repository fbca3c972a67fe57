/**
 * Calibration maps: scores in, probabilities out, fitted on rows that the model was not trained on.
 *
 * Scores are [rows, classes] row-major, before softmax; log-probabilities are scores too. A fitted map is plain JSON
 * ({@link CalibrationMap}); `apply.ts` applies it in the application, `calibrated-model.ts` writes it into an ONNX graph.
 */

export interface CalibrationRows {
  readonly rows: number;
  readonly classes: number;
  /** [rows, classes] row-major. */
  readonly scores: Float64Array;
  /** Class codes, [rows]. */
  readonly target: Int32Array;
  /** Importance of rows, [rows]; undefined = all alike. */
  readonly weights: Float64Array | undefined;
}

/** One class against the rest: how its probability p becomes a new one, before classes are made to sum to 1. */
export type ClassMap =
  /** 1 / (1 + exp(-(slope logit(p) + intercept))). */
  | { readonly kind: 'sigmoid'; readonly slope: number; readonly intercept: number }
  /** 1 / (1 + exp(-(a ln p - b ln(1 - p) + c))). */
  | { readonly kind: 'beta'; readonly a: number; readonly b: number; readonly c: number }
  /** Piecewise linear through (x, y), constant outside; x strictly ascending. */
  | { readonly kind: 'linear'; readonly x: readonly number[]; readonly y: readonly number[] }
  /** y[i] in (edges[i - 1], edges[i]]; one more value than edges. */
  | { readonly kind: 'step'; readonly edges: readonly number[]; readonly y: readonly number[] };

export type CalibrationMap =
  /** softmax(scores / temperature). */
  | { readonly kind: 'temperature'; readonly temperature: number }
  /** softmax(scale * scores + shift), a scale and a shift a class. */
  | { readonly kind: 'vector'; readonly scale: readonly number[]; readonly shift: readonly number[] }
  /** With two classes one map, of class 1; with more, one a class, the results divided by their sum. */
  | { readonly kind: 'classes'; readonly maps: readonly ClassMap[] };

export const CALIBRATION_METHODS = ['temperature', 'vector', 'platt', 'isotonic', 'beta', 'histogram'] as const;
export type CalibrationMethod = (typeof CALIBRATION_METHODS)[number];

/** Probabilities further out than this are drawn in: a map takes their logarithm. */
export const TINY = 1e-12;

/** Softmax of each row. */
export function softmaxRows(scores: ArrayLike<number>, classes: number): Float64Array {
  const result = new Float64Array(scores.length);
  for (let from = 0; from < scores.length; from += classes) {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) most = Math.max(most, scores[from + k]);
    let total = 0;
    for (let k = 0; k < classes; k++) total += result[from + k] = Math.exp(scores[from + k] - most);
    for (let k = 0; k < classes; k++) result[from + k] /= total;
  }
  return result;
}

/** Logarithms of probabilities: scores whose softmax they are. */
export function scoresOf(probabilities: ArrayLike<number>): Float64Array {
  return Float64Array.from(probabilities, (p) => Math.log(Math.max(p, TINY)));
}

/** The parts of a one-against-the-rest problem: p and whether the row is of the class. */
export function oneAgainstRest(
  { rows, classes, target, weights }: CalibrationRows,
  probabilities: Float64Array,
  k: number,
): { p: Float64Array; hit: Uint8Array; weights: Float64Array } {
  const p = new Float64Array(rows);
  const hit = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    p[row] = probabilities[row * classes + k];
    hit[row] = target[row] === k ? 1 : 0;
  }
  return { p, hit, weights: weights ?? new Float64Array(rows).fill(1) };
}

export function logit(p: number): number {
  const clipped = Math.min(1 - TINY, Math.max(TINY, p));
  return Math.log(clipped) - Math.log1p(-clipped);
}

import type { ClassificationInput } from './input.js';
import { invalid } from './invalid.js';

/** Probabilities [rows, classes] and how to get the log loss of each row from the targets. */
export interface Scores {
  readonly probabilities: Float64Array;
  readonly logLosses: (target: Int32Array) => Float64Array;
}

/** Probabilities out of an input's probabilities or logits. Input error where they are none. */
export function readScores(input: ClassificationInput, rows: number, count: number): Scores {
  return input.probabilities === undefined
    ? fromLogits(input.logits!, rows, count)
    : fromProbabilities(input.probabilities, rows, count);
}

/** Softmax per row, and log losses by log-sum-exp, which need no clipping. */
function fromLogits(logits: ArrayLike<number>, rows: number, count: number): Scores {
  const single = logits.length === rows;
  const probabilities = new Float64Array(rows * count);
  const normalizers = new Float64Array(rows);
  const logit = (row: number, k: number): number => (single ? (k === 1 ? logits[row] : 0) : logits[row * count + k]);
  for (let row = 0; row < rows; row++) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < count; k++) largest = Math.max(largest, logit(row, k));
    if (!Number.isFinite(largest))
      throw invalid('A logit is not a finite number', 'EVALUATION_NOT_FINITE', largest, `row ${row}`);
    let total = 0;
    for (let k = 0; k < count; k++) {
      const value = Math.exp(logit(row, k) - largest);
      probabilities[row * count + k] = value;
      total += value;
    }
    for (let k = 0; k < count; k++) probabilities[row * count + k] /= total;
    normalizers[row] = largest + Math.log(total);
  }
  const logLosses = (target: Int32Array): Float64Array =>
    normalizers.map((normalizer, row) => normalizer - logit(row, target[row]));
  return { probabilities, logLosses };
}

function fromProbabilities(values: ArrayLike<number>, rows: number, count: number): Scores {
  const single = values.length === rows;
  const probabilities = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++) {
    let total = 0;
    for (let k = 0; k < count; k++) {
      const value = single ? (k === 1 ? values[row] : 1 - values[row]) : values[row * count + k];
      // Half-precision models may pass 1 by a rounding.
      if (!(value >= -1e-3 && value <= 1 + 1e-3)) {
        throw invalid(
          'A probability lies outside [0, 1]',
          'EVALUATION_NOT_PROBABILITY',
          value,
          `row ${row}`,
          'Pass scores before softmax as logits.',
        );
      }
      probabilities[row * count + k] = Math.min(Math.max(value, 0), 1);
      total += value;
    }
    if (Math.abs(total - 1) > 1e-2) {
      throw invalid(
        'The probabilities of a row do not sum to 1',
        'EVALUATION_NOT_PROBABILITY',
        total,
        `row ${row}`,
        'Pass scores before softmax as logits.',
      );
    }
  }
  // scikit-learn's log_loss clips at the machine epsilon of the type the probabilities came in.
  const epsilon = values instanceof Float32Array ? 2 ** -23 : Number.EPSILON;
  const logLosses = (target: Int32Array): Float64Array => {
    const losses = new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      losses[row] = -Math.log(Math.min(Math.max(probabilities[row * count + target[row]], epsilon), 1 - epsilon));
    }
    return losses;
  };
  return { probabilities, logLosses };
}

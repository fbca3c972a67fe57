import type { Evaluation } from '../evaluation/evaluate.js';
import type { PredictionInput } from '../evaluation/input.js';
import type { Shift } from './shift.js';

/** What an evaluation would say of rows whose inputs are distributed as those of another source. */
export interface Mirrored {
  /** Rows of the source that is mirrored. */
  readonly mirroredRows: number;
  /** How many rows of equal weight carry as much as the weighted ones. */
  readonly effectiveRows: number;
  readonly evaluation: Evaluation;
}

/**
 * Judges predictions with each row weighted by how much likelier its inputs are in the source: under covariate shift (the right
 * answer depends on the inputs as before) the expectation over the source (Shimodaira 2000). Intervals take the weights as
 * given.
 */
export function mirrored(
  predictions: PredictionInput,
  { weights, effectiveRows, shiftedRows }: Shift,
  judged: (predictions: PredictionInput) => Evaluation,
): Mirrored {
  const own = predictions.weights;
  const both = Float64Array.from(weights, (weight, row) => weight * (own?.[row] ?? 1));
  return { mirroredRows: shiftedRows, effectiveRows, evaluation: judged({ ...predictions, weights: both }) };
}

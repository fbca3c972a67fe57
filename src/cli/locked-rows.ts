import type { PredictionInput } from '../evaluation/input.js';
import type { EvaluatedRun } from '../tuning/evaluate-run.js';
import { note } from './output.js';

/** Warns where rows that were given as new are not: some are locked, so that others were probably trained on. */
export function noteLocked({ locked = 0, rows }: Pick<EvaluatedRun, 'locked' | 'rows'>): void {
  if (locked === 0) return;
  note(
    `warning  ${locked} of the ${rows} rows are in the locked holdout (this read of it is counted), and others may be rows that the run was trained on: figures on them say little of new rows`,
  );
}

/** The predictions on rows that were given as new, with the warning. */
export function predictionsOn(evaluated: EvaluatedRun): PredictionInput {
  noteLocked(evaluated);
  return evaluated.predictions;
}

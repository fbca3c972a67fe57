import { criticalValue } from '../../numeric/index.js';
import { squares } from '../curves.js';
import type { Figure } from '../figure.js';
import type { ClassificationInput } from '../input.js';
import { rowMean } from '../row-mean.js';
import { prepareSample } from '../sample.js';
import { crossFit } from './fit.js';
import { calibrationRows } from './report.js';

/** What miscalibration costs two models on the same rows: log loss that a temperature takes away, cross-fitted, in nats. */
export interface MiscalibrationChange {
  readonly before: number;
  readonly after: number;
  /** After minus before, paired row by row. */
  readonly change: Figure;
}

/**
 * By how much miscalibration costs more after than before. Both models may be better or worse otherwise: only what a
 * temperature would mend is counted.
 *
 * @throws BallastError CALIBRATION_LABELS, CALIBRATION_ROWS, CALIBRATION_ONE_CLASS
 */
export function miscalibrationChange(
  before: ClassificationInput,
  after: ClassificationInput,
  { level = 0.95, seed = 1 }: { readonly level?: number; readonly seed?: number } = {},
): MiscalibrationChange {
  const [first, second] = [before, after].map((input) => costs(input, seed));
  const weights = after.weights && Float64Array.from(after.weights);
  const difference = rowMean(
    second.map((cost, row) => cost - first[row]),
    weights,
  );
  const half = criticalValue(level) * Math.sqrt(squares(difference.influence!()));
  const { value } = difference;
  return {
    before: rowMean(first, weights).value,
    after: rowMean(second, weights).value,
    change: { value, interval: [value - half, value + half], method: 'paired normal' },
  };
}

/** Each row is judged at a temperature of the other four fifths. */
const FOLDS = 5;

/** Per row: its log loss minus that at a temperature that was fitted on other rows. */
function costs(input: ClassificationInput, seed: number): Float64Array {
  const { probabilities: mended } = crossFit('temperature', calibrationRows(input), { folds: FOLDS, seed });
  const sample = prepareSample(input);
  if (sample.task !== 'classification' || sample.probabilities === undefined) throw new Error('these were calibrated');
  const { probabilities, target, rows } = sample;
  const count = sample.classes.length;
  const loss = (of: Float64Array, row: number): number => -Math.log(Math.max(1e-15, of[row * count + target[row]]));
  return Float64Array.from({ length: rows }, (_, row) => loss(probabilities, row) - loss(mended, row));
}

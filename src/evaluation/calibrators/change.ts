import { criticalValue } from '../../numeric/index.js';
import { squares } from '../curves.js';
import type { Figure } from '../figure.js';
import type { ClassificationInput } from '../input.js';
import { rowMean } from '../row-mean.js';
import { prepareSample } from '../sample.js';
import { softmaxRows } from './calibrator.js';
import { crossFit } from './fit.js';
import { calibrationRows } from './report.js';
import { fitTemperature } from './scaling.js';

/** What miscalibration costs two models on the same rows: log loss that a temperature takes away, cross-fitted, in nats. */
export interface MiscalibrationChange {
  readonly before: number;
  readonly after: number;
  /** After minus before, paired row by row. */
  readonly change: Figure;
  /** 1 / temperature that fits each best: below 1 is too sure. */
  readonly inverse: { readonly before: number; readonly after: number; readonly difference: Figure };
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
  const [fitted, refitted] = [before, after].map(inverseTemperature);
  const influence = Float64Array.from(refitted.influence, (own, row) => own - fitted.influence[row]);
  const spread = criticalValue(level) * Math.sqrt(squares(influence));
  const moved = refitted.value - fitted.value;
  return {
    before: rowMean(first, weights).value,
    after: rowMean(second, weights).value,
    change: { value, interval: [value - half, value + half], method: 'paired normal' },
    inverse: {
      before: fitted.value,
      after: refitted.value,
      difference: { value: moved, interval: [moved - spread, moved + spread], method: 'paired normal' },
    },
  };
}

/** The maximum-likelihood inverse temperature, and what each row does to it. */
function inverseTemperature(input: ClassificationInput): { value: number; influence: Float64Array } {
  const data = calibrationRows(input);
  const { rows, classes, scores, target, weights } = data;
  const map = fitTemperature(data);
  if (map.kind !== 'temperature') throw new Error('a temperature was asked for');
  const value = 1 / map.temperature;
  const influence = new Float64Array(rows);
  let information = 0;
  for (let row = 0; row < rows; row++) {
    const own = scores.subarray(row * classes, (row + 1) * classes);
    const probabilities = softmaxRows(
      own.map((score) => value * score),
      classes,
    );
    const expected = own.reduce((sum, score, k) => sum + probabilities[k] * score, 0);
    const weight = weights?.[row] ?? 1;
    information += weight * own.reduce((sum, score, k) => sum + probabilities[k] * (score - expected) ** 2, 0);
    influence[row] = weight * (own[target[row]] - expected);
  }
  return { value, influence: influence.map((score) => score / information) };
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

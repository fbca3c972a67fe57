import { derive } from '../../numeric/index.js';
import { invalid } from '../invalid.js';
import { applyCalibration } from './apply.js';
import {
  type CalibrationMap,
  type CalibrationMethod,
  type CalibrationRows,
  type ClassMap,
  oneAgainstRest,
  softmaxRows,
} from './calibrator.js';
import { type BinaryRows, fitBeta, fitHistogram, fitIsotonic, fitPlatt } from './class-maps.js';
import { fitTemperature, fitVector } from './scaling.js';

const CLASS_METHODS: Readonly<Record<string, (rows: BinaryRows) => ClassMap>> = {
  platt: fitPlatt,
  beta: fitBeta,
  isotonic: fitIsotonic,
  histogram: fitHistogram,
};

/** Fits a calibration map by one method. @throws BallastError CALIBRATION_ROWS, CALIBRATION_ONE_CLASS */
export function fitCalibration(method: CalibrationMethod, data: CalibrationRows): CalibrationMap {
  refuseFew(data);
  if (method === 'temperature') return fitTemperature(data);
  if (method === 'vector') return fitVector(data);
  const probabilities = softmaxRows(data.scores, data.classes);
  const fitClass = CLASS_METHODS[method];
  const classes = data.classes === 2 ? [1] : Array.from({ length: data.classes }, (_, k) => k);
  return { kind: 'classes', maps: classes.map((k) => fitClass(oneAgainstRest(data, probabilities, k))) };
}

/** Rows of which a fit can say anything: 20 at least, of two classes at least. */
const LEAST_ROWS = 20;

function refuseFew({ rows, target }: CalibrationRows): void {
  if (rows < LEAST_ROWS) {
    throw invalid(
      `${rows} rows are too few to calibrate on`,
      'CALIBRATION_ROWS',
      rows,
      undefined,
      `Give ${LEAST_ROWS} at least; some hundreds are better.`,
    );
  }
  if (target.every((code) => code === target[0])) {
    throw invalid(
      'All rows are of one class, so nothing can be said about its probability',
      'CALIBRATION_ONE_CLASS',
      target[0],
      undefined,
      'Give rows of every class.',
    );
  }
}

export interface CrossFitted {
  readonly method: CalibrationMethod;
  /** Probabilities of each row by a map fitted on the other folds, [rows, classes]. */
  readonly probabilities: Float64Array;
  /** Mean log loss of those, and its standard error. */
  readonly logLoss: number;
  readonly standardError: number;
}

/**
 * Cross-fitting: every row is judged by a map that was fitted without it, so that a flexible method that only learns its
 * rows by heart is found out.
 *
 * @param folds of nearly equal size, drawn by the seed within each class
 */
export function crossFit(
  method: CalibrationMethod,
  data: CalibrationRows,
  { folds = 5, seed = 1 }: { folds?: number; seed?: number } = {},
): CrossFitted {
  refuseFew(data);
  const { rows, classes, weights, target } = data;
  const fold = foldsOf(target, classes, folds, seed);
  const probabilities = new Float64Array(rows * classes);
  for (let f = 0; f < folds; f++) {
    const held = rowsWhere(fold, (value) => value === f);
    const rest = rowsWhere(fold, (value) => value !== f);
    if (held.length === 0) continue;
    const map = fitCalibration(method, subset(data, rest));
    const calibrated = applyCalibration(map, subset(data, held).scores, classes);
    held.forEach((row, i) => {
      probabilities.set(calibrated.subarray(i * classes, (i + 1) * classes), row * classes);
    });
  }
  const losses = Float64Array.from(
    target,
    (code, row) => -Math.log(Math.max(1e-15, probabilities[row * classes + code])),
  );
  const total = weights?.reduce((sum, weight) => sum + weight, 0) ?? rows;
  const weightOf = (row: number): number => weights?.[row] ?? 1;
  const logLoss = losses.reduce((sum, loss, row) => sum + weightOf(row) * loss, 0) / total;
  const spread = losses.reduce((sum, loss, row) => sum + (weightOf(row) * (loss - logLoss)) ** 2, 0);
  return { method, probabilities, logLoss, standardError: Math.sqrt(spread) / total };
}

function foldsOf(target: Int32Array, classes: number, folds: number, seed: number): Uint8Array {
  const fold = new Uint8Array(target.length);
  let next = 0;
  for (let k = 0; k < classes; k++) {
    const own = rowsWhere(target, (code) => code === k);
    for (const row of derive(seed, 'calibration-folds', k).shuffle(own)) fold[row] = next++ % folds;
  }
  return fold;
}

function rowsWhere(values: ArrayLike<number>, holds: (value: number) => boolean): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < values.length; row++) if (holds(values[row])) rows.push(row);
  return Int32Array.from(rows);
}

function subset({ classes, scores, target, weights }: CalibrationRows, rows: Int32Array): CalibrationRows {
  const part = new Float64Array(rows.length * classes);
  rows.forEach((row, i) => {
    part.set(scores.subarray(row * classes, (row + 1) * classes), i * classes);
  });
  return {
    rows: rows.length,
    classes,
    scores: part,
    target: Int32Array.from(rows, (row) => target[row]),
    weights: weights && Float64Array.from(rows, (row) => weights[row]),
  };
}

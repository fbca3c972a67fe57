import type { ClassificationInput } from '../input.js';
import {
  type ConformalMap,
  type ConformalSetKind,
  type Coverage,
  checkCoverageOf,
  fitConformalSets,
  fitIntervalThreshold,
  type IntervalBase,
  intervalMap,
  intervalWidth,
  nonconformity,
  ofRows,
  predictionSets,
  type ShiftWeights,
} from './conformal.js';

/** What is promised, and whether it holds on rows that the promise was not fitted on. */
export interface ConformalReport {
  readonly coverage: Coverage;
  readonly map: ConformalMap;
}

/** Prediction sets for probabilities [rows, classes] of rows with known classes. */
export function conformalSets(
  kind: ConformalSetKind,
  { target }: Pick<ClassificationInput, 'target'>,
  probabilities: Float64Array,
  coverage: number,
  shift?: ShiftWeights,
): ConformalReport {
  const rows = target.length;
  const classes = probabilities.length / rows;
  const fitTo = (chosen: Int32Array) =>
    fitConformalSets(
      kind,
      {
        classes,
        target: Int32Array.from(chosen, (row) => target[row]),
        probabilities: Float64Array.from(
          { length: chosen.length * classes },
          (_, i) => probabilities[chosen[Math.floor(i / classes)] * classes + (i % classes)],
        ),
      },
      coverage,
      shift && ofRows(shift, chosen),
    );
  return {
    map: fitTo(everyRow(rows)),
    coverage: checkCoverageOf(
      rows,
      coverage,
      (chosen) => {
        const sets = predictionSets(fitTo(chosen), probabilities, classes);
        return (row) => ({
          covered: sets[row * classes + target[row]] === 1,
          size: sets.subarray(row * classes, (row + 1) * classes).reduce((sum, member) => sum + member, 0),
        });
      },
      { classes, classOf: (row) => target[row], ...weighted(shift) },
    ),
  };
}

/** Intervals for the predictions of a regression. @throws BallastError as {@link fitIntervalThreshold} */
export function conformalIntervals(
  base: IntervalBase,
  target: ArrayLike<number>,
  coverage: number,
  shift?: ShiftWeights,
): ConformalReport {
  const rows = target.length;
  return {
    map: intervalMap(base, fitIntervalThreshold(base, target, everyRow(rows), coverage, shift)),
    coverage: checkCoverageOf(
      rows,
      coverage,
      (chosen) => {
        const threshold = fitIntervalThreshold(base, target, chosen, coverage, shift);
        return (row) => ({
          covered: nonconformity(base, target, row) <= threshold,
          size: intervalWidth(base, threshold, row),
        });
      },
      weighted(shift),
    ),
  };
}

const everyRow = (rows: number): Int32Array => Int32Array.from({ length: rows }, (_, row) => row);

const weighted = (shift: ShiftWeights | undefined): { weightOf?: (row: number) => number } =>
  shift === undefined ? {} : { weightOf: (row) => shift.weights[row] };

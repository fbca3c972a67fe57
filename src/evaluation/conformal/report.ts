import type { ClassificationInput, RegressionInput } from '../input.js';
import {
  type ConformalMap,
  type ConformalSetKind,
  type Coverage,
  checkCoverageOf,
  fitConformalIntervals,
  fitConformalSets,
  predictionSets,
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
): ConformalReport {
  const rows = target.length;
  const classes = probabilities.length / rows;
  const part = (chosen: Int32Array) => ({
    classes,
    target: Int32Array.from(chosen, (row) => target[row]),
    probabilities: Float64Array.from(
      { length: chosen.length * classes },
      (_, i) => probabilities[chosen[Math.floor(i / classes)] * classes + (i % classes)],
    ),
  });
  const all = Int32Array.from({ length: rows }, (_, row) => row);
  return {
    map: fitConformalSets(kind, part(all), coverage),
    coverage: checkCoverageOf(
      rows,
      coverage,
      (chosen) => {
        const map = fitConformalSets(kind, part(chosen), coverage) as Exclude<ConformalMap, { kind: 'residual' }>;
        const sets = predictionSets(map, probabilities, classes);
        return (row) => ({
          covered: sets[row * classes + target[row]] === 1,
          size: sets.subarray(row * classes, (row + 1) * classes).reduce((sum, member) => sum + member, 0),
        });
      },
      { classes, classOf: (row) => target[row] },
    ),
  };
}

/** Intervals for the predictions of a regression. */
export function conformalIntervals({ predictions, target }: RegressionInput, coverage: number): ConformalReport {
  const part = (chosen: Int32Array) => ({
    predictions: Float64Array.from(chosen, (row) => predictions[row]),
    target: Float64Array.from(chosen, (row) => target[row]),
  });
  const rows = target.length;
  return {
    map: fitConformalIntervals(part(Int32Array.from({ length: rows }, (_, row) => row)), coverage),
    coverage: checkCoverageOf(rows, coverage, (chosen) => {
      const { halfWidth } = fitConformalIntervals(part(chosen), coverage);
      return (row) => ({ covered: Math.abs(target[row] - predictions[row]) <= halfWidth, size: 2 * halfWidth });
    }),
  };
}

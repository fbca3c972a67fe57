import { findColumn } from '../data/table.js';
import type { PredictionInput } from '../evaluation/input.js';
import { prepareSample } from '../evaluation/sample.js';
import { findSlices, type SliceSearch } from '../evaluation/slices/find-slices.js';
import { groupRows } from '../evaluation/slices/grouping.js';
import type { RowsOfRun } from './run-rows.js';

/** Slices by columns beside the features: what a model does not see can still tell where it fails. */
export function searchSlices(
  { table, rows, roles }: RowsOfRun,
  predictions: PredictionInput,
  seed: number,
): SliceSearch {
  const names = new Set([...roles.features, ...roles.sensitive, ...(roles.domain === undefined ? [] : [roles.domain])]);
  const groupings = [...names].flatMap((name) => {
    const column = findColumn(table, name);
    const grouping = column === undefined ? undefined : groupRows(column, rows);
    return grouping === undefined ? [] : [grouping];
  });
  // The class itself is told by the metrics of each class.
  return findSlices(errorsOf(predictions), groupings, { seed });
}

/** 1 where a classifier is wrong; how far a regression is off. */
function errorsOf(input: PredictionInput): Float64Array {
  const sample = prepareSample(input);
  if (sample.task === 'classification') {
    return Float64Array.from({ length: sample.rows }, (_, row) =>
      sample.predicted[row] === sample.target[row] ? 0 : 1,
    );
  }
  const { target, predictions } = input as Extract<PredictionInput, { task: 'regression' }>;
  return Float64Array.from({ length: target.length }, (_, row) => Math.abs(predictions[row] - target[row]));
}

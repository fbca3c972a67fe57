import { pickRows } from './features.js';
import type { PathData } from './problem.js';

/** Some rows of the data. */
export function rowsOf({ features, target, weights, offset, event }: PathData, rows: Uint32Array): PathData {
  const pick = (values: Float64Array): Float64Array => Float64Array.from(rows, (row) => values[row]);
  return {
    features: pickRows(features, rows),
    target: pick(target),
    ...(weights === undefined ? {} : { weights: pick(weights) }),
    ...(offset === undefined ? {} : { offset: pick(offset) }),
    ...(event === undefined ? {} : { event: pick(event) }),
  };
}

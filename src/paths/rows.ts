import { pickRows } from './features.js';
import type { PathData } from './problem.js';

/** Some rows of the data. */
export function rowsOf({ features, target, weights, offset, event }: PathData, rows: Uint32Array): PathData {
  /** Of several values a row, those of the first output, then the second's. */
  const pick = (values: Float64Array): Float64Array => {
    const picked = new Float64Array((values.length / features.rows) * rows.length);
    for (let to = 0, from = 0; to < picked.length; to += rows.length, from += features.rows) {
      rows.forEach((row, i) => {
        picked[to + i] = values[from + row];
      });
    }
    return picked;
  };
  return {
    features: pickRows(features, rows),
    target: pick(target),
    ...(weights === undefined ? {} : { weights: pick(weights) }),
    ...(offset === undefined ? {} : { offset: pick(offset) }),
    ...(event === undefined ? {} : { event: pick(event) }),
  };
}

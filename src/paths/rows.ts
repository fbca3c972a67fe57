import type { DenseFeatures, PathData } from './problem.js';

/** Some rows of the data. */
export function rowsOf({ features, target, weights, offset }: PathData, rows: Uint32Array): PathData {
  const pick = (values: Float64Array): Float64Array => Float64Array.from(rows, (row) => values[row]);
  return {
    features: pickRows(features, rows),
    target: pick(target),
    ...(weights === undefined ? {} : { weights: pick(weights) }),
    ...(offset === undefined ? {} : { offset: pick(offset) }),
  };
}

function pickRows({ rows: n, columns, data }: DenseFeatures, rows: Uint32Array): DenseFeatures {
  const picked = new Float64Array(rows.length * columns);
  for (let j = 0; j < columns; j++) {
    const from = j * n;
    const to = j * rows.length;
    for (let i = 0; i < rows.length; i++) picked[to + i] = data[from + rows[i]];
  }
  return { rows: rows.length, columns, data: picked };
}

import { BallastError } from '../errors.js';

/** Features as one array: value of row i in column j at `j * rows + i`. */
export interface DenseFeatures {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Compressed columns: those of column j stand from `starts[j]` to `starts[j + 1]`, each in its row; all others are 0. */
export interface SparseFeatures {
  readonly rows: number;
  readonly columns: number;
  readonly starts: Int32Array;
  /** Row of each value; ascending and without repeats within a column. */
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

export type Features = DenseFeatures | SparseFeatures;

export function isSparse(features: Features): features is SparseFeatures {
  return 'starts' in features;
}

/** out += factor times column j. */
export function addColumn(features: Features, j: number, factor: number, out: Float64Array): void {
  if (isSparse(features)) {
    const { starts, indices, values } = features;
    for (let at = starts[j]; at < starts[j + 1]; at++) out[indices[at]] += factor * values[at];
    return;
  }
  const { rows, data } = features;
  const start = j * rows;
  for (let i = 0; i < rows; i++) out[i] += factor * data[start + i];
}

/** Some rows, in their order. */
export function pickRows(features: Features, rows: Uint32Array): Features {
  return isSparse(features) ? pickSparse(features, rows) : pickDense(features, rows);
}

function pickDense({ rows: n, columns, data }: DenseFeatures, rows: Uint32Array): DenseFeatures {
  const picked = new Float64Array(rows.length * columns);
  for (let j = 0; j < columns; j++) {
    const from = j * n;
    const to = j * rows.length;
    for (let i = 0; i < rows.length; i++) picked[to + i] = data[from + rows[i]];
  }
  return { rows: rows.length, columns, data: picked };
}

function pickSparse({ rows: n, columns, starts, indices, values }: SparseFeatures, rows: Uint32Array): SparseFeatures {
  const place = new Int32Array(n).fill(-1);
  rows.forEach((row, i) => {
    place[row] = i;
  });
  const kept = { starts: new Int32Array(columns + 1), indices: [] as number[], values: [] as number[] };
  for (let j = 0; j < columns; j++) {
    for (let at = starts[j]; at < starts[j + 1]; at++) {
      if (place[indices[at]] === -1) continue;
      kept.indices.push(place[indices[at]]);
      kept.values.push(values[at]);
    }
    kept.starts[j + 1] = kept.values.length;
  }
  return {
    rows: rows.length,
    columns,
    starts: kept.starts,
    indices: Int32Array.from(kept.indices),
    values: Float64Array.from(kept.values),
  };
}

/** @throws BallastError PATH_SHAPE, PATH_NOT_FINITE */
export function checkFeatures(features: Features): void {
  const { rows, columns } = features;
  if (!isSparse(features)) {
    if (features.data.length !== rows * columns) {
      throw wrongShape(
        `${rows} rows of ${columns} columns are ${rows * columns} values, and ${features.data.length} are given`,
      );
    }
    const at = firstNotFinite(features.data);
    if (at !== -1) throw notFinite(`row ${(at % rows) + 1} of column ${Math.floor(at / rows) + 1}`, features.data[at]);
    return;
  }
  const { starts, indices, values } = features;
  const ordered =
    starts.length === columns + 1 && starts[0] === 0 && starts.every((start, j) => j === 0 || start >= starts[j - 1]);
  if (!ordered || starts[columns] !== values.length || indices.length !== values.length) {
    throw wrongShape('starts of sparse columns do not cut up their values');
  }
  for (let j = 0; j < columns; j++) {
    for (let at = starts[j]; at < starts[j + 1]; at++) {
      const fits = indices[at] >= 0 && indices[at] < rows && (at === starts[j] || indices[at] > indices[at - 1]);
      if (!fits) throw wrongShape(`rows of sparse column ${j + 1} are not ascending within 0 to ${rows - 1}`);
      if (!Number.isFinite(values[at])) throw notFinite(`row ${indices[at] + 1} of column ${j + 1}`, values[at]);
    }
  }
}

/** Sparse columns with their zeros. */
export function writeOut({ rows, columns, starts, indices, values }: SparseFeatures): DenseFeatures {
  const data = new Float64Array(rows * columns);
  for (let j = 0; j < columns; j++) {
    for (let at = starts[j]; at < starts[j + 1]; at++) data[j * rows + indices[at]] = values[at];
  }
  return { rows, columns, data };
}

/** Values that are written out at most for what needs full columns: 1 GiB. */
const MOST_WRITTEN = 2 ** 27;

/** Features that are dense, sparse ones written out. @throws BallastError PATH_DENSE where they are too many */
export function requireDense(features: Features, what: string): DenseFeatures {
  if (!isSparse(features)) return features;
  const { rows, columns } = features;
  if (rows * columns <= MOST_WRITTEN) return writeOut(features);
  throw new BallastError(
    `${what} are made of dense columns, and ${rows} rows of ${columns} sparse ones are too many to be written out`,
    {
      code: 'PATH_DENSE',
      remedy: 'Choose another way, or give fewer columns',
    },
  );
}

/** A loop without calls: there may be many millions. */
function firstNotFinite(data: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] * 0;
  return sum === 0 ? -1 : data.findIndex((value) => !Number.isFinite(value));
}

export function notFinite(place: string, value: number): BallastError {
  return new BallastError('a path is fitted to finite numbers', {
    code: 'PATH_NOT_FINITE',
    place,
    value: String(value),
    remedy: 'Fill missing values in, or remove the row or column',
  });
}

function wrongShape(message: string): BallastError {
  return new BallastError(message, { code: 'PATH_SHAPE', remedy: 'Mend the shape' });
}

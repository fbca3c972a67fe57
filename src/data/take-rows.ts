import type { ArrayColumn, Column, NumberColumn, SparseColumn, Table } from './table.js';

/** A table of the given rows alone, in their order: a copy. */
export function takeRows({ columns }: Table, rows: Uint32Array): Table {
  return { rows: rows.length, columns: columns.map((column) => takeColumn(column, rows)) };
}

function takeColumn(column: Column, rows: Uint32Array): Column {
  switch (column.kind) {
    case 'number':
      return { ...column, values: takenValues(column.values, rows) };
    case 'time':
      return { ...column, values: Float64Array.from(rows, (row) => column.values[row]) };
    case 'category':
      return { ...column, codes: Int32Array.from(rows, (row) => column.codes[row]) };
    case 'text':
      return { ...column, values: Array.from(rows, (row) => column.values[row]) };
    case 'array':
      return { ...column, data: takenArrays(column, rows) };
    case 'sparse':
      return takenSparse(column, rows);
  }
}

function takenValues(values: NumberColumn['values'], rows: Uint32Array): NumberColumn['values'] {
  return values instanceof Float32Array
    ? Float32Array.from(rows, (row) => values[row])
    : Float64Array.from(rows, (row) => values[row]);
}

function takenArrays({ data, shape }: ArrayColumn, rows: Uint32Array): ArrayColumn['data'] {
  const size = shape.reduce((a, b) => a * b, 1);
  const length = rows.length * size;
  const taken =
    data instanceof Uint8Array
      ? new Uint8Array(length)
      : data instanceof Int32Array
        ? new Int32Array(length)
        : new Float32Array(length);
  for (let i = 0; i < rows.length; i++) taken.set(data.subarray(rows[i] * size, (rows[i] + 1) * size), i * size);
  return taken;
}

function takenSparse(column: SparseColumn, rows: Uint32Array): SparseColumn {
  const { starts, indices, values } = column;
  const ends = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => {
    ends[i + 1] = ends[i] + starts[row + 1] - starts[row];
  });
  const taken = {
    indices: new Int32Array(ends[rows.length]),
    values: values instanceof Float32Array ? new Float32Array(ends[rows.length]) : new Float64Array(ends[rows.length]),
  };
  rows.forEach((row, i) => {
    taken.indices.set(indices.subarray(starts[row], starts[row + 1]), ends[i]);
    taken.values.set(values.subarray(starts[row], starts[row + 1]), ends[i]);
  });
  return { ...column, starts: ends, ...taken };
}

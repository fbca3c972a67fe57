import { float32, int64, sizeOf, type Tensor } from '../../graph/tensor.js';
import { textOf, typeError } from '../column-values.js';
import { requireColumn } from '../roles.js';
import type { Column, SparseColumn, Table } from '../table.js';
import { MISSING_INTEGER, type RawInput } from './feature-block.js';

/**
 * Raw columns as a served model takes them: float32 and int64 [rows, 1] (missing: NaN and -2^63), string [rows, 1]
 * (missing: ''), arrays [rows, ...shape].
 *
 * @throws BallastError DATA_COLUMN_ABSENT, DATA_COLUMN_TYPE
 */
export function rawTensors(inputs: readonly RawInput[], table: Table, rows: Uint32Array): Record<string, Tensor> {
  return Object.fromEntries(
    inputs.map((input) => [input.name, rawTensor(input, requireColumn(table, input.column, 'the input column'), rows)]),
  );
}

function rawTensor({ type, shape }: RawInput, column: Column, rows: Uint32Array): Tensor {
  const extents = [rows.length, ...shape];
  if (column.kind === 'sparse') return sparseRows(column, extents, rows);
  if (column.kind === 'array') return arrayRows(column, type, extents, rows);
  if (type === 'string') {
    const text = textOf(column);
    return { type: 'string', shape: extents, data: Array.from(rows, text) };
  }
  if (column.kind !== 'number' && column.kind !== 'time') throw typeError(column, 'numbers', 'the input');
  const { values } = column;
  if (type === 'float32')
    return float32(
      extents,
      Float32Array.from(rows, (row) => values[row]),
    );
  return int64(
    extents,
    BigInt64Array.from(Array.from(rows), (row) =>
      Number.isNaN(values[row]) ? MISSING_INTEGER : BigInt(Math.round(values[row])),
    ),
  );
}

/** Rows written out in full; a file of fewer numbers a row has zeros for the rest. */
function sparseRows(column: SparseColumn, extents: readonly number[], rows: Uint32Array): Tensor {
  const { name, width, starts, indices, values } = column;
  const size = sizeOf(extents.slice(1));
  if (width > size) throw typeError(column, `${size} numbers a row`, `the input "${name}", with ${width} a row,`);
  const out = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    for (let at = starts[row]; at < starts[row + 1]; at++) out[i * size + indices[at]] = values[at];
  });
  return float32(extents, out);
}

function arrayRows(
  { data, name, shape, content }: Extract<Column, { kind: 'array' }>,
  type: RawInput['type'],
  extents: readonly number[],
  rows: Uint32Array,
): Tensor {
  const size = sizeOf(shape);
  if (size !== sizeOf(extents.slice(1))) {
    throw typeError(
      { kind: 'array', name, shape, content, data },
      `arrays of shape [${extents.slice(1)}]`,
      'the input',
    );
  }
  if (type === 'int64') {
    const out = new BigInt64Array(rows.length * size);
    rows.forEach((row, i) => {
      for (let j = 0; j < size; j++) out[i * size + j] = BigInt(data[row * size + j]);
    });
    return int64(extents, out);
  }
  const out = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    out.set(data.subarray(row * size, (row + 1) * size), i * size);
  });
  return float32(extents, out);
}

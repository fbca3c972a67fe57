import type { GraphBuilder, Value } from '../builder.js';
import { float32 } from '../tensor.js';

/** A small dense matrix, row by row: the constants that lowered convolutions multiply by. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: readonly number[];
}

export function matrix(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, columns: rows[0].length, values: rows.flat() };
}

export function transposed({ rows, columns, values }: Matrix): Matrix {
  const result: number[] = [];
  for (let j = 0; j < columns; j++) for (let i = 0; i < rows; i++) result.push(values[i * columns + j]);
  return { rows: columns, columns: rows, values: result };
}

export function product(a: Matrix, b: Matrix): Matrix {
  const values = new Array<number>(a.rows * b.columns).fill(0);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.values[i * a.columns + k];
      if (factor === 0) continue;
      for (let j = 0; j < b.columns; j++) values[i * b.columns + j] += factor * b.values[k * b.columns + j];
    }
  }
  return { rows: a.rows, columns: b.columns, values };
}

/** The Kronecker product: block (i, j) is a[i, j] * b. */
export function kronecker(a: Matrix, b: Matrix): Matrix {
  const values: number[] = [];
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < b.rows; k++) {
      for (let j = 0; j < a.columns; j++) {
        for (let l = 0; l < b.columns; l++) {
          values.push(a.values[i * a.columns + j] * b.values[k * b.columns + l]);
        }
      }
    }
  }
  return { rows: a.rows * b.rows, columns: a.columns * b.columns, values };
}

export function identity(size: number): Matrix {
  const values = new Array<number>(size * size).fill(0);
  for (let i = 0; i < size; i++) values[i * size + i] = 1;
  return { rows: size, columns: size, values };
}

/** The matrix with its rows in another order. */
export function reordered({ columns, values }: Matrix, order: readonly number[]): Matrix {
  return {
    rows: order.length,
    columns,
    values: order.flatMap((row) => values.slice(row * columns, (row + 1) * columns)),
  };
}

export function constantMatrix(b: GraphBuilder, { rows, columns, values }: Matrix): Value {
  return b.constant(float32([rows, columns], Float32Array.from(values)));
}

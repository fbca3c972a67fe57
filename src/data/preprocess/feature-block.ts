import type { Table } from '../table.js';
import type { NodeList } from './node-list.js';

/** One column of the `features` tensor: what it is called, and the raw column it is made from. */
export interface Feature {
  readonly name: string;
  readonly column: string;
}

/** Encodes rows[from .. to) into `out`, row-major of `width`, starting at column `offset`. `out` is zero beforehand. */
export type FeatureWriter = (
  rows: Uint32Array,
  from: number,
  to: number,
  out: Float32Array,
  width: number,
  offset: number,
) => void;

/** Values of one encoded row that are not 0: their features, ascending, in `features[0 .. count)`, and themselves. */
export interface RowEntries {
  readonly features: Int32Array;
  readonly values: Float32Array;
  count: number;
}

/**
 * Columns of one kind, fitted. The encoding exists twice, as a loop over columns in memory (training) and as ONNX nodes
 * (the served model); both round to float32 at the same places, so that they give the same numbers.
 */
export interface FeatureBlock {
  readonly features: readonly Feature[];
  /** Binds the encoding to a table's columns. Throws DATA_COLUMN_ABSENT or DATA_COLUMN_TYPE where they do not fit. */
  writer(table: Table): FeatureWriter;
  /** Of features of which most are 0: the others alone, the result good until the next call. */
  entries?(table: Table): (row: number) => RowEntries;
  /** Adds the nodes from the raw inputs; returns the name of the [N, features] result. */
  nodes(list: NodeList): string;
}

/** A graph input that holds one raw column. */
export interface RawInput {
  /** Name of the graph's input; the column's own, unless that is taken by an output. */
  readonly name: string;
  readonly column: string;
  readonly type: 'float32' | 'int64' | 'string';
  /** Without the leading batch dimension. */
  readonly shape: readonly number[];
}

/** Writes the rows out in full. */
export function writeEntries(entries: (row: number) => RowEntries): FeatureWriter {
  return (rows, from, to, out, width, offset) => {
    for (let i = from, at = offset; i < to; i++, at += width) {
      const { features, values, count } = entries(rows[i]);
      for (let k = 0; k < count; k++) out[at + features[k]] = values[k];
    }
  };
}

/** What stands for a missing value in int64 inputs, which have no NaN. */
export const MISSING_INTEGER = -(2n ** 63n);

/** Why a column has no encoding: it is the same in every training row, or no training row has a value. */
export type Unfit = 'constant' | 'empty';

/** The nearest float32; -0 becomes 0, since JSON does not keep its sign. */
export const toFloat32 = (value: number): number => Math.fround(value) + 0;

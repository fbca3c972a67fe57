import type { Table } from '../table.js';
import type { FeatureBlock } from './feature-block.js';

/** Encoded rows as compressed columns: those of feature j stand from `starts[j]` to `starts[j + 1]`; others are 0. */
export interface EncodedColumns {
  readonly rows: number;
  readonly columns: number;
  readonly starts: Int32Array;
  /** Row of each value, ascending within a column. */
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

/** Rows of features that are written out in full at a time, where a block does not know which are 0. */
const CHUNK = 256;

/** Encodes rows without writing out what is 0. */
export function encodeColumns(blocks: readonly FeatureBlock[], table: Table, rows: Uint32Array): EncodedColumns {
  const parts = blocks.map((block) => byRows(block, table, rows));
  const columns = blocks.reduce((sum, { features }) => sum + features.length, 0);
  const starts = new Int32Array(columns + 1);
  let offset = 0;
  parts.forEach(({ features, count }, part) => {
    for (let at = 0; at < count; at++) starts[offset + features[at] + 1]++;
    offset += blocks[part].features.length;
  });
  for (let j = 0; j < columns; j++) starts[j + 1] += starts[j];
  const next = starts.slice();
  const indices = new Int32Array(starts[columns]);
  const values = new Float64Array(starts[columns]);
  offset = 0;
  parts.forEach((part, number) => {
    for (let row = 0; row < rows.length; row++) {
      for (let at = part.ends[row]; at < part.ends[row + 1]; at++) {
        const to = next[offset + part.features[at]]++;
        indices[to] = row;
        values[to] = part.values[at];
      }
    }
    offset += blocks[number].features.length;
  });
  return { rows: rows.length, columns, starts, indices, values };
}

interface Rows {
  features: Int32Array;
  values: Float32Array;
  count: number;
  /** Where each row's values end, behind a 0. */
  readonly ends: Int32Array;
}

function byRows(block: FeatureBlock, table: Table, rows: Uint32Array): Rows {
  const found: Rows = {
    features: new Int32Array(16 * rows.length),
    values: new Float32Array(16 * rows.length),
    count: 0,
    ends: new Int32Array(rows.length + 1),
  };
  const entries = block.entries?.(table);
  if (entries === undefined) fromFull(block, table, rows, found);
  else {
    rows.forEach((row, i) => {
      const { features, values, count } = entries(row);
      for (let k = 0; k < count; k++) add(found, features[k], values[k]);
      found.ends[i + 1] = found.count;
    });
  }
  return found;
}

function fromFull({ features, writer }: FeatureBlock, table: Table, rows: Uint32Array, found: Rows): void {
  const width = features.length;
  const write = writer(table);
  const chunk = new Float32Array(CHUNK * width);
  for (let from = 0; from < rows.length; from += CHUNK) {
    const to = Math.min(from + CHUNK, rows.length);
    write(rows, from, to, chunk.fill(0), width, 0);
    for (let i = from, at = 0; i < to; i++) {
      for (let j = 0; j < width; j++, at++) if (chunk[at] !== 0) add(found, j, chunk[at]);
      found.ends[i + 1] = found.count;
    }
  }
}

function add(found: Rows, feature: number, value: number): void {
  if (found.count === found.features.length) {
    const [features, values] = [new Int32Array(2 * found.count + 16), new Float32Array(2 * found.count + 16)];
    features.set(found.features);
    values.set(found.values);
    Object.assign(found, { features, values });
  }
  found.features[found.count] = feature;
  found.values[found.count++] = value;
}

import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { int } from '../../graph/model.js';
import { typeError } from '../column-values.js';
import { requireColumn } from '../roles.js';
import type { SparseColumn, Table } from '../table.js';
import {
  type Feature,
  type FeatureBlock,
  type RawInput,
  type RowEntries,
  type Unfit,
  writeEntries,
} from './feature-block.js';
import type { NodeList } from './node-list.js';

/**
 * Sparse numbers as they are: neither centred, which would make them dense, nor scaled. Places that are 0 in every
 * training row are left out. The served model takes rows written out in full.
 */
export const sparseEncodingSchema = z.strictObject({
  column: z.string(),
  input: z.string(),
  width: z.int().min(1),
  /** Places that are features, ascending. */
  kept: z.array(z.int().min(0)),
});

type SparseEncoding = z.infer<typeof sparseEncodingSchema>;

/** Fits one column on the training rows. */
export function fitSparse(column: SparseColumn, input: string, rows: Uint32Array): SparseEncoding | Unfit {
  const { name, width, starts, indices } = column;
  const seen = new Uint8Array(width);
  for (const row of rows) for (let at = starts[row]; at < starts[row + 1]; at++) seen[indices[at]] = 1;
  const kept: number[] = [];
  seen.forEach((is, place) => {
    if (is === 1) kept.push(place);
  });
  return kept.length === 0 ? 'constant' : { column: name, input, width, kept };
}

export function sparseBlock(encoding: SparseEncoding): FeatureBlock {
  const { column, kept } = encoding;
  return {
    features: kept.map((place): Feature => ({ name: `${column}[${place}]`, column })),
    writer: (table) => writeEntries(bindSparse(encoding, table)),
    entries: (table) => bindSparse(encoding, table),
    nodes: (list) => sparseNodes(encoding, list),
  };
}

export function sparseInput({ column, input, width }: SparseEncoding): RawInput {
  return { name: input, column, type: 'float32', shape: [width] };
}

function bindSparse({ column: name, width, kept }: SparseEncoding, table: Table): (row: number) => RowEntries {
  const column = requireColumn(table, name, 'the feature column');
  if (column.kind !== 'sparse') throw typeError(column, 'sparse numbers', 'the feature');
  if (column.width > width) {
    throw new BallastError(`column "${name}" has ${column.width} numbers a row, and the model was fitted on ${width}`, {
      code: 'DATA_ARRAY_SHAPE',
      place: 'data',
      remedy: 'Leave out the numbers that the model does not know',
    });
  }
  const feature = new Int32Array(width).fill(-1);
  kept.forEach((place, index) => {
    feature[place] = index;
  });
  const { starts, indices, values } = column;
  const longest = starts.reduce((most, start, row) => Math.max(most, row === 0 ? 0 : start - starts[row - 1]), 0);
  const entries = { features: new Int32Array(longest), values: new Float32Array(longest), count: 0 };
  return (row) => {
    entries.count = 0;
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      const index = feature[indices[at]];
      if (index === -1) continue;
      entries.features[entries.count] = index;
      entries.values[entries.count++] = values[at];
    }
    return entries;
  };
}

function sparseNodes({ input, width, kept }: SparseEncoding, list: NodeList): string {
  return kept.length === width
    ? list.op('Identity', [input])
    : list.op('Gather', [input, list.integers(kept)], { axis: int(1) });
}

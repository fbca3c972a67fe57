import type { Table } from '../data/table.js';
import type { Tensor } from '../graph/tensor.js';
import type { ModelPorts } from './model-ports.js';

/** Rows of a table as a model is fed them, in batches made one at a time; whole ones only, where the batch is fixed. */
export function feedBatches(
  ports: ModelPorts,
  table: Table,
  rows: Uint32Array,
  batchSize: number,
): () => Generator<Record<string, Tensor>> {
  const size = ports.batch ?? batchSize;
  return function* batches() {
    for (let from = 0; from < rows.length; from += size) {
      const part = rows.subarray(from, from + size);
      if (ports.batch === undefined || part.length === size) yield ports.feed(table, part);
    }
  };
}

import { GraphBuilder } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import { inline } from '../graph/inline.js';
import type { Graph } from '../graph/model.js';
import type { Runtime, SessionOptions } from '../graph/runtime/runtime.js';
import { type DataType, sizeOf } from '../graph/tensor.js';
import type { InputDescription } from '../regularizers/regularizer.js';
import type { BoundData } from './program.js';

/**
 * Runs a graph with the network's inputs over rows of the bound data, in inference mode.
 *
 * @param output which output; the first by default
 * @returns [rows.length, ...] row-major
 */
export async function runGraph(
  runtime: Runtime,
  graph: Graph,
  {
    inputs,
    data,
    rows,
    output = graph.outputs[0].name,
    session: options,
  }: {
    readonly inputs: readonly (InputDescription & { readonly type: DataType })[];
    readonly data: BoundData;
    readonly rows: Int32Array;
    readonly output?: string;
    readonly session: SessionOptions;
  },
): Promise<Float32Array> {
  if (rows.length === 0) return new Float32Array(0);
  const batchSize = Math.min(256, rows.length);
  const b = new GraphBuilder('run');
  const index = b.input('batch.index', 'int64', [batchSize]);
  const fed = Object.fromEntries(
    inputs.map(({ name, type, shape }) => [
      name,
      b.gather(b.input(`data.${name}`, type, [data.rows, ...shape]), index),
    ]),
  );
  const results = inline(b, graph, {
    inputs: fed,
    prefix: 'model.',
    replace: (node, nodeInputs) => (node.opType === 'Dropout' ? [nodeInputs[0]!] : undefined),
  });
  b.output('output', results[output]);
  const { shape } = results[output];
  const width = sizeOf(shape) / batchSize;
  const session = await runtime.load(writeModel(b.model()), options);
  const indices = runtime.allocate('int64', [batchSize]);
  const target = runtime.allocate('float32', shape);
  const all = { ...data.tensors, 'batch.index': indices };
  const binding = session.bind(
    Object.fromEntries(session.inputs.map(({ name }) => [name, all[name as keyof typeof all]])),
    { output: target },
  );
  try {
    const result = new Float32Array(rows.length * width);
    const at = indices.data as BigInt64Array;
    for (let start = 0; start < rows.length; start += batchSize) {
      const count = Math.min(batchSize, rows.length - start);
      // The last, smaller batch repeats its first row: shapes are static, and the surplus is dropped.
      for (let i = 0; i < batchSize; i++) at[i] = BigInt(rows[start + (i < count ? i : 0)]);
      await binding.run();
      result.set((target.data as Float32Array).subarray(0, count * width), start * width);
    }
    return result;
  } finally {
    binding.release();
    session.release();
    indices.release();
    target.release();
  }
}

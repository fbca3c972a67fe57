import { GraphBuilder, type Value } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import { inline } from '../graph/inline.js';
import type { Graph } from '../graph/model.js';
import type { Runtime, SessionOptions } from '../graph/runtime/runtime.js';
import type { DataType } from '../graph/tensor.js';
import type { InputDescription } from '../regularizers/regularizer.js';
import type { BoundData } from './program.js';

/** Rows of the bound data, and what runs over them. */
export interface RowRun {
  readonly inputs: readonly (InputDescription & { readonly type: DataType })[];
  readonly data: BoundData;
  readonly rows: Int32Array;
  readonly session: SessionOptions;
}

/**
 * Runs a graph with the network's inputs over rows of the bound data, in inference mode.
 *
 * @param output which output; the first by default
 * @returns [rows.length, ...] row-major
 */
export async function runGraph(
  runtime: Runtime,
  graph: Graph,
  { output = graph.outputs[0].name, ...run }: RowRun & { readonly output?: string },
): Promise<Float32Array> {
  if (run.rows.length === 0) return new Float32Array(0);
  let result = new Float32Array(0);
  await overBatches(
    runtime,
    run,
    (b, { inputs }) => {
      const results = inline(b, graph, {
        inputs,
        prefix: 'model.',
        replace: (node, nodeInputs) => (node.opType === 'Dropout' ? [nodeInputs[0]!] : undefined),
      });
      return { output: results[output] };
    },
    ({ output: values }, { start, count, batchSize }) => {
      const width = values.length / batchSize;
      if (start === 0) result = new Float32Array(run.rows.length * width);
      result.set(values.subarray(0, count * width), start * width);
    },
  );
  return result;
}

/**
 * Sums over rows of what `build` makes of a batch: it is given the network's inputs and a weight a row, [batch], 0 for rows
 * that only fill up the last batch. Each value it returns is summed over batches, in double precision.
 */
export async function sumOverRows(
  runtime: Runtime,
  run: RowRun & { readonly weights?: Float32Array | undefined },
  build: (b: GraphBuilder, batch: RowBatch) => Readonly<Record<string, Value>>,
): Promise<ReadonlyMap<string, Float64Array>> {
  const sums = new Map<string, Float64Array>();
  await overBatches(runtime, run, build, (values) => {
    for (const [name, part] of Object.entries(values)) {
      const sum = sums.get(name) ?? new Float64Array(part.length);
      for (let i = 0; i < part.length; i++) sum[i] += part[i];
      sums.set(name, sum);
    }
  });
  return sums;
}

interface RowBatch {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly weight: Value;
}

async function overBatches(
  runtime: Runtime,
  { inputs, data, rows, session: options, weights }: RowRun & { readonly weights?: Float32Array | undefined },
  build: (b: GraphBuilder, batch: RowBatch) => Readonly<Record<string, Value>>,
  visit: (
    values: Readonly<Record<string, Float32Array>>,
    at: { readonly start: number; readonly count: number; readonly batchSize: number },
  ) => void,
): Promise<void> {
  const batchSize = Math.min(256, rows.length);
  const b = new GraphBuilder('run');
  const index = b.input('batch.index', 'int64', [batchSize]);
  const fed = Object.fromEntries(
    inputs.map(({ name, type, shape }) => [
      name,
      b.gather(b.input(`data.${name}`, type, [data.rows, ...shape]), index),
    ]),
  );
  const made = build(b, { inputs: fed, weight: b.input('batch.weight', 'float32', [batchSize]) });
  for (const [name, value] of Object.entries(made)) b.output(name, value);
  const session = await runtime.load(writeModel(b.model()), options);
  const indices = runtime.allocate('int64', [batchSize]);
  const weight = runtime.allocate('float32', [batchSize]);
  const targets = Object.fromEntries(
    Object.entries(made).map(([name, { shape }]) => [name, runtime.allocate('float32', shape)]),
  );
  const all = { ...data.tensors, 'batch.index': indices, 'batch.weight': weight };
  const binding = session.bind(
    Object.fromEntries(session.inputs.map(({ name }) => [name, all[name as keyof typeof all]])),
    targets,
  );
  try {
    const at = indices.data as BigInt64Array;
    const counts = weight.data as Float32Array;
    for (let start = 0; start < rows.length; start += batchSize) {
      const count = Math.min(batchSize, rows.length - start);
      // The last, smaller batch repeats its first row: shapes are static, and the surplus is dropped.
      for (let i = 0; i < batchSize; i++) {
        const row = rows[start + (i < count ? i : 0)];
        at[i] = BigInt(row);
        counts[i] = i < count ? (weights?.[row] ?? 1) : 0;
      }
      await binding.run();
      visit(Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, target.data as Float32Array])), {
        start,
        count,
        batchSize,
      });
    }
  } finally {
    binding.release();
    session.release();
    for (const bound of [indices, weight, ...Object.values(targets)]) bound.release();
  }
}

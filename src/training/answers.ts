import { BallastError } from '../errors.js';
import { IR_VERSION, OPSET } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import type { Model } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { type NumericArray, sizeOf, type Tensor, type TensorData } from '../graph/tensor.js';
import type { Asset } from '../regularizers/regularizer.js';

const BATCH = 512;

/**
 * What a model answers on every row, run as it was read.
 *
 * @param encoded the rows as the network takes them, for models that take them so
 * @returns [rows, width] row-major; zeros where the raw columns of a row are not known
 * @throws BallastError ASSET_INPUT where the model does not take such rows
 */
export async function answersOf(
  runtime: Runtime,
  { graph, raw }: Asset,
  output: string,
  encoded: Readonly<Record<string, Tensor<NumericArray>>>,
): Promise<{ width: number; data: Float32Array }> {
  const model: Model = raw?.model ?? {
    irVersion: IR_VERSION,
    opsets: new Map([
      ['', OPSET],
      ['ai.onnx.ml', 3],
      ['com.microsoft', 1],
    ]),
    producer: { name: 'ballast', version: '' },
    graph,
    metadata: new Map(),
  };
  const rows = Object.values(encoded)[0].shape[0];
  const session = await runtime.load(writeModel(model));
  try {
    const feeds = raw?.feeds ?? matched(session.inputs, encoded);
    const known = Object.values(feeds)[0].shape[0];
    let width = 0;
    let data = new Float32Array(0);
    for (let from = 0; from < known; from += BATCH) {
      const to = Math.min(known, from + BATCH);
      const part = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, rowsOf(tensor, from, to)]));
      const result = (await session.run(part, [output]))[output];
      if (from === 0) {
        width = sizeOf(result.shape.slice(1));
        data = new Float32Array(rows * width);
      }
      data.set(Float32Array.from(result.data as Iterable<number | bigint>, Number), from * width);
    }
    return { width, data };
  } finally {
    session.release();
  }
}

/** Inputs by name, or the one input there is. */
function matched(
  inputs: readonly { readonly name: string }[],
  encoded: Readonly<Record<string, Tensor<NumericArray>>>,
): Record<string, Tensor> {
  const given = Object.entries(encoded);
  return Object.fromEntries(
    inputs.map(({ name }) => {
      const found = encoded[name] ?? (inputs.length === 1 && given.length === 1 ? given[0][1] : undefined);
      if (found !== undefined) return [name, found];
      throw new BallastError(`the model takes "${name}", which the rows of this run do not have`, {
        code: 'ASSET_INPUT',
        place: 'regularizers',
        remedy: `They have ${given.map(([key]) => key).join(', ')}`,
      });
    }),
  );
}

function rowsOf({ type, shape, data }: Tensor, from: number, to: number): Tensor {
  const size = sizeOf(shape.slice(1));
  const part = (data as NumericArray).slice(from * size, to * size) as TensorData;
  return { type, shape: [to - from, ...shape.slice(1)], data: part };
}

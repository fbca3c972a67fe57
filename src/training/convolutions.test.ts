import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../graph/format/encode.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32, int64, type NumericArray, type Tensor } from '../graph/tensor.js';
import { buildModel } from '../models/build.js';
import { modelOptions, type NativeModelOptions } from '../models/options.js';
import { readArchitecture } from './architecture.js';
import { sgd } from './optimizers.js';
import { compileStep } from './step.js';

/** Steps of a CNN on handwritten digits, with plain and with lowered convolutions. */

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

const ROWS = 640;
const BATCH = 32;

function digits(folder: string): { x: Tensor<Float32Array>; target: Tensor<BigInt64Array> } {
  const read = (name: string): Uint8Array => gunzipSync(readFileSync(join(folder, 'mnist-t10k', name)));
  const pixels = read('t10k-images-idx3-ubyte.gz').subarray(16, 16 + ROWS * 784);
  const labels = read('t10k-labels-idx1-ubyte.gz').subarray(8, 8 + ROWS);
  return {
    x: float32(
      [ROWS, 1, 28, 28],
      Float32Array.from(pixels, (pixel) => pixel / 255),
    ),
    target: int64([ROWS], Array.from(labels)),
  };
}

/** The loss of each step of plain gradient descent. */
async function losses(convolutions: 'lowered' | 'plain', folder: string, steps: number): Promise<number[]> {
  const input = { name: 'x', type: 'float32', shape: [1, 28, 28], content: 'image' } as const;
  const model = modelOptions.parse({
    type: 'cnn',
    layers: [{ conv: 8 }, { pool: 2 }, { conv: 16 }, { conv: 16 }, { pool: 2 }],
  });
  const graph = buildModel(model as NativeModelOptions, { inputs: [input], outputs: 10, seed: 1 });
  const compiled = compileStep(
    {
      architecture: readArchitecture(graph),
      inputs: [input],
      task: 'classification',
      outputs: 10,
      batchSize: BATCH,
      rows: ROWS,
      trainRows: ROWS,
      classRows: [],
      classes: [],
      columns: [],
      epochs: 1,
      seed: 1,
      hasWeights: false,
      classWeights: undefined,
      regularizers: [],
      optimizer: sgd({ momentum: 0, nesterov: false }),
      gradientClip: undefined,
    },
    { updates: 'host', convolutions },
  );
  const session = await runtime.load(writeModel(compiled.model));
  const { x, target } = digits(folder);
  const weights = new Map(
    compiled.packs.map(({ name, shape }) => {
      const { data } = graph.initializers.get(name) as Tensor<Float32Array>;
      return [name, float32(shape, data.slice())];
    }),
  );
  const found: number[] = [];
  for (let step = 0; step < steps; step++) {
    const index = int64(
      [BATCH],
      Array.from({ length: BATCH }, (_, i) => (step * BATCH + i) % ROWS),
    );
    const feeds: Record<string, Tensor<NumericArray>> = { 'data.x': x, 'data.target': target, 'batch.index': index };
    for (const name of compiled.scalars.keys()) feeds[name] = float32([], [0.1]);
    for (const [name, value] of weights) feeds[`parameter.${name}`] = value;
    const results = await session.run(feeds);
    found.push(Number(results.loss.data[0]));
    for (const [name, { data }] of weights) {
      const gradient = results[`gradient.${name}`].data as Float32Array;
      for (let i = 0; i < data.length; i++) data[i] -= 0.1 * gradient[i];
    }
  }
  session.release();
  return found;
}

describe.skipIf(!process.env.BALLAST_DATASETS)('lowered convolutions (needs BALLAST_DATASETS)', () => {
  it('train as plain ones do', async () => {
    const folder = process.env.BALLAST_DATASETS!;
    const plain = await losses('plain', folder, 60);
    const lowered = await losses('lowered', folder, 60);
    // Rounding grows from step to step; the first steps show that it is rounding.
    for (let step = 0; step < 5; step++) expect(Math.abs(lowered[step] / plain[step] - 1)).toBeLessThan(1e-4);
    const last = (of: number[]): number => of.slice(-10).reduce((sum, loss) => sum + loss, 0) / 10;
    expect(last(plain)).toBeLessThan(0.6);
    expect(Math.abs(last(lowered) - last(plain))).toBeLessThan(0.02);
  });

  it('give the same losses, bit for bit, when run again', async () => {
    const folder = process.env.BALLAST_DATASETS!;
    expect(await losses('lowered', folder, 10)).toEqual(await losses('lowered', folder, 10));
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONVERSIONS, type Conversion, convert, needsUpgrade } from '../../src/compression/convert.js';
import { syntheticFeeds } from '../../src/compression/measure/feeds.js';
import { parityOf } from '../../src/compression/observe/parity.js';
import { pruneStructured } from '../../src/compression/prune/structured.js';
import { prepareModel } from '../../src/compression/quantize/prepare.js';
import { BallastError } from '../../src/errors.js';
import { writeModel } from '../../src/graph/format/encode.js';
import { readModelFile, writeModelFile } from '../../src/graph/format/file.js';
import { normalize } from '../../src/graph/format/normalize.js';
import type { Model } from '../../src/graph/model.js';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { float32, type Tensor } from '../../src/graph/tensor.js';
import { derive } from '../../src/numeric/random.js';

const PYTHON = process.env.BALLAST_PYTHON;
const DATASETS = process.env.BALLAST_DATASETS;
const SCRIPT = join(import.meta.dirname, 'compression.py');

const has = (module: string): boolean => {
  if (PYTHON === undefined) return false;
  try {
    execFileSync(PYTHON, ['-c', `import ${module}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const HAS_QUANTIZER = has('onnxruntime.quantization');

const python = <T>(...argv: string[]): T =>
  JSON.parse(
    execFileSync(PYTHON ?? '', [SCRIPT, ...argv], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
      .trim()
      .split('\n')
      .at(-1) ?? '',
  ) as T;

const SETTINGS = { perChannel: true, symmetric: false, reducedRange: false, exclude: new Set<string>() } as const;

describe.skipIf(!HAS_QUANTIZER)('compressed models (needs BALLAST_PYTHON with onnx and onnxruntime)', () => {
  let folder = '';
  let runtime: Runtime;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-compressed-'));
    runtime = await openRuntime();
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Every conversion of a model, and a pruned one; what says that it has nothing to do is left out. */
  async function variants(name: string, given: Model, feeds: Record<string, Tensor>): Promise<string[]> {
    const made: [string, Model][] = [];
    for (const method of CONVERSIONS) {
      await collect(method, made, async () => {
        const { model } = await prepareModel(runtime, given, { upgradeOpset: needsUpgrade(method) });
        const { model: converted } = await convert(runtime, model, () => [feeds], {
          ...SETTINGS,
          method,
          calibration: 'min-max',
        });
        return converted;
      });
    }
    await collect('pruned', made, async () => {
      const { model } = await prepareModel(runtime, given);
      const options = { ratio: 0.3, scope: 'layer', multipleOf: 1, most: 0.5, criterion: 'magnitude' } as const;
      return (await pruneStructured(runtime, model, feeds, options)).model;
    });
    const paths: string[] = [];
    for (const [method, converted] of made) {
      if (method !== 'pruned') {
        const parity = await parityOf(runtime, given, converted, () => [feeds]);
        for (const [output, { cosine, elements }] of Object.entries(parity)) {
          if (elements > 0) expect(cosine, `${name} ${method} ${output}`).toBeGreaterThan(0.97);
        }
      }
      const path = join(folder, `${name}-${method}.onnx`);
      await writeModelFile(converted, path);
      paths.push(path);
    }
    return paths;
  }

  async function collect(
    method: Conversion | 'pruned',
    made: [string, Model][],
    make: () => Promise<Model>,
  ): Promise<void> {
    try {
      made.push([method, await make()]);
    } catch (error) {
      if (!(error instanceof BallastError) || !/^(COMPRESS|PRUNE)_NOTHING$/.test(error.code)) throw error;
    }
  }

  it.skipIf(DATASETS === undefined)(
    'of models from elsewhere pass the checker and load in plain onnxruntime',
    async () => {
      const files = ['onnx-models', 'onnx-magika'].flatMap((name) =>
        readdirSync(join(DATASETS ?? '', name), { recursive: true, encoding: 'utf8' })
          .filter((file) => file.endsWith('.onnx'))
          .map((file) => join(DATASETS ?? '', name, file)),
      );
      const paths: string[] = [];
      for (const [i, file] of files.entries()) {
        const model = normalize(await readModelFile(file));
        const session = await runtime.load(writeModel(model));
        const feeds = syntheticFeeds(session.inputs, { batch: 1, dimensions: new Map([['input:1', 12]]) });
        session.release();
        paths.push(...(await variants(`model${i}`, model, { ...feeds })));
      }
      expect(paths.length).toBeGreaterThan(20);
      expect(
        Object.entries(python<Record<string, string | null>>('check', ...paths)).filter(([, fault]) => fault),
      ).toEqual([]);
    },
  );

  it.skipIf(DATASETS === undefined)('of static int8 are as good as those of onnxruntime’s own quantizer', async () => {
    const subjects = [await digits(), await faces()];
    for (const { name, model, calibration, rows } of subjects) {
      const { model: clean } = await prepareModel(runtime, model);
      const path = join(folder, `${name}-clean.onnx`);
      await writeModelFile(clean, path);
      const file = join(folder, `${name}.f32`);
      const [[input, { shape, data }]] = Object.entries(calibration);
      writeFileSync(file, data as Float32Array);
      const theirs = join(folder, `${name}-theirs.onnx`);
      python('quantize', path, file, input, JSON.stringify(shape), theirs, 'MinMax');
      const batches = () => rowsOf(calibration);
      const ours = await convert(runtime, clean, batches, { ...SETTINGS, method: 'static-int8', calibration: 'auto' });
      const test = () => rowsOf(rows);
      const [a, b] = [
        await parityOf(runtime, clean, ours.model, test),
        await parityOf(runtime, clean, await readModelFile(theirs), test),
      ];
      for (const output of Object.keys(a)) {
        expect(a[output].sqnrDb, `${name} ${output}: ${JSON.stringify([a[output], b[output]])}`).toBeGreaterThanOrEqual(
          (b[output].sqnrDb ?? 0) - 0.5,
        );
        expect(a[output].agreement ?? 1).toBeGreaterThanOrEqual((b[output].agreement ?? 1) - 0.005);
      }
    }
  });

  /** The digits network of the ONNX zoo on real digits. */
  async function digits() {
    const bytes = gunzipSync(readFileSync(join(DATASETS ?? '', 'mnist-t10k/t10k-images-idx3-ubyte.gz'))).subarray(16);
    const model = await readModelFile(join(DATASETS ?? '', 'onnx-models/mnist/mnist.onnx'));
    const input = model.graph.inputs[0].name;
    const { graph } = normalize(model);
    const free = { ...graph, inputs: graph.inputs.map((info) => ({ ...info, shape: [1, 1, 28, 28] })) };
    const image = (from: number, count: number) => ({
      [input]: float32([count, 1, 28, 28], Float32Array.from(bytes.subarray(from * 784, (from + count) * 784))),
    });
    return {
      name: 'digits',
      model: { ...normalize(model), graph: free },
      calibration: image(0, 300),
      rows: image(1000, 1000),
    };
  }

  /** A face detector, on smooth random pictures. */
  async function faces() {
    const model = normalize(await readModelFile(join(DATASETS ?? '', 'onnx-models/ultraface/version-RFB-320.onnx')));
    const input = model.graph.inputs[0].name;
    const pictures = (seed: number, count: number) => {
      const stream = derive('pictures', seed);
      const size = 3 * 240 * 320;
      const data = new Float32Array(count * size);
      for (let i = 0; i < count; i++) {
        const waves = Array.from({ length: 6 }, () => [
          stream.normal(0, 0.06),
          stream.normal(0, 0.06),
          6 * stream.uniform(),
        ]);
        for (let p = 0; p < size; p++) {
          const [x, y] = [p % 320, Math.floor(p / 320) % 240];
          data[i * size + p] = waves.reduce((sum, [a, b, c]) => sum + Math.sin(a * x + b * y + c), 0) / 6;
        }
      }
      return { [input]: float32([count, 3, 240, 320], data) };
    };
    return { name: 'faces', model, calibration: pictures(1, 12), rows: pictures(2, 6) };
  }

  /** One row at a time: both models take exactly one. */
  function* rowsOf(feeds: Record<string, Tensor>): Generator<Record<string, Tensor>> {
    const [[name, { shape, data }]] = Object.entries(feeds);
    const width = data.length / shape[0];
    for (let row = 0; row < shape[0]; row++) {
      const part = (data as Float32Array).slice(row * width, (row + 1) * width);
      yield { [name]: float32([1, ...shape.slice(1)], part) };
    }
  }
});

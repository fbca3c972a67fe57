/**
 * Static 8-bit quantization of a face detector nobody here wrote (RFB-320, 52 convolutions) against onnxruntime's own Python
 * quantizer on the same calibration pictures: time to quantize, speed of the result, and speed against the float model.
 *
 *     npx tsx benchmarks/compression.ts [--json] [--seconds 3]
 *
 * Needs BALLAST_DATASETS (onnx-models) and, for the peer, BALLAST_PYTHON with onnxruntime.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { convert } from '../src/compression/convert.js';
import { type BenchSubject, benchRatio } from '../src/compression/measure/bench.js';
import { parityOf } from '../src/compression/observe/parity.js';
import { prepareModel } from '../src/compression/quantize/prepare.js';
import { readModelFile, writeModelFile } from '../src/graph/format/file.js';
import { normalize } from '../src/graph/format/normalize.js';
import { openRuntime } from '../src/graph/runtime/choose.js';
import { exactByteProducts } from '../src/graph/runtime/processor.js';
import { float32 } from '../src/graph/tensor.js';
import { derive } from '../src/numeric/random.js';
import { type BenchmarkRow, machine, print } from './support/report.js';

const PICTURES = 12;
const ROUNDS = 3;

/** Smooth random pictures, [3, 240, 320]. */
function pictures(count: number): Float32Array {
  const stream = derive('benchmark', 'pictures');
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
  return data;
}

async function rows(seconds: number): Promise<BenchmarkRow[]> {
  const datasets = process.env.BALLAST_DATASETS ?? '';
  const source = join(datasets, 'onnx-models/ultraface/version-RFB-320.onnx');
  if (!existsSync(source)) throw new Error('set BALLAST_DATASETS to the folder of the data sets (onnx-models)');
  const folder = mkdtempSync(join(tmpdir(), 'ballast-benchmark-'));
  try {
    const runtime = await openRuntime();
    const { model } = await prepareModel(runtime, normalize(await readModelFile(source)));
    const [{ name: input }] = model.graph.inputs;
    const data = pictures(PICTURES);
    const width = data.length / PICTURES;
    const row = (i: number) => float32([1, 3, 240, 320], data.slice(i * width, (i + 1) * width));
    function* batches() {
      for (let i = 0; i < PICTURES; i++) yield { [input]: row(i) };
    }
    const paths = {
      float: join(folder, 'float.onnx'),
      ours: join(folder, 'ours.onnx'),
      theirs: join(folder, 'theirs.onnx'),
    };
    await writeModelFile(model, paths.float);
    const reducedRange = !(await exactByteProducts());
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      const { model: made } = await convert(runtime, model, batches, {
        ...{ method: 'static-int8', calibration: 'min-max', perChannel: true, symmetric: false },
        ...{ reducedRange, exclude: new Set<string>() },
      });
      await writeModelFile(made, paths.ours);
      times.push(performance.now() - start);
    }
    const peer = quantizedByPeer(paths, input, data, folder);
    const feeds = { [input]: row(0) };
    const subject = (path: string): BenchSubject => ({ path, feeds });
    const settings = { seconds, threads: [1] };
    const against = await benchRatio(runtime, subject(paths.ours), subject(paths.float), settings);
    const common = { unit: 'ms', threads: 1 } as const;
    const speed = (label: string, name: string, ratio: typeof against | undefined): BenchmarkRow => ({
      ...common,
      case: label,
      ours: ratio?.value ?? Number.NaN,
      peer: name,
      theirs: ratio === undefined ? 'absent' : 1,
      unit: 'time of one call / that of the peer',
      ratio: ratio?.value,
      interval: ratio?.interval,
    });
    const best = Math.min(...times);
    if (peer === undefined) {
      return [
        {
          ...common,
          case: 'quantize',
          ours: best,
          peer: 'onnxruntime.quantization',
          theirs: 'absent',
          ratio: undefined,
          interval: undefined,
        },
        speed('int8 result', 'the float32 model', against),
      ];
    }
    const theirs = await readModelFile(paths.theirs);
    const [a, b] = [
      await parityOf(runtime, model, await readModelFile(paths.ours), batches),
      await parityOf(runtime, model, theirs, batches),
    ];
    const sqnr = (parity: typeof a): string => (parity.scores.sqnrDb ?? 0).toFixed(1);
    return [
      {
        ...common,
        case: `quantize, ${PICTURES} pictures, min-max`,
        ours: best,
        peer: `onnxruntime ${peer.version} quantize_static`,
        theirs: peer.ms,
        ratio: best / peer.ms,
        interval: undefined,
        note: `signal to noise of the scores ${sqnr(a)} dB against ${sqnr(b)} dB`,
      },
      speed(
        'int8 result',
        `the int8 model of onnxruntime ${peer.version}`,
        await benchRatio(runtime, subject(paths.ours), subject(paths.theirs), settings),
      ),
      speed('int8 result', 'the float32 model', against),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The quickest of several by the Python quantizer; undefined where it is not installed. */
function quantizedByPeer(
  { float, theirs }: { float: string; theirs: string },
  input: string,
  data: Float32Array,
  folder: string,
): { ms: number; version: string } | undefined {
  const python = process.env.BALLAST_PYTHON;
  if (python === undefined) return undefined;
  const file = join(folder, 'pictures.f32');
  writeFileSync(file, data);
  const script = join(import.meta.dirname, '../test/interop/compression.py');
  const shape = JSON.stringify([PICTURES, 3, 240, 320]);
  let ms = Number.POSITIVE_INFINITY;
  let version = '';
  for (let round = 0; round < ROUNDS; round++) {
    const output = execFileSync(python, [script, 'quantize', float, file, input, shape, theirs, 'MinMax'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const answer = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { seconds: number; onnxruntime: string };
    ms = Math.min(ms, 1000 * answer.seconds);
    version = answer.onnxruntime;
  }
  return { ms, version };
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, seconds: { type: 'string', default: '3' } },
});
print({ name: 'compression', machine: machine(), rows: await rows(Number(values.seconds)) }, values.json);

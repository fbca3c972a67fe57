import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONVERSIONS, convert, needsUpgrade } from '../../src/compression/convert.js';
import { batchesOf, type Examples, feedsOf } from '../../src/compression/examples.js';
import { type ApplyOptions, Workshop } from '../../src/compression/pipeline/apply.js';
import type { Step } from '../../src/compression/pipeline/steps.js';
import { prepareModel } from '../../src/compression/quantize/prepare.js';
import { BallastError } from '../../src/errors.js';
import { removeDeadCode } from '../../src/graph/format/dead-code.js';
import { writeModel } from '../../src/graph/format/encode.js';
import { readModelFile, writeModelFile } from '../../src/graph/format/file.js';
import { normalize } from '../../src/graph/format/normalize.js';
import type { Model } from '../../src/graph/model.js';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { float32 } from '../../src/graph/tensor.js';

/**
 * What scikit-learn and PyTorch export, compressed: it passes the ONNX checker, loads in plain onnxruntime, and loses no more than a
 * point of accuracy on rows that nothing was trained on; or Ballast says that it cannot.
 */

const PYTHON = process.env.BALLAST_PYTHON;

const has = (python: string | undefined, modules: string): boolean => {
  if (python === undefined) return false;
  try {
    execFileSync(python, ['-c', `import ${modules}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const HAS_CHECKER = has(PYTHON, 'onnx, onnxruntime, sklearn');
/** Debian's PyTorch belongs to the system's Python. */
const TORCH = HAS_CHECKER ? [PYTHON, '/usr/bin/python3'].find((python) => has(python, 'torch, numpy')) : undefined;

const script = <T>(python: string, name: string, ...argv: string[]): T =>
  JSON.parse(
    execFileSync(python, [join(import.meta.dirname, name), ...argv], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      // Small models: threads that wait for each other cost more than they give.
      env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
      .trim()
      .split('\n')
      .at(-1) ?? '',
  ) as T;

interface Rows {
  readonly x: readonly number[];
  readonly shape: readonly number[];
  readonly y: readonly number[];
}

const OPTIONS: ApplyOptions = {
  ...{ learningRate: 3e-3, batchSize: 32, teacherShare: 0.5, teacherFeatures: 0, classWeighted: false },
  ...{ calibration: 'min-max', reducedRange: true, calibrationRows: 256, multipleOf: 1 },
};

const PRUNED: Readonly<Record<string, readonly Step[]>> = {
  'pruned, trained': [
    { do: 'prune', ratio: 0.2, criterion: 'taylor' },
    { do: 'distil', epochs: 6 },
  ],
  'pruned at once': [{ do: 'prune', ratio: 0.1, criterion: 'magnitude', atOnce: true }],
};

/** Share of accuracy that may be lost, where that is more than a point: `ballast compress` tells of it then. */
const ALLOWED: Readonly<Record<string, number>> = { 'pruned, trained': 0.025, 'pruned at once': 1 };

const ALL = { clean: 'made', fp16: 'made', 'dynamic-int8': 'made', 'static-int8': 'made' };
const NONE = {
  clean: 'made',
  ...{ fp16: 'COMPRESS_NOTHING', 'dynamic-int8': 'COMPRESS_NOTHING', 'static-int8': 'COMPRESS_NOTHING' },
  ...{ 'pruned, trained': 'MODEL_NOT_TRAINABLE', 'pruned at once': 'PRUNE_NOTHING' },
};
const BOTH = { 'pruned, trained': 'made', 'pruned at once': 'made' };

describe.skipIf(!HAS_CHECKER)('compressed exports (needs BALLAST_PYTHON with onnx, onnxruntime, scikit-learn)', () => {
  let folder = '';
  let runtime: Runtime;
  let sklearn: { path: string; rows: string; accuracy: number }[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-exports-'));
    runtime = await openRuntime();
    sklearn = script(PYTHON!, 'sklearn_exports.py', folder);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The rows of a model, of which its scores are the one output. */
  function subjectOf(model: Model, rows: string, shape?: readonly number[]) {
    const { x, shape: flat, y } = JSON.parse(readFileSync(join(folder, `${rows}.json`), 'utf8')) as Rows;
    const scores = model.graph.outputs.find(({ name }) => /prob|logits/.test(name))!;
    const from = (start: number, end: number) => Uint32Array.from({ length: end - start }, (_, i) => start + i);
    const fit = Math.floor((y.length * 2) / 3);
    const examples: Examples = {
      task: 'classification',
      classes: [...new Set(y)].sort((a, b) => a - b).map(String),
      output: { name: scores.name, kind: scores.name === 'logits' ? 'logits' : 'probabilities' },
      inputs: { [model.graph.inputs[0].name]: float32([y.length, ...(shape ?? flat.slice(1))], Float32Array.from(x)) },
      target: Int32Array.from(y),
    };
    return {
      network: { ...model, graph: removeDeadCode({ ...model.graph, outputs: [scores] }) },
      examples,
      rows: { fit: from(0, fit - 100), tune: from(fit - 100, fit), judge: from(fit, y.length) },
      ...{ primary: 'accuracy', seed: 1, deploy: (made: Model) => made, request: {} },
      ...{ source: { path: 'm.onnx', bytes: 1, sha256: '' }, dataVersion: 'v' },
    };
  }

  async function accuracyOf(model: Model, { examples, rows }: ReturnType<typeof subjectOf>): Promise<number> {
    const session = await runtime.load(writeModel(model));
    try {
      const { [examples.output.name]: scores } = await session.run(feedsOf(examples.inputs, rows.judge));
      const classes = examples.classes.length;
      const right = Array.from(rows.judge).filter((row, i) => {
        const own = (scores.data as Float32Array).subarray(i * classes, (i + 1) * classes);
        return own.indexOf(Math.max(...own)) === examples.target[row];
      });
      return right.length / rows.judge.length;
    } finally {
      session.release();
    }
  }

  /** Compresses in every way; what cannot be done, by its code. Files of what can are checked by ONNX itself. */
  async function compressed(
    given: Model,
    subject: ReturnType<typeof subjectOf>,
    name: string,
  ): Promise<Record<string, string>> {
    const before = await accuracyOf(given, subject);
    expect(before, name).toBeGreaterThan(0.85);
    const ways: [string, () => Promise<Model>][] = CONVERSIONS.map((method) => [
      method,
      async () => {
        const { model } = await prepareModel(runtime, given, { upgradeOpset: needsUpgrade(method) });
        const batches = batchesOf(subject.examples, subject.rows.fit.subarray(0, 256));
        const how = { perChannel: true, symmetric: false, reducedRange: false, exclude: new Set<string>() };
        return (await convert(runtime, model, batches, { ...how, method, calibration: 'min-max' })).model;
      },
    ]);
    for (const [way, steps] of Object.entries(PRUNED)) {
      ways.push([
        way,
        async () => {
          const { model: network } = await prepareModel(runtime, subject.network);
          return new Workshop(runtime, { ...subject, network }, OPTIONS).make(steps);
        },
      ]);
    }
    const outcome: Record<string, string> = {};
    const paths: string[] = [];
    for (const [way, make] of ways) {
      try {
        const model = await make();
        const lost = (before - (await accuracyOf(model, subject))) * subject.rows.judge.length;
        expect(lost, `rows that ${name} ${way} loses`).toBeLessThan(
          0.5 + Math.ceil((ALLOWED[way] ?? 0.01) * subject.rows.judge.length),
        );
        const path = join(folder, `${name}-${way}.onnx`);
        await writeModelFile(model, path);
        paths.push(path);
        outcome[way] = 'made';
      } catch (error) {
        if (!(error instanceof BallastError)) throw error;
        outcome[way] = error.code;
      }
    }
    const faults = script<Record<string, string | null>>(PYTHON!, 'compression.py', 'check', ...paths);
    expect(Object.entries(faults).filter(([, fault]) => fault !== null)).toEqual([]);
    return outcome;
  }

  it('of scikit-learn (needs skl2onnx)', async (context) => {
    context.skip(sklearn.length === 0, 'skl2onnx is not there');
    const outcomes: Record<string, Record<string, string>> = {};
    for (const { path, rows, accuracy } of sklearn) {
      const model = normalize(await readModelFile(path));
      const [name, subject] = [basename(path, '.onnx'), subjectOf(model, rows)];
      expect(await accuracyOf(model, subject), name).toBeCloseTo(accuracy, 2);
      outcomes[name] = await compressed(model, subject, name);
    }
    expect(outcomes).toEqual({ mlp: { ...ALL, ...BOTH }, logistic: NONE, forest: NONE, 'forest-plain': NONE });
  });

  it.skipIf(TORCH === undefined)('of PyTorch (needs torch, here or in /usr/bin/python3)', async () => {
    const made = script<{ path: string; shape: number[] }[]>(
      TORCH!,
      'torch_exports.py',
      join(folder, 'digits.npz'),
      folder,
    );
    const outcomes: Record<string, Record<string, string>> = {};
    for (const { path, shape } of made) {
      const model = normalize(await readModelFile(path));
      const [name, subject] = [basename(path, '.onnx'), subjectOf(model, 'digits', shape)];
      outcomes[name] = await compressed(model, subject, name);
    }
    expect(outcomes).toEqual({
      residual: { ...ALL, ...BOTH },
      attention: { ...ALL, ...BOTH },
      recurrent: { ...ALL, 'pruned, trained': 'GRAPH_NOT_DIFFERENTIABLE', 'pruned at once': 'made' },
    });
  });
});

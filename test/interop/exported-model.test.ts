import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataOptionsSchema } from '../../src/data/options.js';
import { exportModel } from '../../src/data/preprocess/export.js';
import { fitPreprocessor } from '../../src/data/preprocess/fit.js';
import { rawTensors } from '../../src/data/preprocess/raw-tensors.js';
import { resolveRoles } from '../../src/data/roles.js';
import { writeModel } from '../../src/graph/format/encode.js';
import type { Graph } from '../../src/graph/model.js';
import { float32, type Tensor } from '../../src/graph/tensor.js';
import { allRows, categories, numbers, table, texts, times } from '../support/tables.js';

const PYTHON = process.env.BALLAST_PYTHON;
const SCRIPT = join(import.meta.dirname, 'exported_model.py');

interface Answers {
  outputs: Record<string, { shape: number[]; data: (number | string)[] }>;
}

/** A model that hands its features through as logits: what another implementation makes of the raw columns shows. */
function passThrough(width: number): Graph {
  return {
    name: 'pass',
    inputs: [{ name: 'features', type: 'float32', shape: ['batch', width] }],
    outputs: [{ name: 'same', type: 'float32', shape: ['batch', width] }],
    initializers: new Map([['zero', float32([], [0])]]),
    nodes: [
      { name: 'add', opType: 'Add', domain: '', inputs: ['features', 'zero'], outputs: ['same'], attributes: {} },
    ],
    valueInfo: new Map(),
  };
}

describe.skipIf(PYTHON === undefined)('the onnx package (needs BALLAST_PYTHON, a Python with onnx)', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-exported-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  function runReference(model: Parameters<typeof writeModel>[0], feeds: Record<string, Tensor>): Answers['outputs'] {
    const [modelPath, feedsPath] = ['model.onnx', 'feeds.json'].map((name) => join(directory, name));
    writeFileSync(modelPath, writeModel(model));
    // int64 as text, since JSON numbers are doubles; NaN becomes null.
    const plain = Object.entries(feeds).map(([name, { type, shape, data }]) => {
      return [
        name,
        { type, shape, data: Array.from(data as ArrayLike<unknown>, (v) => (typeof v === 'bigint' ? String(v) : v)) },
      ];
    });
    writeFileSync(feedsPath, JSON.stringify(Object.fromEntries(plain)));
    const printed = execFileSync(PYTHON ?? '', [SCRIPT, modelPath, feedsPath], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    return (JSON.parse(printed) as Answers).outputs;
  }

  it('accepts an exported model of every scalar column kind, and its evaluator gives the same features and classes', () => {
    const count = 40;
    const rows = allRows(count);
    const of = <T>(draw: (i: number) => T): T[] => Array.from(rows, draw);
    const data = table(
      numbers(
        'n',
        of((i) => (i % 7 === 0 ? Number.NaN : Math.fround(Math.sin(i) * 100))),
      ),
      numbers(
        'flag',
        of((i) => i % 2),
        'boolean',
      ),
      numbers(
        'big',
        of((i) => (i % 11 === 0 ? Number.NaN : 1e12 + i * i)),
        'integer',
      ),
      categories(
        'c',
        of((i) => ['red', 'green', '', 'blue'][i % 4]),
      ),
      times(
        't',
        of((i) => (i === 3 ? Number.NaN : Date.UTC(1960, 0, 1) + i * 1.1e11 + i * 3.7e6)),
      ),
      texts(
        's',
        of((i) => ['call me now', 'Now or never!', 'me me\tme', 'line\nbreak now', ''][i % 5]),
      ),
      categories(
        'y',
        of((i) => `class ${i % 30}`),
      ),
    );
    const options = dataOptionsSchema.parse({
      source: 'x',
      target: 'y',
      features: { text: { ngrams: 2, minimumRows: 1 } },
    });
    const roles = resolveRoles(data, options);
    const width = fitPreprocessor(data, roles, rows, { task: 'none', features: options.features }).features.length;
    // As many classes as features, so that the features themselves can be the logits.
    const classes = Array.from({ length: width }, (_, i) => `class ${i}`);
    const preprocessor = fitPreprocessor(data, roles, rows, {
      task: 'classification',
      features: options.features,
      classes,
    });
    const { logits, label } = runReference(
      exportModel(preprocessor, passThrough(width)),
      rawTensors(preprocessor.inputs, data, rows),
    );
    const features = preprocessor.transform(data, rows).inputs.features.data as Float32Array;
    expect(logits.shape).toEqual([count, width]);
    logits.data.forEach((value, i) => {
      expect(Math.abs(Number(value) - features[i])).toBeLessThanOrEqual(1e-6);
    });
    const expected = of((i) => {
      const row = features.subarray(i * width, (i + 1) * width);
      return classes[row.indexOf(Math.max(...row))];
    });
    expect(label.data).toEqual(expected);
  });
});

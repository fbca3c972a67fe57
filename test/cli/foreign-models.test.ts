import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModel } from '../../src/graph/format/encode.js';
import type { Attribute, Model, Node } from '../../src/graph/model.js';
import { float32, type Tensor } from '../../src/graph/tensor.js';
import { ballast } from '../support/command.js';
import { customerRows, customerSpec, writeCsv, writeSpec } from '../support/small-data.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-foreign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Figures {
  readonly rows: number;
  readonly metrics: Record<string, { value: number; interval: [number, number] }>;
  readonly perClass: Record<string, { rows: number }>;
  readonly slices: { slice: string; value: string }[];
  readonly ledger: { metric: string; stages: unknown[] };
  readonly holdoutReads: number | null;
}

const node = (
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, Attribute> = {},
): Node => ({
  name: outputs[0],
  opType,
  domain: '',
  inputs,
  outputs,
  attributes,
});

/** A model of one input [N, 2] (`spent`, `age`) or several of [N, 1], with logits and probabilities of two classes. */
function model(changes: Partial<Model['graph']> = {}, metadata: Record<string, string> = {}): Model {
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 'elsewhere', version: '1' },
    metadata: new Map(Object.entries(metadata)),
    graph: {
      name: 'elsewhere',
      inputs: [{ name: 'features', type: 'float32', shape: ['n', 2] }],
      outputs: [
        { name: 'scores', type: 'float32', shape: ['n', 2] },
        { name: 'odds', type: 'float32', shape: ['n', 2] },
      ],
      initializers: new Map<string, Tensor>([
        // Spends much: gold, the second class by the alphabet.
        ['w', float32([2, 2], [-0.1, 0.1, 0, 0])],
      ]),
      nodes: [node('MatMul', ['features', 'w'], ['scores']), node('Softmax', ['scores'], ['odds'])],
      valueInfo: new Map(),
      ...changes,
    },
  };
}

/** Two additions that need each other: the first's second operand is renamed in the bytes, since a cycle is not written. */
function cyclic(): Uint8Array {
  const nodes = [
    node('Add', ['features', 'operand'], ['first']),
    node('Add', ['first', 'features'], ['another']),
    ...model().graph.nodes,
  ];
  const initializers = new Map<string, Tensor>([...model().graph.initializers, ['operand', float32([1], [1])]]);
  const bytes = Buffer.from(writeModel(model({ nodes, initializers })));
  const [from, to] = ['operand', 'another'];
  bytes.write(to, bytes.indexOf(from));
  return bytes;
}

function save(name: string, content: Model | Uint8Array): string {
  writeFileSync(join(folder, name), content instanceof Uint8Array ? content : writeModel(content));
  return name;
}

const evaluate = (name: string, ...options: string[]) =>
  ballast(folder, 'evaluate', name, '--data', 'customers.csv', '--json', ...options);
const AS = ['--target', 'plan', '--task', 'classification'];
const INPUT = ['--input', 'features=spent+age'];

beforeAll(() => {
  // No missing ages: the model has no place for them.
  writeCsv(
    join(folder, 'customers.csv'),
    customerRows(240).filter(([age]) => age !== ''),
  );
});

describe('evaluate of a model from elsewhere', () => {
  test('takes columns, output and classes as it is told', async () => {
    save('model.onnx', model());
    const { code, stderr, json } = await evaluate('model.onnx', ...AS, ...INPUT, '--output', 'scores:logits');
    expect(code, stderr).toBe(0);
    const logits = json<Figures>();
    expect(logits.rows).toBe(231);
    expect(logits.metrics.accuracy.value).toBeGreaterThan(0.8);
    expect(Object.keys(logits.perClass)).toEqual(['basic', 'gold']);
    expect(new Set(logits.slices.map(({ slice }) => slice))).toEqual(new Set(['city', 'sex']));
    expect(logits.ledger).toMatchObject({ metric: 'accuracy', stages: [] });
    expect(logits.holdoutReads).toBeNull();

    const odds = (await evaluate('model.onnx', ...AS, ...INPUT, '--output', 'odds:probabilities')).json<Figures>();
    expect(odds.metrics.logLoss.value).toBeCloseTo(logits.metrics.logLoss.value, 6);
    const swapped = ['--classes', 'gold,basic'];
    const wrong = (
      await evaluate('model.onnx', ...AS, ...INPUT, '--output', 'scores:logits', ...swapped)
    ).json<Figures>();
    expect(wrong.metrics.accuracy.value).toBeCloseTo(1 - logits.metrics.accuracy.value, 10);
  });

  test('reads classes from its metadata, and the probabilities by their name', async () => {
    save(
      'named.onnx',
      model(
        {
          outputs: [
            { name: 'scores', type: 'float32', shape: ['n', 2] },
            { name: 'probabilities', type: 'float32', shape: ['n', 2] },
          ],
          nodes: [node('MatMul', ['features', 'w'], ['scores']), node('Softmax', ['scores'], ['probabilities'])],
        },
        { 'ballast.classes': '["gold","basic"]' },
      ),
    );
    const { metrics } = (await evaluate('named.onnx', ...AS, ...INPUT)).json<Figures>();
    expect(metrics.accuracy.value).toBeLessThan(0.2);
  });

  test('takes weights, slices, features and target from a spec', async () => {
    writeSpec(folder, customerSpec());
    save(
      'columns.onnx',
      model({
        inputs: [
          { name: 'spent', type: 'float32', shape: ['n', 1] },
          { name: 'age', type: 'float32', shape: ['n', 1] },
        ],
        nodes: [
          node('Concat', ['spent', 'age'], ['features'], { axis: { kind: 'int', value: 1 } }),
          ...model().graph.nodes,
        ],
      }),
    );
    const told = await evaluate('columns.onnx', '--spec', 'spec.yaml', '--output', 'scores:logits');
    expect(told.code, told.stderr).toBe(0);
    const plain = (await evaluate('columns.onnx', ...AS, '--output', 'scores:logits')).json<Figures>();
    const weighted = told.json<Figures>();
    expect(weighted.metrics.accuracy.value).not.toBe(plain.metrics.accuracy.value);
    expect(new Set(weighted.slices.map(({ slice }) => slice))).toEqual(new Set(['city', 'sex']));
  });

  test('evaluates regressions', async () => {
    save(
      'spent.onnx',
      model({
        outputs: [{ name: 'y', type: 'float32', shape: ['n', 1] }],
        nodes: [node('MatMul', ['features', 'one'], ['y'])],
        initializers: new Map<string, Tensor>([['one', float32([2, 1], [1, 0])]]),
      }),
    );
    const options = ['--target', 'spent', '--task', 'regression', ...INPUT];
    const { metrics } = (await evaluate('spent.onnx', ...options)).json<Figures>();
    expect(metrics.rmse.value).toBeLessThan(1e-5);
    expect(metrics.r2.value).toBeCloseTo(1, 8);
  });
});

describe('what cannot be known is one error, not a guess:', () => {
  beforeAll(() => save('model.onnx', model()));

  test.each([
    ['the target', [], 'MODEL_AMBIGUOUS', /--target/],
    ['the task', ['--target', 'plan'], 'MODEL_AMBIGUOUS', /--task/],
    ['the output', [...AS, ...INPUT], 'MODEL_AMBIGUOUS', /scores: float32 \[n, 2\]; odds/],
    ['what an output is', [...AS, ...INPUT, '--output', 'scores'], 'MODEL_AMBIGUOUS', /NAME:logits/],
    ['an output that is not there', [...AS, '--output', 'y:logits'], 'MODEL_AMBIGUOUS', /no output "y"/],
    ['the columns', [...AS, '--output', 'scores:logits'], 'MODEL_AMBIGUOUS', /--input features=COLUMN/],
    [
      'an input that is not there',
      [...AS, '--output', 'scores:logits', '--input', 'x=age'],
      'MODEL_AMBIGUOUS',
      /features/,
    ],
    [
      'a column that is not there',
      [...AS, '--output', 'scores:logits', '--input', 'features=age+b'],
      'MODEL_INPUT',
      /"b"/,
    ],
    [
      'too few classes',
      [...AS, ...INPUT, '--output', 'scores:logits', '--classes', 'gold'],
      'MODEL_CLASSES',
      /2 columns/,
    ],
    ['other classes', [...AS, ...INPUT, '--output', 'scores:logits', '--classes', 'a,b'], 'EVALUATE_TARGET', /a, b/],
    ['no rows named', [...AS, '--holdout'], 'EVALUATE_ROWS', /either --holdout/],
  ])('%s', async (_, options, code, message) => {
    const { code: exit, json, stderr } = await evaluate('model.onnx', ...options);
    expect(exit).toBe(2);
    expect(json<{ error: { code: string } }>().error.code).toBe(code);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('a model file without a run has no holdout', async () => {
    await ballast(folder, 'train', 'spec.yaml');
    const { code, stderr } = await ballast(folder, 'evaluate', 'model.onnx', '--holdout');
    expect(code).toBe(2);
    expect(stderr).toMatch(/of no run of Ballast/);
  });
});

describe('a model file that is wrong is one error that names the file:', () => {
  const OUTPUT = ['--output', 'scores:logits'];

  test.each<[string, Model | Uint8Array, RegExp]>([
    ['a cycle', cyclic(), /need each other/],
    [
      'an operator that is none',
      model({ nodes: [node('MatMull', ['features', 'w'], ['scores']), node('Softmax', ['scores'], ['odds'])] }),
      /rejects the model/,
    ],
    [
      'shapes that do not fit',
      model({ initializers: new Map([['w', float32([3, 2], new Float32Array(6))]]) }),
      /rejects the model/,
    ],
    ['half a file', writeModel(model()).subarray(0, 90), /damaged/],
    ['another file', Buffer.from('spent,age\n1,2\n'), /not an ONNX model/],
    ['nothing', new Uint8Array(0), /empty/],
  ])('%s', async (_, content, message) => {
    save('wrong.onnx', content);
    const { code, stdout, stderr } = await evaluate('wrong.onnx', ...AS, ...INPUT, ...OUTPUT);
    expect(code, stderr).toBe(2);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^ballast: \S*wrong\.onnx: /);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

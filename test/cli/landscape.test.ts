import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModel } from '../../src/graph/format/encode.js';
import type { Attribute, Model, Node } from '../../src/graph/model.js';
import { float32, type Tensor } from '../../src/graph/tensor.js';
import { ballast } from '../support/command.js';
import { customerRows, writeCsv, writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';
import { parseWellFormed } from '../well-formed.js';

interface Figure {
  readonly value: number;
  readonly interval: readonly [number, number];
  readonly method: string;
}

interface Landscape {
  readonly rows: number;
  readonly parameters: number;
  readonly loss: Figure;
  readonly sharpness: Readonly<Record<'sam' | 'asam', { rho: number; oneStep: number; worst: Figure }>>;
  readonly hessian: { largest: Figure & { converged: boolean }; trace: Figure & { probes: number }; products: number };
  readonly curve?: { points: { at: number; loss: number }[] }[];
  readonly between?: { points: { at: number; loss: number }[]; barrier: { at: number; rise: number } };
  readonly grid?: { at: number[]; loss: number[][] };
}

const folder = mkdtempSync(join(tmpdir(), 'ballast-landscape-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FAST = ['--iterations', '5', '--probes', '3', '--steps', '3'];
const AS = ['--target', 'plan', '--task', 'classification', '--input', 'features=spent+age'];

const node = (opType: string, inputs: string[], output: string, attributes: Record<string, Attribute> = {}): Node => ({
  name: output,
  opType,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
});

/** A network of one hidden layer from elsewhere: `spent` and `age` in, scores of two classes out. */
function elsewhere(changes: Partial<Model['graph']> = {}): Model {
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 'elsewhere', version: '1' },
    metadata: new Map(),
    graph: {
      name: 'elsewhere',
      inputs: [{ name: 'features', type: 'float32', shape: ['n', 2] }],
      outputs: [{ name: 'odds', type: 'float32', shape: ['n', 2] }],
      initializers: new Map<string, Tensor>([
        ['w', float32([2, 3], [0.1, -0.1, 0.05, 0.01, 0.02, -0.01])],
        ['v', float32([3, 2], [-1, 1, 1, -1, 0.5, -0.5])],
      ]),
      nodes: [
        node('MatMul', ['features', 'w'], 'hidden'),
        node('Tanh', ['hidden'], 'active'),
        node('MatMul', ['active', 'v'], 'scores'),
        node('Softmax', ['scores'], 'odds'),
      ],
      valueInfo: new Map(),
      ...changes,
    },
  };
}

describe('landscape of a run', () => {
  let runs: readonly string[];
  beforeAll(async () => {
    writeCustomers(folder);
    const trained = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>();
    runs = trained.runs.map(({ runId }) => runId);
  });

  test('tells sharpness and curvature of its training rows, and the same for the same seed', async () => {
    const { code, stderr, json } = await ballast(folder, 'landscape', runs[0], '--json', ...FAST);
    expect(code, stderr).toBe(0);
    const found = json<Landscape>();
    expect(found.rows).toBeGreaterThan(100);
    expect(found.sharpness.sam.rho).toBe(0.05);
    for (const { oneStep, worst } of Object.values(found.sharpness)) {
      expect(worst.value).toBeGreaterThanOrEqual(oneStep);
      expect(oneStep).toBeGreaterThan(0);
      expect(worst.interval[0]).toBeLessThanOrEqual(worst.value);
    }
    expect(found.hessian.largest.value).toBeGreaterThan(0);
    expect(found.hessian.trace.probes).toBe(3);
    expect(found.curve).toBeUndefined();
    const again = await ballast(folder, 'landscape', runs[0], '--json', ...FAST);
    expect(again.json()).toEqual(found);
    const validated = await ballast(folder, 'landscape', runs[0], '--part', 'validation', '--json', ...FAST);
    expect(validated.json<Landscape>().rows).toBeLessThan(found.rows);
  });

  test('draws curves and a surface, whole or not at all', async () => {
    const options = ['--curve', 'curve.svg', '--surface', 'surface.svg', '--points', '5', '--directions', '2'];
    const { code, stderr, stdout } = await ballast(folder, 'landscape', runs[0], ...options, ...FAST);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/largest eigenvalue/);
    expect(stdout).toMatch(/plot {7}curve\.svg\nplot {7}surface\.svg/);
    expect(stderr).toMatch(/surface/);
    for (const name of ['curve.svg', 'surface.svg']) {
      expect(parseWellFormed(readFileSync(join(folder, name), 'utf8').trim()).length).toBeGreaterThan(10);
    }
    const { grid, curve } = (
      await ballast(folder, 'landscape', runs[0], ...options, '--json', ...FAST)
    ).json<Landscape>();
    expect(curve).toHaveLength(2);
    expect(grid?.at).toEqual([-1, -0.5, 0, 0.5, 1]);
    expect(grid?.loss[2]).toEqual(curve?.[0].points.map(({ loss }) => loss));
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const nowhere = await ballast(
      folder,
      'landscape',
      runs[0],
      '--curve',
      'no/such/folder.svg',
      '--points',
      '3',
      ...FAST,
    );
    expect(nowhere.code).toBe(3);
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });

  test('follows the line between two runs', async () => {
    const options = ['--to', runs[1], '--curve', 'between.svg', '--points', '7', '--json', ...FAST];
    const { code, stderr, json } = await ballast(folder, 'landscape', runs[0], ...options);
    expect(code, stderr).toBe(0);
    const { between, loss, curve } = json<Landscape>();
    expect(curve).toBeUndefined();
    expect(between?.points.map(({ at }) => at)).toEqual([-0.25, 0, 0.25, 0.5, 0.75, 1, 1.25]);
    expect(between?.points[1].loss).toBeCloseTo(loss.value, 6);
    const other = (await ballast(folder, 'landscape', runs[1], '--json', ...FAST)).json<Landscape>();
    expect(between?.points[5].loss).toBeCloseTo(other.loss.value, 6);
    expect(between?.barrier.rise).toBeGreaterThanOrEqual(0);
  });

  test.each([
    [['--to', 'RUN1'], /--to: it names where a curve leads to/],
    [['--target', 'plan'], /a run knows it already/],
    [['--part', 'train', '--data', 'customers.csv'], /--part: the rows are those of --data/],
    [['--rho', '0'], /It is a number above 0/],
    [['--points', '2'], /It is a whole number from 3/],
  ])('refuses %s', async (options, message) => {
    const given = options.map((word) => (word === 'RUN1' ? runs[1] : word));
    const { code, stderr } = await ballast(folder, 'landscape', runs[0], ...given);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('landscape of a model from elsewhere', () => {
  beforeAll(() => {
    // No missing ages: the model has no place for them.
    writeCsv(
      join(folder, 'rows.csv'),
      customerRows(240).filter(([age]) => age !== ''),
    );
    writeFileSync(join(folder, 'model.onnx'), writeModel(elsewhere()));
  });
  const landscape = (file: string, ...options: string[]) =>
    ballast(folder, 'landscape', file, '--data', 'rows.csv', ...AS, ...FAST, ...options);

  test('has the log loss that evaluate has, on probabilities taken back to logits', async () => {
    const { code, stderr, json } = await landscape('model.onnx', '--output', 'odds:probabilities', '--json');
    expect(code, stderr).toBe(0);
    const found = json<Landscape>();
    expect(found.parameters).toBe(12);
    const evaluated = await ballast(
      folder,
      ...['evaluate', 'model.onnx', '--data', 'rows.csv', ...AS, '--output', 'odds:probabilities', '--json'],
    );
    const { metrics } = evaluated.json<{ metrics: { logLoss: Figure } }>();
    expect(found.loss.value).toBeCloseTo(metrics.logLoss.value, 5);
  });

  test('takes a model exported for one row at a time', async () => {
    const { graph } = elsewhere();
    const one = elsewhere({
      inputs: [{ ...graph.inputs[0], shape: [1, 2] }],
      outputs: [{ ...graph.outputs[0], shape: [1, 2] }],
    });
    writeFileSync(join(folder, 'one.onnx'), writeModel(one));
    const [first, second] = [
      await landscape('one.onnx', '--output', 'odds:probabilities', '--json'),
      await landscape('model.onnx', '--output', 'odds:probabilities', '--json'),
    ].map((result) => result.json<Landscape & { model: string }>());
    expect({ ...first, model: '' }).toEqual({ ...second, model: '' });
  });

  test('compares two files on the same rows, and refuses one of another architecture', async () => {
    const { graph } = elsewhere();
    const initializers = new Map(graph.initializers).set('w', float32([2, 3], [0.2, 0, 0, 0, 0.1, 0]));
    writeFileSync(join(folder, 'second.onnx'), writeModel(elsewhere({ initializers })));
    const output = ['--output', 'odds:probabilities', '--curve', 'files.svg', '--points', '7', '--json'];
    const { code, stderr, json } = await landscape('model.onnx', '--to', 'second.onnx', ...output);
    expect(code, stderr).toBe(0);
    expect(json<Landscape>().between?.points).toHaveLength(7);
    const wider = new Map(graph.initializers)
      .set('w', float32([2, 4], new Array(8).fill(0.1)))
      .set('v', float32([4, 2], new Array(8).fill(0.1)));
    writeFileSync(join(folder, 'wider.onnx'), writeModel(elsewhere({ initializers: wider })));
    const refused = await landscape('model.onnx', '--to', 'wider.onnx', ...output);
    expect(refused.code).toBe(2);
    expect(refused.json<{ error: { code: string } }>().error.code).toBe('LANDSCAPE_OTHER_NETWORK');
  });

  test.each([
    ['labels', {}, ['--output', 'odds:labels'], 'LANDSCAPE_NEEDS_SCORES'],
    [
      'a network without weights',
      { nodes: [node('Softmax', ['features'], 'odds')], initializers: new Map<string, Tensor>() },
      ['--output', 'odds:probabilities'],
      'MODEL_NOT_TRAINABLE',
    ],
    [
      'an operator without a gradient',
      {
        nodes: [
          node('MatMul', ['features', 'w'], 'hidden'),
          node('Unsqueeze', ['hidden', 'axis'], 'sequence'),
          node('RNN', ['sequence', 'kernel', 'recurrence'], 'states', { hidden_size: { kind: 'int', value: 3 } }),
          node('Squeeze', ['states', 'axes'], 'state'),
          node('MatMul', ['state', 'v'], 'scores'),
          node('Softmax', ['scores'], 'odds'),
        ],
        initializers: new Map<string, Tensor>([
          ...elsewhere().graph.initializers,
          ['axis', { type: 'int64', shape: [1], data: BigInt64Array.of(0n) }],
          ['axes', { type: 'int64', shape: [2], data: BigInt64Array.of(0n, 1n) }],
          ['kernel', float32([1, 3, 3], new Array(9).fill(0.1))],
          ['recurrence', float32([1, 3, 3], new Array(9).fill(0.1))],
        ]),
      },
      ['--output', 'odds:probabilities'],
      'GRAPH_NOT_DIFFERENTIABLE',
    ],
  ])('refuses %s', async (_, changes, output, expected) => {
    writeFileSync(join(folder, 'wrong.onnx'), writeModel(elsewhere(changes)));
    const { code, stderr, json } = await landscape('wrong.onnx', ...output, '--json');
    expect(json<{ error: { code: string } }>().error.code, stderr).toBe(expected);
    expect(code).toBe(2);
  });

  test('asks for rows', async () => {
    const { code, stderr } = await ballast(folder, 'landscape', 'model.onnx');
    expect(code).toBe(2);
    expect(stderr).toMatch(/--data: an .onnx file comes without rows/);
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { BallastError } from '../../errors.js';
import { GraphBuilder } from '../builder.js';
import { writeModel } from '../format/encode.js';
import { inline } from '../inline.js';
import { type Attribute, float, floats, graphAttribute, int, ints, type Model, type Node, string } from '../model.js';
import { openRuntime } from '../runtime/choose.js';
import type { Runtime } from '../runtime/runtime.js';
import { float32, int64, sizeOf, type Tensor } from '../tensor.js';
import { upgrade } from './index.js';

/** The runtime itself reads every opset from 7 on: it is the authority for what an old model computes. */

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

interface Old {
  readonly title: string;
  readonly opset: number;
  readonly opType: string;
  readonly shape: readonly number[];
  readonly attributes?: Record<string, Attribute>;
  readonly constants?: readonly Tensor[];
  readonly outputs?: number;
  readonly irVersion?: number;
  readonly domain?: string;
}

const data = (shape: readonly number[]) =>
  float32(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 1.7 + 0.3) * 2),
  );

function model({ opset, opType, shape, attributes = {}, constants = [], outputs = 1, domain = '' }: Old): Model {
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const node: Node = {
    name: 'old',
    opType,
    domain,
    inputs: ['x', ...constants.map((_, i) => `c${i}`)],
    outputs: names,
    attributes,
  };
  const integer = ['TopK'].includes(opType);
  return {
    irVersion: 8,
    opsets: new Map(
      domain === ''
        ? [['', opset]]
        : [
            ['', opset],
            [domain, 1],
          ],
    ),
    producer: { name: 'test', version: '' },
    metadata: new Map(),
    graph: {
      name: 'old',
      inputs: [{ name: 'x', type: 'float32', shape }],
      outputs: names.map((name, i) => ({ name, type: integer && i === 1 ? 'int64' : 'float32', shape: undefined })),
      initializers: new Map(constants.map((constant, i) => [`c${i}`, constant])),
      nodes: [node],
      valueInfo: new Map(),
    },
  };
}

async function run(target: Model, x: Tensor): Promise<number[][]> {
  const session = await runtime.load(writeModel(target), { optimization: 'basic' });
  const results = await session.run({ x });
  session.release();
  return target.graph.outputs.map(({ name }) => Array.from(results[name].data as ArrayLike<number | bigint>, Number));
}

function inlined(target: Model, shape: readonly number[]): Model {
  const b = new GraphBuilder();
  const results = inline(b, target.graph, { inputs: { x: b.input('x', 'float32', shape) } });
  for (const { name } of target.graph.outputs) b.output(name, results[name]);
  return b.model();
}

const vectors = (count: number) => [1, 0.5, 0.25, 2].map((v, i) => float32([count], new Array(count).fill(v + i / 8)));
const matrix = [2, 3, 4];
const image = [1, 2, 4, 4];

const OLD: readonly Old[] = [
  {
    title: 'Clip, attributes',
    opset: 7,
    opType: 'Clip',
    shape: [6],
    attributes: { min: float(-0.5), max: float(0.75) },
  },
  { title: 'Clip, only max', opset: 10, opType: 'Clip', shape: [6], attributes: { max: float(0.75) } },
  { title: 'Clip, no limit', opset: 10, opType: 'Clip', shape: [6] },
  {
    title: 'Pad, attributes',
    opset: 9,
    opType: 'Pad',
    shape: [2, 3],
    attributes: { pads: ints([1, 0, 0, 2]), value: float(0.5) },
  },
  {
    title: 'Pad, reflect',
    opset: 7,
    opType: 'Pad',
    shape: [2, 3],
    attributes: { pads: ints([1, 0, 0, 2]), mode: string('reflect') },
  },
  {
    title: 'Slice, attributes',
    opset: 9,
    opType: 'Slice',
    shape: matrix,
    attributes: { starts: ints([1, 0]), ends: ints([3, -1]), axes: ints([1, 2]) },
  },
  {
    title: 'Slice, no axes',
    opset: 7,
    opType: 'Slice',
    shape: matrix,
    attributes: { starts: ints([0, 1]), ends: ints([1, Number(2n ** 63n - 1n)]) },
  },
  { title: 'Softmax, default axis', opset: 11, opType: 'Softmax', shape: matrix },
  { title: 'Softmax, axis 0', opset: 7, opType: 'Softmax', shape: matrix, attributes: { axis: int(0) } },
  { title: 'Softmax, last axis', opset: 11, opType: 'Softmax', shape: matrix, attributes: { axis: int(2) } },
  { title: 'LogSoftmax', opset: 12, opType: 'LogSoftmax', shape: matrix },
  { title: 'Hardmax', opset: 12, opType: 'Hardmax', shape: matrix },
  {
    title: 'Split, attribute',
    opset: 11,
    opType: 'Split',
    shape: [2, 6],
    attributes: { axis: int(1), split: ints([2, 4]) },
    outputs: 2,
  },
  { title: 'Split, equal parts', opset: 13, opType: 'Split', shape: [2, 6], attributes: { axis: int(1) }, outputs: 3 },
  { title: 'Split, one part', opset: 7, opType: 'Split', shape: [2, 6], outputs: 2 },
  { title: 'Squeeze', opset: 11, opType: 'Squeeze', shape: [1, 3, 1], attributes: { axes: ints([0]) } },
  { title: 'Squeeze, all', opset: 11, opType: 'Squeeze', shape: [1, 3, 1] },
  { title: 'Unsqueeze', opset: 11, opType: 'Unsqueeze', shape: [3], attributes: { axes: ints([0, 2]) } },
  {
    title: 'ReduceSum',
    opset: 11,
    opType: 'ReduceSum',
    shape: matrix,
    attributes: { axes: ints([1]), keepdims: int(0) },
  },
  { title: 'ReduceMean', opset: 17, opType: 'ReduceMean', shape: matrix, attributes: { axes: ints([-1]) } },
  { title: 'ReduceMax, all', opset: 11, opType: 'ReduceMax', shape: matrix },
  { title: 'ReduceLogSumExp', opset: 13, opType: 'ReduceLogSumExp', shape: matrix, attributes: { axes: ints([0, 2]) } },
  { title: 'TopK, attribute', opset: 9, opType: 'TopK', shape: [2, 5], attributes: { k: int(2) }, outputs: 2 },
  { title: 'TopK, opset 10', opset: 10, opType: 'TopK', shape: [2, 5], constants: [int64([1], [3])], outputs: 2 },
  {
    title: 'Upsample, attribute',
    opset: 7,
    opType: 'Upsample',
    shape: image,
    attributes: { scales: floats([1, 1, 2, 2]) },
  },
  {
    title: 'Upsample, linear',
    opset: 9,
    opType: 'Upsample',
    shape: image,
    attributes: { mode: string('linear') },
    constants: [float32([4], [1, 1, 2, 1.5])],
  },
  { title: 'Resize 10, larger', opset: 10, opType: 'Resize', shape: image, constants: [float32([4], [1, 1, 1.6, 2])] },
  {
    title: 'Resize 10, smaller',
    opset: 10,
    opType: 'Resize',
    shape: image,
    constants: [float32([4], [1, 1, 0.6, 0.5])],
  },
  {
    title: 'Resize 10, linear',
    opset: 10,
    opType: 'Resize',
    shape: image,
    attributes: { mode: string('linear') },
    constants: [float32([4], [1, 1, 2, 1.6])],
  },
  { title: 'Dropout', opset: 7, opType: 'Dropout', shape: [6], attributes: { ratio: float(0.3) } },
  {
    title: 'BatchNormalization',
    opset: 7,
    opType: 'BatchNormalization',
    shape: image,
    attributes: { epsilon: float(0.1), momentum: float(0.5) },
    constants: vectors(2),
  },
  { title: 'BatchNormalization 9', opset: 9, opType: 'BatchNormalization', shape: [3, 2], constants: vectors(2) },
  {
    title: 'GroupNormalization',
    opset: 18,
    opType: 'GroupNormalization',
    shape: [2, 4, 3],
    attributes: { num_groups: int(2) },
    constants: vectors(2).slice(0, 2),
  },
  {
    title: 'Scatter',
    opset: 10,
    opType: 'Scatter',
    shape: [2, 3],
    attributes: { axis: int(1) },
    constants: [int64([2, 1], [2, 0]), float32([2, 1], [7, 8])],
  },
  { title: 'Swish', opset: 24, opType: 'Swish', shape: [6], attributes: { alpha: float(1.5) } },
  {
    title: 'RMSNormalization',
    opset: 23,
    opType: 'RMSNormalization',
    shape: matrix,
    attributes: { epsilon: float(0.1) },
    constants: [float32([4], [1, 2, 3, 4])],
  },
  {
    title: 'RMSNormalization, axis',
    opset: 23,
    opType: 'RMSNormalization',
    shape: matrix,
    attributes: { axis: int(1) },
    constants: [float32([3, 4], [...Array(12).keys()])],
  },
  { title: 'Gelu of com.microsoft', opset: 17, opType: 'Gelu', shape: [6], domain: 'com.microsoft' },
  { title: 'Reshape', opset: 7, opType: 'Reshape', shape: matrix, constants: [int64([2], [0, -1])] },
  { title: 'AveragePool', opset: 7, opType: 'AveragePool', shape: image, attributes: { kernel_shape: ints([2, 2]) } },
  { title: 'PRelu', opset: 7, opType: 'PRelu', shape: [2, 3], constants: [float32([3], [0.1, 0.2, 0.3])] },
];

describe('models of other opsets compute the same after the upgrade', () => {
  it.each(OLD)('$title (opset $opset)', async (old) => {
    const before = model(old);
    const x = data(old.shape);
    const expected = await run(before, x);
    const after = upgrade(before);
    expect(after.opsets.get('')).toBe(21);
    const shapesKnown = inlined(after, old.shape);
    for (const results of [await run(after, x), await run(shapesKnown, x)]) {
      results.forEach((values, i) => {
        expect(values.length).toBe(expected[i].length);
        values.forEach((value, j) => {
          expect(value).toBeCloseTo(expected[i][j], 5);
        });
      });
    }
  });

  it('leaves a model of the target opset as it is', () => {
    const current = model({ title: '', opset: 21, opType: 'Relu', shape: [2] });
    expect(upgrade(current).graph.nodes).toEqual(current.graph.nodes);
  });

  it('reaches into subgraphs', async () => {
    const info = (name: string) => ({ name, type: 'float32' as const, shape: undefined });
    const branch = (max: number) => ({
      name: `branch ${max}`,
      inputs: [],
      outputs: [info(`limited ${max}`)],
      initializers: new Map<string, Tensor>(),
      nodes: [
        {
          name: 'clip',
          opType: 'Clip',
          domain: '',
          inputs: ['x'],
          outputs: [`limited ${max}`],
          attributes: { max: float(max) },
        },
      ],
      valueInfo: new Map(),
    });
    const simple = model({ title: '', opset: 10, opType: 'If', shape: [4] });
    const condition: Tensor = { type: 'bool', shape: [], data: Uint8Array.of(0) };
    const nodes: Node[] = [
      {
        ...simple.graph.nodes[0],
        inputs: ['which'],
        attributes: { then_branch: graphAttribute(branch(0.5)), else_branch: graphAttribute(branch(-0.5)) },
      },
    ];
    const before = { ...simple, graph: { ...simple.graph, nodes, initializers: new Map([['which', condition]]) } };
    const expected = await run(before, data([4]));
    const after = upgrade(before);
    expect(await run(after, data([4]))).toEqual(expected);
    const resolved = inlined(after, [4]);
    expect(resolved.graph.nodes.map(({ opType }) => opType)).toEqual(['Clip']);
    expect(await run(resolved, data([4]))).toEqual(expected);
  });
});

describe('what cannot be upgraded is refused', () => {
  const refusal = (old: Omit<Old, 'title'>): BallastError => {
    try {
      upgrade(model({ title: '', ...old }));
    } catch (error) {
      if (error instanceof BallastError) return error;
    }
    throw new Error('nothing was refused');
  };

  it.each([
    ['an opset before 7', { opset: 6, opType: 'Relu', shape: [2] }, 'opset 6'],
    ['an opset of the future', { opset: 99, opType: 'Relu', shape: [2] }, 'opset 99'],
    ['an operator that opset 21 lacks', { opset: 23, opType: 'Attention', shape: [2] }, 'Attention is newer'],
    [
      'batch normalization of each element',
      { opset: 7, opType: 'BatchNormalization', shape: [2], attributes: { spatial: int(0) } },
      'spatial',
    ],
    [
      'scales that grow and shrink',
      { opset: 10, opType: 'Resize', shape: image, constants: [float32([4], [1, 1, 2, 0.5])] },
      'scales',
    ],
  ] as const)('%s', (_, old, text) => {
    const error = refusal(old);
    expect(error.code).toBe('GRAPH_OPSET');
    expect(error.message).toContain(text);
  });
});

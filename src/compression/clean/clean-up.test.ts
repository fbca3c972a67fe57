import { beforeAll, describe, expect, it } from 'vitest';
import { differenceOf, feedsOf, modelOf, NETWORKS, network } from '../../../test/support/networks.js';
import { type Graph, int, ints, type Node } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, sizeOf, type Tensor } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { cleanUp } from './clean-up.js';

const node = (opType: string, inputs: string[], output: string, attributes: Node['attributes'] = {}): Node => ({
  name: output,
  opType,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
});

const drawn = (name: string, shape: number[], least = Number.NEGATIVE_INFINITY): Tensor => {
  const stream = derive('clean', name);
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => Math.max(least, stream.normal())),
  );
};

const norm = (name: string, channels: number): [string, Tensor][] =>
  ['scale', 'shift', 'mean', 'variance'].map((part) => [
    `${name}.${part}`,
    drawn(`${name}.${part}`, [channels], part === 'variance' ? 0.1 : undefined),
  ]);
const normInputs = (x: string, name: string): string[] => [
  x,
  ...['scale', 'shift', 'mean', 'variance'].map((part) => `${name}.${part}`),
];

function graph(nodes: Node[], initializers: [string, Tensor][], shape: (number | string)[], out: string): Graph {
  return {
    name: 'g',
    inputs: [{ name: 'x', type: 'float32', shape }],
    outputs: [{ name: out, type: 'float32', shape: undefined }],
    initializers: new Map(initializers),
    nodes,
    valueInfo: new Map(),
  };
}

describe('clean-up', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime();
  });

  it.each(NETWORKS)('%s computes the same', async (name) => {
    const given = network(name);
    const { model } = await cleanUp(runtime, given.model);
    expect(await differenceOf(runtime, [given.model, model], feedsOf(given, 5))).toBeLessThan(1e-5);
    expect(model.graph.nodes.filter(({ opType }) => opType === 'BatchNormalization')).toEqual([]);
  });

  it.each([
    ['a grouped convolution', 'Conv', [6, 2, 3, 3], { group: int(2) }, 6],
    ['a transposed convolution', 'ConvTranspose', [4, 3, 2, 2], { group: int(2), strides: ints([2, 2]) }, 6],
    ['a depthwise convolution', 'Conv', [4, 1, 3, 3], { group: int(4) }, 4],
  ] as const)('folds a normalization into %s', async (_, opType, shape, attributes, channels) => {
    const given = modelOf(
      graph(
        [node(opType, ['x', 'w'], 'h', attributes), node('BatchNormalization', normInputs('h', 'n'), 'y')],
        [['w', drawn('w', [...shape])], ...norm('n', channels)],
        ['n', 4, 6, 6],
        'y',
      ),
    );
    const { model, report } = await cleanUp(runtime, given);
    expect(report.foldedNormalizations).toBe(1);
    const feeds = { x: drawn('x', [3, 4, 6, 6]) };
    expect(await differenceOf(runtime, [given, model], feeds)).toBeLessThan(1e-5);
  });

  it('leaves a normalization whose input has another user', async () => {
    const given = modelOf(
      graph(
        [
          node('Conv', ['x', 'w'], 'h'),
          node('BatchNormalization', normInputs('h', 'n'), 'k'),
          node('Add', ['h', 'k'], 'y'),
        ],
        [['w', drawn('w', [4, 4, 1, 1])], ...norm('n', 4)],
        ['n', 4, 6, 6],
        'y',
      ),
    );
    expect((await cleanUp(runtime, given)).report.foldedNormalizations).toBe(0);
  });

  it('computes constants once, keeps large spread ones as nodes, and stores equal ones once', async () => {
    const weights = drawn('w', [4, 5]);
    const given = modelOf(
      graph(
        [
          node('Transpose', ['w'], 'wt', { perm: ints([1, 0]) }),
          node('Transpose', ['v'], 'vt', { perm: ints([1, 0]) }),
          node('Expand', ['one', 'shape'], 'spread'),
          node('MatMul', ['x', 'wt'], 'a'),
          node('MatMul', ['x', 'vt'], 'b'),
          node('Add', ['a', 'b'], 'c'),
          node('ReduceSum', ['spread', 'axes'], 'd', { keepdims: int(0) }),
          node('Mul', ['c', 'd'], 'y'),
        ],
        [
          ['w', weights],
          ['v', weights],
          ['one', float32([1], [1])],
          ['shape', int64([1], [100_000])],
          ['axes', int64([1], [0])],
        ],
        ['n', 5],
        'y',
      ),
    );
    const { model, report } = await cleanUp(runtime, given);
    expect(model.graph.nodes.map(({ opType }) => opType)).toEqual(['MatMul', 'MatMul', 'Add', 'Mul']);
    expect(report.sharedConstants).toBe(1);
    expect(await differenceOf(runtime, [given, model], { x: drawn('x', [3, 5]) })).toBe(0);
  });

  it('takes a Relu of a Relu off, which quantized the runtime would fuse twice', async () => {
    const nodes = [node('MatMul', ['x', 'w'], 'a'), node('Relu', ['a'], 'b'), node('Relu', ['b'], 'c')];
    const given = modelOf(
      graph([...nodes, node('MatMul', ['c', 'w'], 'd')], [['w', drawn('w', [4, 4])]], ['n', 4], 'd'),
    );
    const { model } = await cleanUp(runtime, given);
    expect(model.graph.nodes.map(({ opType }) => opType)).toEqual(['MatMul', 'Relu', 'MatMul']);
    const feeds = { x: drawn('x', [5, 4]) };
    expect(await differenceOf(runtime, [given, model], feeds)).toBe(0);
  });

  it('takes weights that are inputs with a default for constants, and says so', async () => {
    const plain = graph([node('Gemm', ['x', 'w'], 'y')], [['w', drawn('w', [4, 2])]], ['n', 4], 'y');
    const given = modelOf({ ...plain, inputs: [...plain.inputs, { name: 'w', type: 'float32', shape: [4, 2] }] });
    const { model, report } = await cleanUp(runtime, given);
    expect(report.fixedDefaults).toBe(1);
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(['x']);
  });
});

import { describe, expect, it } from 'vitest';
import type { Attribute, Graph, Node } from '../graph/model.js';
import { float32, int64, type Tensor } from '../graph/tensor.js';
import { buildModel } from '../models/build.js';
import type { ModelInput } from '../models/inputs.js';
import { modelOptions, type NativeModelOptions } from '../models/options.js';
import { sideBySide } from '../regularizers/members.js';
import { readArchitecture } from './architecture.js';

function architectureOf(options: Record<string, unknown>, input: Partial<ModelInput>, frozen?: string[]) {
  const inputs: ModelInput[] = [{ name: 'x', type: 'float32', shape: [5], ...input }];
  return readArchitecture(
    buildModel(modelOptions.parse(options) as NativeModelOptions, { inputs, outputs: 3, seed: 1 }),
    frozen,
  );
}

const rolesOf = ({ parameters }: ReturnType<typeof readArchitecture>): Record<string, string> =>
  Object.fromEntries(parameters.map(({ name, role }) => [name, role]));

const node = (opType: string, inputs: string[], outputs: string[]): Node => ({
  name: outputs[0],
  opType,
  domain: '',
  inputs,
  outputs,
  attributes: {},
});

/** A branch of an If: a product with a value from outside. */
const branchOf = (name: string): Attribute => ({
  kind: 'graph',
  value: {
    name: 'branch',
    inputs: [],
    outputs: [{ name: 'product', type: 'float32', shape: ['n', 3] }],
    initializers: new Map(),
    nodes: [node('MatMul', [name, 'wide'], ['product'])],
    valueInfo: new Map(),
  },
});

describe('readArchitecture', () => {
  it('tells weights, biases, normalization and running statistics apart', () => {
    const architecture = architectureOf({ type: 'mlp', hidden: [4], normalization: 'batch' }, {});
    expect(rolesOf(architecture)).toEqual({
      'dense1.weight': 'weight',
      'dense1.bias': 'bias',
      'norm2.scale': 'norm',
      'norm2.shift': 'norm',
      'output.weight': 'weight',
      'output.bias': 'bias',
    });
    expect(architecture.buffers.map(({ name }) => name)).toEqual(['norm2.mean', 'norm2.variance']);
    expect(architecture.normalization).toEqual(['BatchNormalization']);
    expect(architecture.sites.size).toBe(1);
  });

  it('tells embeddings of tokens and of positions from weights and biases', () => {
    const roles = rolesOf(
      architectureOf({ type: 'transformer', layers: 1 }, { shape: [6], type: 'int64', vocabulary: 9 }),
    );
    expect(roles['embedding.table']).toBe('embedding');
    expect(roles['embedding.positions']).toBe('embedding');
    expect(roles['block1.attention.qkv.weight']).toBe('weight');
    expect(roles['block1.attention.qkv.bias']).toBe('bias');
    expect(roles['block1.norm1.scale']).toBe('norm');
    expect(roles['final.norm.shift']).toBe('norm');
  });

  it('knows the weights of convolutions and their biases', () => {
    const roles = rolesOf(
      architectureOf({ type: 'cnn', layers: [{ conv: 4 }, { residual: 4 }] }, { shape: [2, 6, 6] }),
    );
    expect(roles).toMatchObject({ 'conv1.weight': 'weight', 'conv1.bias': 'bias', 'output.weight': 'weight' });
    expect(Object.entries(roles).filter(([, role]) => role === 'norm')).toHaveLength(4);
  });

  it('leaves out what is frozen, scalars, and what is no float32', () => {
    expect(Object.keys(rolesOf(architectureOf({ type: 'mlp', hidden: [4] }, {}, ['dense1'])))).toEqual([
      'output.weight',
      'output.bias',
    ]);
    const graph: Graph = {
      name: 'foreign',
      inputs: [{ name: 'x', type: 'float32', shape: ['n', 2] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['n', 3] }],
      initializers: new Map<string, Tensor>([
        ['w', float32([2, 3], new Float32Array(6))],
        ['half', float32([], [0.5])],
        ['axes', int64([1], [1])],
        ['unused', float32([2, 3], new Float32Array(6))],
      ]),
      nodes: [
        node('MatMul', ['x', 'w'], ['h']),
        node('Mul', ['h', 'half'], ['a']),
        node('Relu', ['a'], ['r']),
        node('MatMul', ['r', 'w2'], ['y']),
      ],
      valueInfo: new Map(),
    };
    const withSecond: Graph = {
      ...graph,
      initializers: new Map<string, Tensor>([...graph.initializers, ['w2', float32([3, 3], new Float32Array(9))]]),
    };
    const architecture = readArchitecture(withSecond);
    expect(rolesOf(architecture)).toEqual({ w: 'weight', w2: 'weight' });
    // No declared site: the hidden activation is one.
    expect([...architecture.sites.values()]).toEqual([{ name: 'r', kind: 'hidden', whole: true }]);
    expect(() => readArchitecture(withSecond, ['w'])).toThrow(expect.objectContaining({ code: 'MODEL_NOT_TRAINABLE' }));
    expect(() => readArchitecture(withSecond, ['w2', 'v'])).toThrow(
      expect.objectContaining({ code: 'MODEL_FREEZE', value: 'v', remedy: 'Its parameters are w, w2' }),
    );
  });

  it('knows what stands at a site: feature maps, branches, and whether a batch normalization takes it', () => {
    const sitesOf = (options: Record<string, unknown>, input: Partial<ModelInput>): string[] =>
      [...architectureOf(options, input).sites.values()].map(({ kind, map, beforeBatchNorm }) =>
        [kind, ...(map ? ['map'] : []), ...(beforeBatchNorm ? ['normalized'] : [])].join(' '),
      );
    expect(sitesOf({ type: 'mlp', hidden: [4, 4], normalization: 'batch' }, {})).toEqual([
      'hidden normalized',
      'hidden',
    ]);
    const cnn = {
      type: 'cnn',
      layers: [{ conv: 4 }, { residual: 4 }, { pool: 2 }, { residual: 4 }, { dense: 5, normalization: 'layer' }],
    };
    expect(sitesOf(cnn, { shape: [2, 6, 6] })).toEqual([
      'hidden map normalized',
      'branch map normalized',
      'hidden map normalized',
      'branch map',
      'hidden map',
      'hidden',
    ]);
    expect(sitesOf({ type: 'transformer', layers: 1 }, { shape: [6], type: 'int64', vocabulary: 9 })).toEqual([
      'embedding',
      'attention',
      'branch',
      'branch',
    ]);
  });

  it('knows which sites nothing leads past', () => {
    const wholes = (
      options: Record<string, unknown>,
      input: Partial<ModelInput>,
      change: (graph: Graph) => Graph = (graph) => graph,
    ): string[] => {
      const { sites } = readArchitecture(change(architectureOf(options, input).graph));
      return [...sites.values()].map(({ kind, whole }) => `${kind}${whole ? ' whole' : ''}`);
    };
    expect(wholes({ type: 'mlp', hidden: [4, 4] }, {})).toEqual(['hidden whole', 'hidden whole']);
    expect(wholes({ type: 'cnn', layers: [{ conv: 4 }, { residual: 4 }, { dense: 5 }] }, { shape: [2, 6, 6] })).toEqual(
      ['hidden whole', 'branch', 'hidden whole', 'hidden whole'],
    );
    expect(wholes({ type: 'transformer', layers: 1 }, { shape: [6], type: 'int64', vocabulary: 9 })).toEqual([
      'embedding whole',
      'attention',
      'branch',
      'branch',
    ]);
    // Networks side by side: nothing leads past either on the way to its own output.
    const members = wholes({ type: 'mlp', hidden: [4] }, {}, (graph) =>
      sideBySide(graph, 2, { seed: 1, task: 'classification', redraw: () => graph }),
    );
    expect(members).toEqual(['hidden whole', 'hidden whole']);
    // A subgraph that takes the input from outside leads past the activation.
    const shortcut = (graph: Graph): Graph => ({
      ...graph,
      outputs: [{ ...graph.outputs[0], name: 'sum' }],
      initializers: new Map<string, Tensor>([
        ...graph.initializers,
        ['yes', { type: 'bool', shape: [], data: Uint8Array.of(1) }],
        ['wide', float32([5, 3], new Float32Array(15))],
      ]),
      nodes: [
        ...graph.nodes,
        { ...node('If', ['yes'], ['past']), attributes: { then_branch: branchOf('x'), else_branch: branchOf('x') } },
        node('Add', [graph.outputs[0].name, 'past'], ['sum']),
      ],
    });
    expect(wholes({ type: 'mlp', hidden: [4] }, {}, shortcut)).toEqual(['hidden']);
  });

  it('tells what rows are looked up in', () => {
    const { parameters } = architectureOf(
      { type: 'transformer', layers: 1 },
      { shape: [6], type: 'int64', vocabulary: 9 },
    );
    expect(parameters.filter(({ lookup }) => lookup).map(({ name }) => name)).toEqual(['embedding.table']);
  });
});

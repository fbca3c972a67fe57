import { beforeAll, describe, expect, it } from 'vitest';
import { BallastError } from '../errors.js';
import { GraphBuilder } from './builder.js';
import { writeModel } from './format/encode.js';
import { type InlineOptions, inline } from './inline.js';
import { float, type Graph, graphAttribute, int, type Node, tensorAttribute } from './model.js';
import { openRuntime } from './runtime/choose.js';
import type { Runtime } from './runtime/runtime.js';
import { float32, int64 } from './tensor.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

const node = (
  name: string,
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: Node['attributes'] = {},
): Node => ({ name, opType, domain: '', inputs, outputs, attributes });

/** y = relu(x w + c) with a symbolic batch. */
const layer: Graph = {
  name: 'layer',
  inputs: [{ name: 'x', type: 'float32', shape: ['batch', 2] }],
  outputs: [{ name: 'y', type: 'float32', shape: ['batch', 3] }],
  initializers: new Map([['w', float32([2, 3], [1, -1, 2, 0, 1, -2])]]),
  nodes: [
    node('bias', 'Constant', [], ['c'], { value: tensorAttribute(float32([3], [0, 1, 0])) }),
    node('product', 'MatMul', ['x', 'w'], ['xw']),
    node('shift', 'Add', ['xw', 'c'], ['z']),
    node('activation', 'Relu', ['z'], ['y']),
  ],
  valueInfo: new Map(),
};

async function evaluate(options: Omit<InlineOptions, 'inputs'> = {}, graph = layer): Promise<number[]> {
  const b = new GraphBuilder();
  const results = inline(b, graph, { ...options, inputs: { x: b.input('data', 'float32', [2, 2]) } });
  b.output('result', results.y);
  const session = await runtime.load(writeModel(b.model()));
  const { result } = await session.run({ data: float32([2, 2], [1, 2, -1, 1]) });
  session.release();
  return Array.from(result.data as Float32Array);
}

const fault = (graph: Graph, inputs: (b: GraphBuilder) => InlineOptions['inputs']): BallastError => {
  const b = new GraphBuilder();
  try {
    inline(b, graph, { inputs: inputs(b) });
  } catch (error) {
    if (error instanceof BallastError) return error;
  }
  throw new Error('nothing was refused');
};

describe('inline', () => {
  it('gives the values of the outputs by name', async () => {
    expect(await evaluate()).toEqual([1, 2, 0, 0, 3, 0]);
  });

  it('puts other values for parameters, nodes and values in between', async () => {
    expect(await evaluate({ parameter: () => undefined, prefix: 'a.' })).toEqual([1, 2, 0, 0, 3, 0]);
    const b = new GraphBuilder();
    const x = b.input('data', 'float32', [1, 2]);
    const w = b.input('weights', 'float32', [2, 3]);
    const seen: string[] = [];
    const { y } = inline(b, layer, {
      inputs: { x },
      prefix: 'net.',
      parameter: (name) => (name === 'w' ? w : undefined),
      replace: ({ opType }, [input]) => (opType === 'Relu' ? [b.tanh(input!)] : undefined),
      intercept(name, value) {
        seen.push(name);
        return name === 'z' ? b.mul(value, 2) : value;
      },
    });
    expect(seen).toEqual(['c', 'xw', 'z', 'y']);
    expect(y.shape).toEqual([1, 3]);
    const graph = b.graph();
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['MatMul', 'Add', 'Mul', 'Tanh']);
    expect(graph.nodes[0].name).toBe('net.product');
    expect(graph.nodes[0].inputs[1]).toBe('weights');
  });

  it('may be done twice in one builder', () => {
    const b = new GraphBuilder();
    const x = b.input('data', 'float32', [1, 2]);
    inline(b, layer, { inputs: { x } });
    inline(b, layer, { inputs: { x } });
    expect(new Set(b.graph().nodes.map(({ name }) => name)).size).toBe(b.size);
  });

  it('takes initializers that are inputs too as defaults', async () => {
    const old: Graph = { ...layer, inputs: [...layer.inputs, { name: 'w', type: 'float32', shape: [2, 3] }] };
    expect(await evaluate({}, old)).toEqual([1, 2, 0, 0, 3, 0]);
  });

  it('leaves omitted outputs and inputs out', () => {
    const b = new GraphBuilder();
    const graph: Graph = {
      ...layer,
      nodes: [
        node('limits', 'Clip', ['x', '', 'top'], ['limited']),
        node('drop', 'Dropout', ['limited', ''], ['y', '']),
      ],
      initializers: new Map([['top', float32([], [1])]]),
    };
    const { y } = inline(b, graph, { inputs: { x: b.input('data', 'float32', [2, 2]) } });
    expect(y.shape).toEqual([2, 2]);
    expect(b.graph().nodes.map(({ inputs, outputs }) => [inputs.length, outputs.length])).toEqual([
      [3, 1],
      [1, 1],
    ]);
  });

  it('takes the branch of an If whose condition follows from shapes', () => {
    const branch = (name: string, value: number): Graph => ({
      name,
      inputs: [],
      outputs: [{ name: `${name} result`, type: 'float32', shape: undefined }],
      initializers: new Map([['factor', float32([], [value])]]),
      nodes: [node('scale', 'Mul', ['x', 'factor'], [`${name} result`])],
      valueInfo: new Map(),
    });
    const graph: Graph = {
      ...layer,
      initializers: new Map([['one', int64([], [1])]]),
      nodes: [
        node('zero', 'Constant', [], ['zero'], { value_int: int(0) }),
        node('shape', 'Shape', ['x'], ['shape']),
        node('rows', 'Gather', ['shape', 'zero'], ['rows'], { axis: int(0) }),
        node('single', 'Equal', ['rows', 'one'], ['single']),
        node('choice', 'If', ['single'], ['y'], {
          then_branch: graphAttribute(branch('then', 2)),
          else_branch: graphAttribute(branch('else', 3)),
        }),
      ],
    };
    for (const [rows, factor] of [
      [1, 2],
      [5, 3],
    ]) {
      const b = new GraphBuilder();
      inline(b, graph, { inputs: { x: b.input('data', 'float32', [rows, 2]) } });
      expect(b.graph().nodes.map(({ opType }) => opType)).toEqual(['Mul']);
      expect([...b.graph().initializers.values()].map(({ data }) => data[0])).toEqual([factor]);
    }
  });

  it('refuses a branch that data decides', () => {
    const graph: Graph = {
      ...layer,
      inputs: [...layer.inputs, { name: 'flag', type: 'bool', shape: [] }],
      nodes: [node('choice', 'If', ['flag'], ['y'], {})],
    };
    const error = fault(graph, (b) => ({ x: b.input('data', 'float32', [1, 2]), flag: b.input('flag', 'bool', []) }));
    expect(error.code).toBe('GRAPH_DYNAMIC_SHAPE');
    expect(error.place).toBe('node choice');
  });

  it.each([
    ['an input that is not given', layer, () => ({}), 'GRAPH_MISSING_INPUT', /"x"/],
    [
      'an input of another shape',
      layer,
      (b: GraphBuilder) => ({ x: b.input('data', 'float32', [1, 3]) }),
      'GRAPH_INPUT_MISMATCH',
      /\[batch,2\]/,
    ],
    [
      'a value that nothing makes',
      { ...layer, nodes: layer.nodes.slice(0, 1).concat(layer.nodes.slice(2)) },
      (b: GraphBuilder) => ({ x: b.input('data', 'float32', [1, 2]) }),
      'GRAPH_UNDEFINED_VALUE',
      /"xw"/,
    ],
    [
      'an output that nothing makes',
      { ...layer, nodes: layer.nodes.slice(0, 3) },
      (b: GraphBuilder) => ({ x: b.input('data', 'float32', [1, 2]) }),
      'GRAPH_UNDEFINED_VALUE',
      /"y"/,
    ],
    [
      'an operator without a rule, by the name of its node',
      { ...layer, nodes: [node('boxes', 'NonMaxSuppression', ['x', 'x'], ['y'])] },
      (b: GraphBuilder) => ({ x: b.input('data', 'float32', [1, 2]) }),
      'GRAPH_UNKNOWN_OPERATOR',
      /^node boxes: operator NonMaxSuppression gives a result whose shape depends on data/,
    ],
  ] as const)('refuses %s', (_, graph, inputs, code, text) => {
    const error = fault(graph, inputs);
    expect(error.code).toBe(code);
    expect(error.describe()).toMatch(text);
  });

  it('keeps the float attributes of nodes', async () => {
    const graph: Graph = {
      ...layer,
      nodes: [node('activation', 'LeakyRelu', ['x'], ['y'], { alpha: float(0.5) })],
    };
    expect(await evaluate({}, graph)).toEqual([1, 2, -0.5, 1]);
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { BallastError } from '../errors.js';
import { filled, GraphBuilder, IR_VERSION, OPSET } from './builder.js';
import { writeModel } from './format/encode.js';
import { int } from './model.js';
import { openRuntime } from './runtime/choose.js';
import type { Runtime } from './runtime/runtime.js';
import { float32, int64, type Tensor } from './tensor.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

async function run(b: GraphBuilder, feeds: Record<string, Tensor> = {}): Promise<Record<string, number[]>> {
  const session = await runtime.load(writeModel(b.model()));
  const results = await session.run(feeds);
  session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data as ArrayLike<number | bigint>, Number)]),
  );
}

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof BallastError) return error.code;
  }
  return 'nothing thrown';
};

describe('a built model', () => {
  it('runs, bears its opset, and holds what it uses', async () => {
    const b = new GraphBuilder('small');
    const x = b.input('x', 'float32', [2, 3]);
    const w = b.initializer('w', float32([3, 2], [1, 2, 3, 4, 5, 6]));
    b.initializer('unused', float32([1], [0]));
    b.output('y', b.relu(b.gemm(x, w, b.constant(float32([2], [-100, 1])))));
    const model = b.model(new Map([['key', 'value']]));
    expect(model.opsets.get('')).toBe(OPSET);
    expect(model.irVersion).toBe(IR_VERSION);
    expect(model.metadata.get('key')).toBe('value');
    expect([...model.graph.initializers.keys()]).not.toContain('unused');
    expect(model.graph.outputs).toEqual([{ name: 'y', type: 'float32', shape: [2, 2] }]);
    expect(await run(b, { x: float32([2, 3], [1, 0, 0, 0, 1, 0]) })).toEqual({ y: [0, 3, 0, 5] });
  });

  it('imports the domains of its operators', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [2, 3]);
    b.output('y', b.batchMatMul(x, x, { transB: true }));
    expect(b.model().opsets.get('com.microsoft')).toBe(1);
  });

  it('makes scalars and index lists once', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [2]);
    b.output('y', b.mul(b.add(x, 1), b.scalar(1)));
    expect(b.scalar(1)).toBe(b.scalar(1));
    expect(b.scalar(-0)).not.toBe(b.scalar(0));
    expect(b.indices([1, 2])).toBe(b.indices([1, 2]));
    expect(b.graph().initializers.size).toBe(1);
  });

  it('stores no large constants of equal numbers', async () => {
    const b = new GraphBuilder();
    b.output('y', b.reduceSum(b.scalar(0.5, 'float32', [300, 400])));
    expect(writeModel(b.model()).length).toBeLessThan(1000);
    expect(await run(b)).toEqual({ y: [60_000] });
  });

  it('gives outputs their names whatever stands behind them', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [1]);
    const y = b.mul(x, 2);
    b.output('first', y);
    b.output('second', y);
    b.output('input', x);
    b.output('constant', b.constant(float32([1], [7])));
    expect(await run(b, { x: float32([1], [3]) })).toEqual({ first: [6], second: [6], input: [3], constant: [7] });
    const own = new GraphBuilder();
    const z = own.neg(own.input('x', 'float32', [1]));
    own.output('copy', z);
    own.output(z.name, z);
    expect(await run(own, { x: float32([1], [3]) })).toEqual({ copy: [-3], [z.name]: [-3] });
  });

  it('keeps what only the body of a loop uses', async () => {
    const body = new GraphBuilder('body');
    body.input('step', 'int64', []);
    const going = body.input('going', 'bool', []);
    const state = body.input('state', 'float32', [2]);
    const outer = new GraphBuilder('outer');
    const rate = outer.initializer('rate', float32([], [0.5]));
    const start = outer.input('x', 'float32', [2]);
    const doubled = outer.mul(start, 2);
    body.output('still going', going);
    body.output('next', body.mul(state, body.initializer('three', float32([], [3]))));
    const graph = body.graph();
    // The body takes `rate` and `doubled` from the graph around it.
    const nodes = graph.nodes.map((node) =>
      node.opType === 'Mul' ? { ...node, inputs: [doubled.name, rate.name] } : node,
    );
    const [final] = outer.loop([outer.constant(int64([], [2])), undefined, start], { ...graph, nodes }, [start]);
    outer.output('final', final);
    outer.output('doubled', doubled);
    expect(await run(outer, { x: float32([2], [1, 2]) })).toEqual({ final: [1, 2], doubled: [2, 4] });
  });
});

describe('outputs asked for later', () => {
  it('are added to the node that stands already', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [1, 2]);
    const inputs = [x, b.constant(float32([2], [1, 1]))];
    const outputs = b.apply('LayerNormalization', inputs);
    const [entry] = b.tape;
    if (entry.kind !== 'node') throw new Error('not recorded as a node');
    const [y, mean, inverse] = b.withOutputs(entry, 3);
    expect(y).toBe(outputs[0]);
    expect(b.withOutputs(entry, 2).map(({ name }) => name)).toEqual([y.name, mean.name, inverse.name]);
    expect(b.tape[0].outputs.length).toBe(3);
    expect(b.size).toBe(1);
    b.output('mean', mean);
    expect(await run(b, { x: float32([1, 2], [1, 4]) })).toEqual({ mean: [2.5] });
  });
});

describe('names', () => {
  it('must be new', () => {
    const b = new GraphBuilder();
    b.input('x', 'float32', [1]);
    expect(codeOf(() => b.input('x', 'float32', [1]))).toBe('GRAPH_DUPLICATE_NAME');
    expect(codeOf(() => b.initializer('x', float32([], [1])))).toBe('GRAPH_DUPLICATE_NAME');
    expect(codeOf(() => b.value('y'))).toBe('GRAPH_UNKNOWN_VALUE');
  });

  it('of nodes are made unique', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [1]);
    b.op('Relu', [x], {}, { name: 'activation' });
    b.op('Relu', [x], {}, { name: 'activation' });
    const names = b.graph().nodes.map(({ name }) => name);
    expect(names[0]).toBe('activation');
    expect(new Set(names).size).toBe(2);
  });
});

describe('what does not fit is refused with node and operator', () => {
  const b = new GraphBuilder();
  const x = b.input('x', 'float32', [2, 3]);
  const k = b.input('k', 'int64', [2]);
  it.each([
    ['operator without a rule', () => b.op('Unique', [x]), 'GRAPH_UNKNOWN_OPERATOR'],
    ['a result whose shape depends on data', () => b.op('NonZero', [x]), 'GRAPH_DYNAMIC_SHAPE'],
    ['operator of another domain', () => b.op('Relu', [x], {}, { domain: 'com.example' }), 'GRAPH_UNKNOWN_OPERATOR'],
    ['shapes that do not broadcast', () => b.add(x, b.input('y', 'float32', [2])), 'GRAPH_SHAPE_MISMATCH'],
    ['types that differ', () => b.add(x, b.input('z', 'float64', [2, 3])), 'GRAPH_SHAPE_MISMATCH'],
    ['inner extents that differ', () => b.matMul(x, x), 'GRAPH_SHAPE_MISMATCH'],
    ['a reshape to another size', () => b.reshape(x, [4, 2]), 'GRAPH_SHAPE_MISMATCH'],
    ['a shape known only when it runs', () => b.op('Reshape', [x, k]), 'GRAPH_DYNAMIC_SHAPE'],
    ['an input that is missing', () => b.op('Add', [x, undefined]), 'GRAPH_MISSING_INPUT'],
    ['a half-precision constant', () => filled('float16', [1], 1), 'GRAPH_CONSTANT_TYPE'],
  ])('%s', (_, action, code) => {
    expect(codeOf(action)).toBe(code);
  });
});

describe('folding', () => {
  it('works shape arithmetic out while building', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [2, 3, 4]);
    const shape = b.op('Shape', [x]);
    const [batch, rest] = b.apply('Split', [shape, b.indices([1, 2])], { axis: int(0) }, { outputs: 2 });
    const size = b.op('ReduceProd', [b.cast(rest, 'float32')]);
    expect(b.constantOf(shape)?.data).toEqual(BigInt64Array.of(2n, 3n, 4n));
    expect(b.constantOf(size)).toBeUndefined();
    const target = b.concat([batch, b.op('Unsqueeze', [b.scalar(-1, 'int64'), b.indices([0])])], 0);
    expect(b.op('Reshape', [x, target]).shape).toEqual([2, 12]);
  });

  it('never swallows a named weight, though its value is known', async () => {
    const b = new GraphBuilder();
    const scales = b.initializer('scales', float32([4], [1, 1, 1, 1]));
    const doubled = b.mul(scales, b.constant(float32([4], [1, 1, 2, 2])));
    expect(b.constantOf(doubled)?.data).toEqual(Float32Array.of(1, 1, 2, 2));
    const image = b.input('x', 'float32', [1, 1, 1, 2]);
    const y = b.op('Resize', [image, undefined, doubled]);
    expect(y.shape).toEqual([1, 1, 2, 4]);
    b.output('y', y);
    expect(b.graph().nodes.map(({ opType }) => opType)).toEqual(['Mul', 'Resize']);
    expect((await run(b, { x: float32([1, 1, 1, 2], [1, 2]) })).y).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  });

  it('keeps the largest integer ("to the end") through slices of shapes', () => {
    const b = new GraphBuilder();
    const end: Tensor = { type: 'int64', shape: [1], data: BigInt64Array.of(2n ** 63n - 1n) };
    const ends = b.concat([b.constant(end), b.indices([2])], 0);
    expect(b.constantOf(ends)?.data).toEqual(BigInt64Array.of(2n ** 63n - 1n, 2n));
    const x = b.input('x', 'float32', [3, 4]);
    expect(b.op('Slice', [x, b.indices([1, 0]), ends]).shape).toEqual([2, 2]);
  });
});

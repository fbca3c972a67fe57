import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { BallastError } from '../errors.js';
import { GraphBuilder, type Value } from './builder.js';
import { writeModel } from './format/encode.js';
import { gradients } from './gradients.js';
import { float, int, ints } from './model.js';
import { openRuntime } from './runtime/choose.js';
import type { Runtime, Session } from './runtime/runtime.js';
import { float32, float64, int64, sizeOf, type Tensor } from './tensor.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

const sin = (b: GraphBuilder, x: Value): Value => b.op('Sin', [x]);

const load = (b: GraphBuilder): Promise<Session> => runtime.load(writeModel(b.model()), { optimization: 'basic' });

/** Runs what a builder holds on double-precision inputs. */
async function run(b: GraphBuilder, feeds: Record<string, Tensor>): Promise<Record<string, number[]>> {
  const session = await load(b);
  const used = new Set(session.inputs.map(({ name }) => name));
  const results = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => used.has(name))));
  session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float64Array, Number)]),
  );
}

/** d output / d input at a point, as a graph of one input and one output computes it. */
async function slope(build: (b: GraphBuilder, x: Value) => Value, data: readonly number[]): Promise<number[]> {
  const b = new GraphBuilder();
  const x = b.input('x', 'float64', [data.length]);
  const [gradient] = gradients(b, b.reduceSum(build(b, x)), [x]);
  b.output('gradient', gradient!);
  return (await run(b, { x: float64([data.length], data) })).gradient;
}

const close = (found: readonly number[], expected: readonly number[], tolerance = 1e-9): void => {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected[i])));
  });
};

describe('gradients', () => {
  const data = [0.3, -0.7, 1.2];

  it('adds up what arrives from several consumers', async () => {
    const found = await slope((b, x) => b.add(b.add(b.mul(x, x), sin(b, x)), b.add(b.exp(x), x)), data);
    close(
      found,
      data.map((x) => 2 * x + Math.cos(x) + Math.exp(x) + 1),
    );
  });

  it('is undefined where nothing depends', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float64', [2]);
    const y = b.input('y', 'float64', [2]);
    const z = b.mul(x, 2);
    expect(gradients(b, z, [y, x])[0]).toBeUndefined();
    expect(gradients(b, z, [x])[0]?.shape).toEqual([2]);
  });

  it('gives the seed for the output itself, and gradients by intermediate values', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float64', [3]);
    const middle = b.mul(x, 3);
    const output = b.mul(middle, middle);
    const seed = b.constant(float64([3], [1, 2, 3]));
    const [own, inside, outside] = gradients(b, output, [output, middle, x], seed);
    b.output('own', own!);
    b.output('inside', inside!);
    b.output('outside', outside!);
    const found = await run(b, { x: float64([3], data) });
    close(found.own, [1, 2, 3]);
    close(
      found.inside,
      data.map((v, i) => (i + 1) * 2 * 3 * v),
    );
    close(
      found.outside,
      data.map((v, i) => (i + 1) * 18 * v),
    );
  });

  it('differentiates by named initializers and keeps the nodes that use them', async () => {
    const b = new GraphBuilder();
    const w = b.initializer('w', float64([1, 3], data));
    const y = b.reduceSum(b.exp(b.reshape(w, [3])));
    const [gradient] = gradients(b, y, [w]);
    b.output('gradient', gradient!);
    close((await run(b, {})).gradient, data.map(Math.exp));
    expect(b.graph().nodes.map(({ opType }) => opType)).toContain('Exp');
  });

  it('stops at what has no derivative by nature, and at what is detached', async () => {
    close(await slope((b, x) => b.mul(x, b.cast(b.greater(x, 0), 'float64')), data), [1, 0, 1]);
    close(
      await slope(
        (b, x) =>
          b.mul(
            x,
            b.detached(() => b.exp(x)),
          ),
        data,
      ),
      data.map(Math.exp),
    );
  });

  it('does no work for inputs that nobody differentiates by', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [4, 3]);
    const w = b.input('w', 'float32', [3, 2]);
    const y = b.gemm(x, w);
    const before = b.size;
    gradients(b, b.reduceSum(y), [w]);
    const products = b
      .graph()
      .nodes.slice(before)
      .filter(({ opType }) => opType === 'Gemm');
    expect(products.length).toBe(1);
  });

  it('names the node and the operator that has no rule', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [2, 1, 3]);
    const w = b.input('w', 'float32', [1, 4, 3]);
    const [y] = b.apply('RNN', [x, w, b.input('r', 'float32', [1, 4, 4])], {}, { name: 'encoder', outputs: 2 });
    const differentiate = (): unknown => gradients(b, b.reduceSum(y), [w]);
    expect(differentiate).toThrow(BallastError);
    try {
      differentiate();
    } catch (error) {
      expect((error as BallastError).describe()).toMatch(/^node encoder: operator RNN has no gradient rule/);
    }
  });

  it('refuses a loop on the way', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [2]);
    const [y] = b.loop([undefined, undefined, x], new GraphBuilder('body').graph(), [x]);
    expect(() => gradients(b, b.reduceSum(y), [x])).toThrow(/operator Loop has no gradient rule/);
  });
});

describe('look-ups with repeated indices', () => {
  it('lose nothing when the runtime has several threads', async () => {
    const [rows, width, count] = [2, 4, 200_000];
    const b = new GraphBuilder();
    const table = b.input('table', 'float32', [rows, width]);
    const indices = b.input('indices', 'int64', [count]);
    const [gradient] = gradients(b, b.reduceSum(b.gather(table, indices)), [table]);
    b.output('gradient', gradient!);
    const session = await runtime.load(writeModel(b.model()), { threads: 4 });
    const places = Array.from({ length: count }, (_, i) => (i * 7) % rows);
    const feeds = {
      table: float32([rows, width], new Float32Array(rows * width)),
      indices: int64([count], places),
    };
    for (let i = 0; i < 5; i++) {
      const { gradient: found } = await session.run(feeds);
      expect(new Set(found.data as Float32Array)).toEqual(new Set([count / rows]));
    }
    session.release();
  });
});

describe('composites', () => {
  /** x^3 as one, with a gradient that uses the square from inside. */
  const cube = (b: GraphBuilder, x: Value): Value => {
    let square: Value | undefined;
    const [y] = b.composite(
      'cube',
      [x],
      () => {
        square = b.mul(x, x);
        return [b.mul(square, x)];
      },
      ([g]) => [b.mul(g!, b.mul(square!, 3))],
    );
    return y;
  };

  it('differentiate by their own gradient', async () => {
    close(await slope(cube, [0.5, -2]), [0.75, 12]);
    const wrong = (b: GraphBuilder, x: Value): Value =>
      b.composite(
        'straight through',
        [x],
        () => [b.op('Floor', [x])],
        ([g]) => [g],
      )[0];
    close(await slope(wrong, [0.5, -2]), [1, 1]);
  });

  it('have second derivatives through the values inside', async () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float64', [2]);
    const [first] = gradients(b, b.reduceSum(cube(b, x)), [x]);
    const [second] = gradients(b, b.reduceSum(first!), [x]);
    b.output('second', second!);
    close((await run(b, { x: float64([2], [0.5, -2]) })).second, [3, -12]);
  });

  it('may pass an input on', async () => {
    const passing = (b: GraphBuilder, x: Value): Value => {
      const [same, doubled] = b.composite(
        'pair',
        [x],
        () => [x, b.mul(x, 2)],
        ([g, h]) => [g === undefined ? b.mul(h!, 2) : h === undefined ? g : b.add(g, b.mul(h, 2))],
      );
      return b.mul(same, doubled);
    };
    close(await slope(passing, [0.5, -2]), [2, -8]);
  });
});

describe('second derivatives', () => {
  /** The gradient of the squared norm of the gradient, as a gradient penalty needs it. */
  const smooth: readonly (readonly [string, (b: GraphBuilder, x: Value) => Value])[] = [
    ['Tanh', (b, x) => b.tanh(x)],
    ['Sigmoid', (b, x) => b.sigmoid(x)],
    ['Exp and Div', (b, x) => b.div(b.exp(x), b.add(b.mul(x, x), 1))],
    ['Pow', (b, x) => b.pow(b.add(b.mul(x, x), 1), 1.5)],
    ['Softmax', (b, x) => b.mul(b.softmax(x), b.constant(float64([3, 4], [...Array(12).keys()])))],
    ['LogSoftmax', (b, x) => b.mul(b.logSoftmax(x), b.constant(float64([3, 4], [...Array(12).keys()])))],
    ['MatMul', (b, x) => b.tanh(b.matMul(x, b.swapLast(x)))],
    ['Gemm', (b, x) => sin(b, b.gemm(x, x, undefined, { transB: true }))],
    ['ReduceSum, ReduceMean', (b, x) => b.mul(b.reduceSum(b.exp(x), [0], true), b.reduceMean(sin(b, x), [1], true))],
    ['ReduceLogSumExp', (b, x) => b.exp(b.op('ReduceLogSumExp', [x, b.indices([1])]))],
    ['LayerNormalization', (b, x) => b.exp(b.op('LayerNormalization', [x, b.constant(float64([4], [1, 0.5, 2, -1]))]))],
    [
      'BatchNormalization',
      (b, x) => {
        const vector = (values: number[]): Value => b.constant(float64([4], values));
        const inputs = [
          x,
          ...[
            [1, 0.5, 2, -1],
            [0, 1, 2, 3],
            [4, 5, 6, 7],
            [8, 9, 1, 2],
          ].map(vector),
        ];
        const attributes = { training_mode: { kind: 'int', value: 1 }, epsilon: float(0.1) } as const;
        return b.exp(b.apply('BatchNormalization', inputs, attributes, { outputs: 3 })[0]);
      },
    ],
    [
      'Slice, Concat, Transpose',
      (b, x) => b.mul(b.concat([b.slice(x, [1], [3], [0]), x], 0), b.concat([x, b.slice(x, [0], [2], [0])], 0)),
    ],
    ['Slice with steps', (b, x) => b.exp(b.slice(x, [2, 3], [-10, 0], [0, 1], [-1, -2]))],
    ['Gather', (b, x) => sin(b, b.gather(x, b.indices([2, 0, 2]), 0))],
    ['Einsum', (b, x) => sin(b, b.op('Einsum', [x, x], { equation: { kind: 'string', value: 'ij,kj->ik' } }))],
    ['Max of distinct', (b, x) => b.exp(b.maximum(x, b.mul(x, -0.5)))],
    ['Where', (b, x) => b.where(b.greater(x, 0), b.mul(b.mul(x, x), x), b.exp(x))],
  ];

  it.each(smooth)('%s', async (_, build) => {
    const data = [0.31, -0.72, 1.24, 0.55, -1.13, 0.86, 0.12, -0.44, 0.97, -0.25, 0.68, -0.91];
    const b = new GraphBuilder();
    const x = b.input('x', 'float64', [3, 4]);
    const [first] = gradients(b, b.reduceSum(build(b, x)), [x]);
    const penalty = b.reduceSum(b.mul(first!, first!));
    const [second] = gradients(b, penalty, [x]);
    b.output('penalty', penalty);
    b.output('second', second!);
    const session = await load(b);
    const at = async (values: number[]): Promise<Record<string, Tensor>> => session.run({ x: float64([3, 4], values) });
    const { second: found } = await at(data);
    const step = 1e-3;
    for (let i = 0; i < data.length; i++) {
      const value = async (offset: number): Promise<number> =>
        Number((await at(data.map((v, j) => (j === i ? v + offset : v)))).penalty.data[0]);
      const near = (await value(step)) - (await value(-step));
      const far = (await value(2 * step)) - (await value(-2 * step));
      const expected = (8 * near - far) / (12 * step);
      expect(Math.abs(Number(found.data[i]) - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)));
    }
    session.release();
  });
});

describe('second derivatives of layers that run in single precision only', () => {
  const weights = (shape: readonly number[]): Tensor =>
    float32(
      shape,
      Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 2.3 + 1) * 0.5),
    );
  const layers: readonly (readonly [string, (b: GraphBuilder, x: Value) => Value])[] = [
    ['Conv', (b, x) => b.op('Conv', [x, b.constant(weights([3, 2, 3, 3]))], { pads: ints([1, 1, 1, 1]) })],
    [
      'Conv, stride, groups',
      (b, x) => b.op('Conv', [x, b.constant(weights([4, 1, 2, 2]))], { group: int(2), strides: ints([2, 1]) }),
    ],
    [
      'ConvTranspose',
      (b, x) => b.op('ConvTranspose', [x, b.constant(weights([2, 2, 2, 2]))], { strides: ints([2, 2]) }),
    ],
    ['MaxPool', (b, x) => b.op('MaxPool', [x], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) })],
    ['MaxPool, overlapping', (b, x) => b.op('MaxPool', [x], { kernel_shape: ints([3, 2]) })],
    [
      'AveragePool, overlapping',
      (b, x) => b.op('AveragePool', [x], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) }),
    ],
    ['Gelu', (b, x) => b.op('Gelu', [x])],
    [
      'InstanceNormalization',
      (b, x) => b.op('InstanceNormalization', [x, b.constant(weights([2])), b.constant(weights([2]))]),
    ],
  ];

  it.each(layers)('%s', async (_, build) => {
    const shape = [1, 2, 4, 4];
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', shape);
    const [first] = gradients(b, b.reduceSum(b.exp(b.mul(build(b, x), 0.5))), [x]);
    const penalty = b.reduceSum(b.mul(first!, first!));
    b.output('penalty', penalty);
    b.output('second', gradients(b, penalty, [x])[0]!);
    const session = await load(b);
    const data = Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 1.9 + 0.2));
    const at = (values: readonly number[]): Promise<Record<string, Tensor>> =>
      session.run({ x: float32(shape, values) });
    const slopes = Array.from((await at(data)).second.data as Float32Array);
    const direction = slopes.map((s, i) => Math.sign(s) * (1 + Math.cos(i * 3.1)) * 0.5);
    const value = async (step: number): Promise<number> =>
      Number((await at(data.map((v, i) => v + step * direction[i]))).penalty.data[0]);
    const step = 5e-3;
    const measured = ((await value(step)) - (await value(-step))) / (2 * step);
    const expected = slopes.reduce((sum, s, i) => sum + s * direction[i], 0);
    session.release();
    expect(Math.abs(measured - expected)).toBeLessThan(1e-2 * expected);
  });
});

describe('random graphs of smooth operators', () => {
  const unary: readonly ((b: GraphBuilder, x: Value) => Value)[] = [
    (b, x) => b.tanh(x),
    (b, x) => sin(b, x),
    (b, x) => b.sigmoid(x),
    (b, x) => b.exp(b.mul(b.tanh(x), 0.5)),
    (b, x) => b.div(x, b.add(b.mul(x, x), 1)),
    (b, x) => b.sqrt(b.add(b.mul(x, x), 0.5)),
    (b, x) => b.softmax(x),
    (b, x) => b.softmax(x, 0),
    (b, x) => b.transpose(b.reshape(x, [3, 2]), [1, 0]),
    (b, x) => b.mul(b.reduceMean(x, [1], true), x),
    (b, x) => b.add(x, b.reduceSum(b.mul(x, 0.3), [0], true)),
    (b, x) => b.concat([b.slice(x, [1], [2], [0]), b.slice(x, [0], [1], [0])], 0),
    (b, x) => b.gather(x, b.indices([2, 2, 0]), 1),
    (b, x) => b.pad(b.slice(x, [0, 1], [2, 3], [0, 1]), [0, 1, 0, 0]),
  ];
  const binary: readonly ((b: GraphBuilder, x: Value, y: Value) => Value)[] = [
    (b, x, y) => b.add(x, y),
    (b, x, y) => b.sub(x, y),
    (b, x, y) => b.mul(x, y),
    (b, x, y) => b.tanh(b.matMul(b.matMul(x, b.swapLast(y)), x)),
    (b, x, y) => b.gemm(b.gemm(x, y, undefined, { transB: true }), y, x, { alpha: 0.3, beta: 0.7 }),
    (b, x, y) => b.mul(x, b.reduceMean(y, [0, 1], true)),
  ];
  // Every step takes one or two values made before it.
  const step = fc.record({ kind: fc.nat(), left: fc.nat(), right: fc.nat() });

  it('agree with finite differences', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), { minLength: 12, maxLength: 12 }),
        async (steps, numbers) => {
          const b = new GraphBuilder();
          const shape = [2, 3];
          const inputs = [b.input('x', 'float64', shape), b.input('y', 'float64', shape)];
          const values: Value[] = [...inputs];
          for (const { kind, left, right } of steps) {
            const choice = kind % (unary.length + binary.length);
            const [x, y] = [values[left % values.length], values[right % values.length]];
            values.push(choice < unary.length ? unary[choice](b, x) : binary[choice - unary.length](b, x, y));
          }
          const weights = b.constant(float64(shape, [1, -2, 0.5, 1.5, -1, 0.7]));
          const loss = b.reduceSum(b.mul(b.tanh(values[values.length - 1]), weights));
          const found = gradients(b, loss, inputs);
          b.output('loss', loss);
          found.forEach((gradient, i) => {
            if (gradient !== undefined) b.output(`gradient ${i}`, gradient);
          });
          const session = await load(b);
          const used = new Set(session.inputs.map(({ name }) => name));
          const at = (data: readonly number[]): Promise<Record<string, Tensor>> => {
            const feeds = { x: float64(shape, data.slice(0, 6)), y: float64(shape, data.slice(6)) };
            return session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => used.has(name))));
          };
          const results = await at(numbers);
          const h = 1e-3;
          for (let i = 0; i < numbers.length; i++) {
            const value = async (offset: number): Promise<number> =>
              Number((await at(numbers.map((v, j) => (j === i ? v + offset : v)))).loss.data[0]);
            const near = (await value(h)) - (await value(-h));
            const far = (await value(2 * h)) - (await value(-2 * h));
            const expected = (8 * near - far) / (12 * h);
            const gradient = found[Math.floor(i / sizeOf(shape))];
            const given =
              gradient === undefined ? 0 : Number(results[`gradient ${Math.floor(i / 6)}`].data[i % sizeOf(shape)]);
            expect(Math.abs(given - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)));
          }
          session.release();
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });
});

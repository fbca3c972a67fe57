import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { derive } from '../../numeric/random.js';
import { GraphBuilder, type Value } from '../builder.js';
import { writeModel } from '../format/encode.js';
import { gradients } from '../gradients.js';
import { inline } from '../inline.js';
import { type Graph, int, ints } from '../model.js';
import { openRuntime } from '../runtime/choose.js';
import type { Runtime } from '../runtime/runtime.js';
import { float32, sizeOf, type Tensor } from '../tensor.js';
import { lowerConvolutions } from './plan.js';

/** Lowered graphs against the same graph with plain operators. */

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime({ backend: 'stock' });
});

interface Layer {
  readonly outputs: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly bias?: boolean;
  readonly relu?: boolean;
  readonly pool?: boolean;
  readonly group?: number;
}

interface Network {
  readonly graph: Graph;
  readonly parameters: readonly string[];
}

const normal = (shape: readonly number[], label: string, deviation = 1): Tensor<Float32Array> => {
  const stream = derive(3, 'lowering', label);
  return float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => stream.normal(0, deviation)),
  );
};

function network(input: readonly number[], layers: readonly Layer[]): Network {
  const b = new GraphBuilder('network');
  const parameters: string[] = [];
  let value: Value = b.input('x', 'float32', input);
  layers.forEach(({ outputs, kernel = 3, stride = 1, bias = true, relu = true, pool = false, group = 1 }, i) => {
    const before = Math.floor((kernel - 1) / 2);
    const channels = value.shape[1];
    const deviation = 1 / Math.sqrt(channels * kernel * kernel);
    const w = b.initializer(`w${i}`, normal([outputs, channels / group, kernel, kernel], `w${i}`, deviation));
    const c = bias ? b.initializer(`c${i}`, normal([outputs], `c${i}`, 0.1)) : undefined;
    parameters.push(`w${i}`, ...(bias ? [`c${i}`] : []));
    value = b.op('Conv', [value, w, c], {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([before, before, before, before]),
      group: int(group),
    });
    if (relu) value = b.relu(value);
    if (pool) value = b.op('MaxPool', [value], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  });
  b.output('y', value);
  return { graph: b.graph(), parameters };
}

interface Built {
  readonly operators: readonly string[];
  readonly results: Readonly<Record<string, Float32Array>>;
}

/** y and the gradients of sum(y * seed) with respect to input and parameters. */
async function run({ graph, parameters }: Network, lowered: boolean, sitesInUse = new Set<string>()): Promise<Built> {
  const b = new GraphBuilder('step');
  const shape = graph.inputs[0].shape as readonly number[];
  const x = b.input('x', 'float32', shape);
  const weights = new Map(
    parameters.map((name) => [name, b.input(name, 'float32', graph.initializers.get(name)!.shape)]),
  );
  const { y } = inline(b, graph, {
    inputs: { x },
    prefix: 'model.',
    parameter: (name) => weights.get(name),
    ...(lowered ? { replace: lowerConvolutions(b, graph, { sitesInUse }) } : {}),
  });
  const forward = b.graph().nodes.map(({ opType }) => opType);
  b.output('y', y);
  const found = gradients(b, y, [x, ...weights.values()], b.constant(normal(y.shape, 'seed')));
  ['x', ...parameters].forEach((name, i) => {
    b.output(`d.${name}`, found[i]!);
  });
  const session = await runtime.load(writeModel(b.model()));
  const feeds = Object.fromEntries(parameters.map((name) => [name, graph.initializers.get(name)!]));
  const results = await session.run({ x: normal(shape, 'x'), ...feeds });
  session.release();
  return {
    operators: forward,
    results: Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array])),
  };
}

/** Largest difference, relative to the largest value. */
function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  let [largest, difference] = [0, 0];
  a.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(value - b[i]));
  });
  return difference / Math.max(largest, 1e-6);
}

async function expectEqual(input: readonly number[], layers: readonly Layer[]): Promise<Built> {
  const net = network(input, layers);
  const [plain, lowered] = [await run(net, false), await run(net, true)];
  expect(Object.keys(lowered.results)).toEqual(Object.keys(plain.results));
  for (const [name, values] of Object.entries(plain.results)) {
    expect(distance(values, lowered.results[name]), `${name} of [${input}]`).toBeLessThan(1e-4);
  }
  return lowered;
}

describe('a lowered convolution', () => {
  it.each([
    { title: 'tiles of 4', input: [2, 16, 8, 8], layer: { outputs: 24 }, conv: false },
    { title: 'tiles of 4 and pooling', input: [2, 16, 8, 8], layer: { outputs: 24, pool: true }, conv: false },
    { title: 'tiles of 2', input: [2, 16, 6, 10], layer: { outputs: 16 }, conv: false },
    { title: 'tiles of 2 and pooling', input: [3, 16, 14, 14], layer: { outputs: 16, pool: true }, conv: false },
    { title: 'not square', input: [2, 16, 4, 12], layer: { outputs: 16, pool: true }, conv: false },
    { title: 'a batch of 1', input: [1, 16, 4, 4], layer: { outputs: 16, pool: true }, conv: false },
    { title: '33 channels', input: [2, 33, 8, 4], layer: { outputs: 33, pool: true }, conv: false },
    { title: 'no bias', input: [2, 16, 8, 4], layer: { outputs: 16, bias: false, pool: true }, conv: false },
    { title: 'no Relu', input: [2, 16, 8, 4], layer: { outputs: 16, relu: false, pool: true }, conv: false },
    { title: 'nothing after it', input: [2, 16, 8, 4], layer: { outputs: 16, relu: false, bias: false }, conv: false },
    { title: 'odd extents', input: [2, 16, 7, 9], layer: { outputs: 16, pool: true }, conv: true },
    { title: 'stride 2', input: [2, 16, 8, 8], layer: { outputs: 16, stride: 2 }, conv: true },
    { title: '5x5', input: [2, 16, 8, 8], layer: { outputs: 16, kernel: 5 }, conv: true },
  ])('equals the plain one: $title', async ({ input, layer, conv }) => {
    const { operators } = await expectEqual(input, [layer]);
    expect(operators.includes('Conv')).toBe(conv);
  });

  it.each([
    { title: 'one channel and pooling', input: [3, 1, 8, 6], layer: { outputs: 5, pool: true } },
    { title: 'three channels and pooling', input: [3, 3, 8, 6], layer: { outputs: 5, pool: true } },
    { title: 'three channels, odd extents', input: [2, 3, 7, 5], layer: { outputs: 5, pool: true } },
    { title: 'stride 2', input: [2, 3, 8, 8], layer: { outputs: 5, stride: 2 } },
    { title: '5x5', input: [2, 1, 8, 8], layer: { outputs: 5, kernel: 5 } },
    { title: 'no bias', input: [2, 1, 8, 8], layer: { outputs: 5, bias: false, pool: true } },
    { title: 'a batch of 1, no Relu', input: [1, 1, 4, 4], layer: { outputs: 5, relu: false, pool: true } },
  ])('of few channels equals the plain one: $title', async ({ input, layer }) => {
    await expectEqual(input, [layer]);
  });

  it.each([
    { title: 'even extents', input: [3, 6, 4, 5], layer: { outputs: 6, group: 6 }, conv: false },
    { title: 'a batch of 1, no bias', input: [1, 3, 2, 8], layer: { outputs: 3, group: 3, bias: false }, conv: false },
    { title: 'one column', input: [2, 4, 4, 1], layer: { outputs: 4, group: 4 }, conv: false },
    { title: 'odd height', input: [2, 4, 5, 4], layer: { outputs: 4, group: 4 }, conv: true },
    { title: 'two kernels a channel', input: [2, 4, 4, 4], layer: { outputs: 8, group: 4 }, conv: true },
    { title: 'groups of two', input: [2, 4, 4, 4], layer: { outputs: 4, group: 2 }, conv: true },
    { title: 'stride 2', input: [2, 4, 4, 4], layer: { outputs: 4, group: 4, stride: 2 }, conv: true },
  ])('that keeps channels apart equals the plain one: $title', async ({ input, layer, conv }) => {
    const { operators } = await expectEqual(input, [layer]);
    expect(operators.includes('Conv')).toBe(conv);
  });

  it('equals the plain one over shapes drawn at random', async () => {
    const layer = fc.record({
      outputs: fc.integer({ min: 14, max: 20 }),
      bias: fc.boolean(),
      relu: fc.boolean(),
      pool: fc.boolean(),
    });
    const input = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(1, 3, 16, 17),
      fc.integer({ min: 2, max: 9 }),
      fc.integer({ min: 2, max: 9 }),
    );
    await fc.assert(
      fc.asyncProperty(input, layer, async (shape, drawn) => {
        await expectEqual(shape, [drawn]);
      }),
      { numRuns: 25, seed: 11 },
    );
  });
});

describe('a row of convolutions', () => {
  it('keeps rows from one to the next, over chunks of unequal size', async () => {
    // 5 images of 1.6 MB together: two chunks.
    const { operators } = await expectEqual(
      [5, 1, 64, 64],
      [{ outputs: 20, pool: true }, { outputs: 16, pool: true }, { outputs: 16 }],
    );
    // One for the patches, one back to images after each convolution, of which the last alone is used.
    expect(operators.filter((type) => type === 'Transpose').length).toBe(4);
    expect(operators.filter((type) => type === 'MaxPool').length).toBe(0);
  });

  it('gives the same bytes twice', async () => {
    const net = network(
      [4, 3, 8, 8],
      [
        { outputs: 16, pool: true },
        { outputs: 16, pool: true },
      ],
    );
    const [first, second] = [await run(net, true), await run(net, true)];
    for (const [name, values] of Object.entries(first.results)) expect(second.results[name]).toEqual(values);
  });

  it('leaves values visible where something may stand in their place', async () => {
    const net = network([2, 16, 8, 8], [{ outputs: 16, pool: true }]);
    const relu = net.graph.nodes.find(({ opType }) => opType === 'Relu')!;
    const { operators } = await run(net, true, new Set(relu.outputs));
    expect(operators).toContain('MaxPool');
    expect(operators).not.toContain('Conv');
  });

  it('does not take in what others read too', async () => {
    const b = new GraphBuilder('network');
    const x = b.input('x', 'float32', [2, 16, 8, 8]);
    const w = b.initializer('w0', normal([16, 16, 3, 3], 'w0', 0.1));
    const z = b.op('Conv', [x, w], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) });
    b.output('y', b.add(b.relu(z), b.mul(z, 0.1)));
    const net = { graph: b.graph(), parameters: ['w0'] };
    const [plain, lowered] = [await run(net, false), await run(net, true)];
    for (const [name, values] of Object.entries(plain.results)) {
      expect(distance(values, lowered.results[name])).toBeLessThan(1e-4);
    }
  });
});

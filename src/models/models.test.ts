import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import type { Graph } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32, int64, sizeOf, type Tensor } from '../graph/tensor.js';
import { buildModel } from './build.js';
import type { ModelInput } from './inputs.js';
import { modelOptions, type NativeModelOptions } from './options.js';

interface Golden {
  readonly title: string;
  readonly options: Record<string, unknown>;
  readonly shape: number[];
  readonly outputs: number;
  readonly vocabulary: number | null;
  readonly x: number[];
  readonly y: number[];
  readonly weights: Record<string, { shape: number[]; data: number[] }>;
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/models.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

function built(options: Record<string, unknown>, input: Partial<ModelInput>, outputs = 3, seed = 1): Graph {
  const inputs: ModelInput[] = [{ name: 'x', type: 'float32', shape: [5], ...input }];
  return buildModel(modelOptions.parse(options) as NativeModelOptions, { inputs, outputs, seed });
}

const inputOf = ({ shape, vocabulary }: Golden): Partial<ModelInput> =>
  vocabulary === null ? { shape } : { shape, type: 'int64', vocabulary };

async function run(graph: Graph, x: Tensor): Promise<{ shape: readonly number[]; values: number[] }> {
  const session = await runtime.load(writeModel({ ...new GraphBuilder().model(), graph }));
  const { output } = await session.run({ x });
  session.release();
  return { shape: output.shape, values: Array.from(output.data as Float32Array) };
}

describe.each(cases.map((golden) => ({ title: golden.title, golden })))('$title', ({ golden }) => {
  const { options, shape, outputs, vocabulary, x, y } = golden;
  const parameters = (graph: Graph): [string, Tensor][] =>
    [...graph.initializers].filter(([name]) => golden.weights[name] !== undefined);

  it('has the parameters of the reference, by name and shape', () => {
    const graph = built(options, inputOf(golden), outputs);
    const found = parameters(graph).map(([name, tensor]) => [name, [...tensor.shape]]);
    const expected = Object.entries(golden.weights).map(([name, weight]) => [name, weight.shape]);
    expect(found.sort()).toEqual(expected.sort());
  });

  it("computes what PyTorch's layers compute with the same weights, for any batch", async () => {
    const graph = built(options, inputOf(golden), outputs);
    const initializers = new Map(graph.initializers);
    for (const [name, weight] of Object.entries(golden.weights))
      initializers.set(name, float32(weight.shape, weight.data));
    const size = sizeOf(shape);
    const rows = x.length / size;
    const of = (from: number, to: number): Tensor => {
      const part = x.slice(from * size, to * size);
      return vocabulary === null ? float32([to - from, ...shape], part) : int64([to - from, ...shape], part);
    };
    for (const [from, to] of [
      [0, rows],
      [0, 1],
      [1, 3],
    ]) {
      const found = await run({ ...graph, initializers }, of(from, to));
      expect(found.shape).toEqual([to - from, outputs]);
      const expected = y.slice(from * outputs, to * outputs);
      const scale = Math.max(1, ...y.map(Math.abs));
      found.values.forEach((value, i) => {
        expect(Math.abs(value - expected[i]) / scale).toBeLessThan(1e-5);
      });
    }
  });

  it('follows from its seed', () => {
    const weights = (seed: number): string =>
      JSON.stringify(
        parameters(built(options, inputOf(golden), outputs, seed)).map(([, { data }]) =>
          Array.from(data as Float32Array),
        ),
      );
    expect(weights(1)).toBe(weights(1));
    expect(weights(2)).not.toBe(weights(1));
  });
});

const count = (graph: Graph): number =>
  [...graph.initializers].reduce(
    (sum, [name, { type, shape }]) =>
      type === 'float32' && /\.(weight|bias|scale|shift|table|positions)$/.test(name) ? sum + sizeOf(shape) : sum,
    0,
  );

describe('parameter counts in closed form', () => {
  it.each<[string, Record<string, unknown>, Partial<ModelInput>, number]>([
    ['logistic', { type: 'logistic' }, { shape: [30] }, 30 * 3 + 3],
    ['mlp', { type: 'mlp', hidden: [64, 32] }, { shape: [30] }, 30 * 64 + 64 + 64 * 32 + 32 + 32 * 3 + 3],
    [
      'mlp with batch norm',
      { type: 'mlp', hidden: [64], normalization: 'batch' },
      { shape: [30] },
      30 * 64 + 64 + 2 * 64 + 64 * 3 + 3,
    ],
    [
      'the default cnn on 28x28',
      { type: 'cnn' },
      { shape: [1, 28, 28] },
      32 * 9 + 32 + 64 * 32 * 9 + 64 + 64 * 7 * 7 * 128 + 128 + 128 * 3 + 3,
    ],
    [
      'a residual block of another width, batch-normalized',
      { type: 'cnn', layers: [{ residual: 8, stride: 2 }, { globalPool: 'average' }] },
      { shape: [4, 8, 8] },
      8 * 4 * 9 + 8 * 8 * 9 + 8 * 4 + 3 * 2 * 8 + 8 * 3 + 3,
    ],
    [
      'a separable convolution',
      { type: 'cnn', layers: [{ separable: 16 }, { globalPool: 'average' }] },
      { shape: [4, 8, 8] },
      4 * 9 + 4 + 4 * 16 + 16 + 16 * 3 + 3,
    ],
    [
      'a transformer of d = 64 and depth 2',
      { type: 'transformer' },
      { shape: [20], type: 'int64', vocabulary: 100 },
      // Per block 12 d^2 + 13 d; table, positions, the last norm and the output beside.
      100 * 64 + 20 * 64 + 2 * (12 * 64 ** 2 + 13 * 64) + 2 * 64 + 64 * 3 + 3,
    ],
  ])('%s', (_title, options, input, expected) => {
    expect(count(built(options, input))).toBe(expected);
  });
});

describe('initial weights', () => {
  const deviation = (graph: Graph, name: string): number => {
    const values = Array.from(graph.initializers.get(name)!.data as Float32Array);
    const mean = values.reduce((a, b) => a + b) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
  };

  it('are those of He et al. for hidden layers and 1 / sqrt(inputs) for the output', () => {
    const graph = built({ type: 'mlp', hidden: [256, 256] }, { shape: [200] }, 100);
    expect(deviation(graph, 'dense1.weight') / Math.sqrt(2 / 200)).toBeCloseTo(1, 1);
    expect(deviation(graph, 'dense2.weight') / Math.sqrt(2 / 256)).toBeCloseTo(1, 1);
    expect(deviation(graph, 'output.weight') / Math.sqrt(1 / 256)).toBeCloseTo(1, 1);
    expect(Array.from(graph.initializers.get('dense1.bias')!.data as Float32Array).every((v) => v === 0)).toBe(true);
  });

  it('of convolutions count the kernel and the group', () => {
    const graph = built(
      { type: 'cnn', layers: [{ conv: 64 }, { conv: 64, groups: 4, kernel: 5 }] },
      { shape: [16, 8, 8] },
    );
    expect(deviation(graph, 'conv1.weight') / Math.sqrt(2 / (16 * 9))).toBeCloseTo(1, 1);
    expect(deviation(graph, 'conv2.weight') / Math.sqrt(2 / (16 * 25))).toBeCloseTo(1, 1);
  });

  it('of a deep network keep the scale of its activations', async () => {
    const graph = built({ type: 'mlp', hidden: Array.from({ length: 12 }, () => 128) }, { shape: [64] }, 64);
    const x = float32(
      [64, 64],
      Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i * 12.9898) * Math.SQRT2),
    );
    const { values } = await run(graph, x);
    const rms = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    expect(rms).toBeGreaterThan(0.3);
    expect(rms).toBeLessThan(3);
  });

  it('of a layer do not depend on what comes after it', () => {
    const first = (hidden: number[]): number[] =>
      Array.from(built({ type: 'mlp', hidden }, {}).initializers.get('dense1.weight')!.data as Float32Array);
    expect(first([8])).toEqual(first([8, 4]));
  });
});

describe('what does not fit', () => {
  it.each<[string, Record<string, unknown>, Partial<ModelInput>, string]>([
    ['a cnn on columns', { type: 'cnn' }, { shape: [5] }, 'MODEL_INPUT'],
    ['an mlp on tokens', { type: 'mlp' }, { shape: [5], type: 'int64' }, 'MODEL_INPUT'],
    ['a transformer on images', { type: 'transformer' }, { shape: [1, 8, 8] }, 'MODEL_INPUT'],
    [
      'a transformer on tokens without a vocabulary',
      { type: 'transformer' },
      { shape: [5], type: 'int64' },
      'MODEL_INPUT',
    ],
    ['heads that do not divide', { type: 'transformer', dimension: 10, heads: 3 }, { shape: [5] }, 'MODEL_HEADS'],
    [
      'groups that do not divide',
      { type: 'cnn', layers: [{ conv: 4, groups: 3 }] },
      { shape: [4, 8, 8] },
      'MODEL_GROUPS',
    ],
    [
      'pooling below one pixel',
      { type: 'cnn', layers: [{ pool: 8 }, { pool: 2 }] },
      { shape: [1, 8, 8] },
      'MODEL_POOL_SIZE',
    ],
    [
      'a convolution after a dense layer',
      { type: 'cnn', layers: [{ dense: 4 }, { conv: 4 }] },
      { shape: [1, 8, 8] },
      'MODEL_LAYER_ORDER',
    ],
  ])('is an input error: %s', (_title, options, input, code) => {
    expect(() => built(options, input)).toThrow(expect.objectContaining({ code, kind: 'input' }));
  });
});

import { IR_VERSION, OPSET } from '../../src/graph/builder.js';
import { writeModel } from '../../src/graph/format/encode.js';
import type { Graph, Model } from '../../src/graph/model.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { float32, int64, sizeOf, type Tensor } from '../../src/graph/tensor.js';
import { buildModel } from '../../src/models/build.js';
import type { ModelInput } from '../../src/models/inputs.js';
import { modelOptions, type NativeModelOptions } from '../../src/models/options.js';
import { derive } from '../../src/numeric/random.js';

/** Networks of every kind that Ballast builds, with random weights and statistics, for tests of what changes models. */

export interface Network {
  readonly model: Model;
  readonly inputs: readonly (ModelInput & { readonly vocabulary?: number })[];
}

const PICTURE = { name: 'picture', type: 'float32', shape: [3, 12, 12] } as const;
const FEATURES = { name: 'features', type: 'float32', shape: [9] } as const;
const TOKENS = { name: 'tokens', type: 'int64', shape: [7], vocabulary: 11 } as const;
const SERIES = { name: 'series', type: 'float32', shape: [6, 5] } as const;

const RECIPES = {
  mlp: [{ type: 'mlp', hidden: [16, 12], normalization: 'batch' }, [FEATURES]],
  cnn: [{ type: 'cnn', layers: [{ conv: 8 }, { pool: 2 }, { conv: 12, stride: 2 }, { dense: 10 }] }, [PICTURE]],
  normalized: [
    {
      type: 'cnn',
      layers: [{ conv: 8, normalization: 'batch' }, { conv: 8, normalization: 'group' }, { globalPool: 'average' }],
    },
    [PICTURE],
  ],
  residual: [
    { type: 'cnn', layers: [{ conv: 8 }, { residual: 8 }, { residual: 12, stride: 2 }, { globalPool: 'average' }] },
    [PICTURE],
  ],
  separable: [
    {
      type: 'cnn',
      layers: [
        { conv: 8, normalization: 'batch' },
        { separable: 12, normalization: 'batch' },
        { separable: 12, stride: 2 },
        { globalPool: 'max' },
        { dense: 9 },
      ],
    },
    [PICTURE],
  ],
  grouped: [{ type: 'cnn', layers: [{ conv: 8 }, { conv: 12, groups: 4 }, { conv: 8 }, { dense: 10 }] }, [PICTURE]],
  transformer: [{ type: 'transformer', dimension: 16, heads: 4, layers: 2 }, [SERIES]],
  tokens: [{ type: 'transformer', dimension: 16, heads: 2, layers: 1 }, [TOKENS]],
} as const;

export type NetworkName = keyof typeof RECIPES;
export const NETWORKS = Object.keys(RECIPES) as NetworkName[];

/** A network of three outputs, with statistics of normalization as if it had been trained. */
export function network(name: NetworkName): Network {
  const [options, inputs] = RECIPES[name];
  const graph = buildModel(modelOptions.parse(options) as NativeModelOptions, { inputs, outputs: 3, seed: 7 });
  return { inputs, model: modelOf(shaken(graph)) };
}

/** A graph as a model of Ballast's opset. */
export function modelOf(graph: Graph): Model {
  return {
    irVersion: IR_VERSION,
    opsets: new Map([
      ['', OPSET],
      ['com.microsoft', 1],
    ]),
    producer: { name: 'test', version: '1' },
    graph,
    metadata: new Map(),
  };
}

/** No parameter is exactly 0 or 1: biases and statistics are moved, variances stay positive. */
function shaken(graph: Graph): Graph {
  const initializers = new Map<string, Tensor>(
    [...graph.initializers].map(([name, value]) => {
      if (value.type !== 'float32' || value.shape.length !== 1) return [name, value];
      const stream = derive('shaken', name);
      const data = Float32Array.from(value.data as Float32Array, (x) => x + 0.3 * (stream.uniform() - 0.3));
      return [name, float32(value.shape, data)];
    }),
  );
  return { ...graph, initializers };
}

/** Random rows for a network. */
export function feedsOf({ inputs }: Pick<Network, 'inputs'>, rows: number, seed = 1): Record<string, Tensor> {
  return Object.fromEntries(
    inputs.map(({ name, shape, vocabulary }) => {
      const stream = derive('feeds', seed, name);
      const all = [rows, ...shape];
      const length = sizeOf(all);
      return [
        name,
        vocabulary === undefined
          ? float32(
              all,
              Float32Array.from({ length }, () => stream.normal()),
            )
          : int64(
              all,
              Array.from({ length }, () => stream.integer(vocabulary)),
            ),
      ];
    }),
  );
}

/** What a model answers, by output. */
async function answersOf(
  runtime: Runtime,
  model: Model,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, number[]>> {
  const session = await runtime.load(writeModel(model));
  try {
    const answers = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(answers).map(([name, { data }]) => [name, Array.from(data as Iterable<number | bigint>, Number)]),
    );
  } finally {
    session.release();
  }
}

/** Largest absolute difference of two models' answers. */
export async function differenceOf(
  runtime: Runtime,
  [first, second]: readonly [Model, Model],
  feeds: Readonly<Record<string, Tensor>>,
): Promise<number> {
  const [a, b] = [await answersOf(runtime, first, feeds), await answersOf(runtime, second, feeds)];
  return Math.max(...Object.keys(a).flatMap((name) => a[name].map((value, i) => Math.abs(value - b[name][i]))));
}

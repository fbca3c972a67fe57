import { beforeAll, describe, expect, it } from 'vitest';
import { FEATURES, openRuntimes, problem, trained } from '../../../test/support/training-problem.js';
import type { Graph } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import { buildModel } from '../../models/build.js';
import { modelOptions, type NativeModelOptions } from '../../models/options.js';
import { readArchitecture } from '../../training/architecture.js';
import { boundData } from '../../training/preparation.js';
import { runGraph } from '../../training/run-graph.js';
import { embeddingAndOutput, tie } from './index.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = (await openRuntimes()).ffi;
});

const SGD = { epochs: 1, batchSize: 40, optimizer: { type: 'sgd', learningRate: 0.1, momentum: 0 } };
const values = (graph: Graph, name: string): number[] => Array.from(graph.initializers.get(name)!.data as Float32Array);
const turned = ({ shape: [rows, columns], data }: Tensor): Tensor =>
  float32(
    [columns, rows],
    Float32Array.from({ length: rows * columns }, (_, i) => Number(data[(i % rows) * columns + Math.floor(i / rows)])),
  );

describe('tied weights', () => {
  it.each([
    ['of one shape', [5, 5, 5], false],
    ['of a transposed shape', [5, 4, 5], true],
  ])('move by the sum of the gradients in both places: %s', async (_title, hidden, isTurned) => {
    const model = { type: 'mlp', hidden, activation: 'tanh' };
    const given = problem({ inputs: FEATURES, model, training: SGD });
    const shared = given.graph.initializers.get('dense2.weight')!;
    // Untied, but of the same values: both places move on their own.
    const equal = new Map(given.graph.initializers).set('dense3.weight', isTurned ? turned(shared) : shared);
    const apart = await trained(runtime, { ...given, graph: { ...given.graph, initializers: equal } });
    const tied = await trained(
      runtime,
      problem({
        inputs: FEATURES,
        model,
        training: SGD,
        regularizers: [{ type: 'weight-tying', ties: [['dense2.weight', 'dense3.weight']] }],
      }),
    );
    expect(tied.graph.initializers.has('dense3.weight')).toBe(false);
    const before = Array.from(shared.data as Float32Array);
    const second = apart.graph.initializers.get('dense3.weight')!;
    const inPlace = Array.from((isTurned ? turned(second) : second).data as Float32Array);
    const first = values(apart.graph, 'dense2.weight');
    values(tied.graph, 'dense2.weight').forEach((value, i) => {
      expect(value - before[i]).toBeCloseTo(first[i] - before[i] + (inPlace[i] - before[i]), 6);
    });
  });

  it('stay one when they are pruned, with the zeros in both places', async () => {
    const { graph } = await trained(
      runtime,
      problem({
        inputs: FEATURES,
        model: { type: 'mlp', hidden: [6, 6, 6] },
        training: { epochs: 4 },
        regularizers: [
          { type: 'weight-tying', ties: [['dense2.weight', 'dense3.weight']] },
          { type: 'pruning', strength: 0.5, scope: 'layer' },
        ],
      }),
    );
    expect(values(graph, 'dense2.weight').filter((value) => value === 0)).toHaveLength(18);
    expect(graph.nodes.filter(({ inputs }) => inputs.includes('dense2.weight'))).toHaveLength(2);
  });
});

describe('an embedding and its output layer', () => {
  const inputs = [{ name: 'tokens', content: 'tokens' as const, type: 'int64' as const, shape: [6], vocabulary: 9 }];
  const options = modelOptions.parse({ type: 'transformer', dimension: 8, heads: 2, layers: 1 }) as NativeModelOptions;
  const graph = buildModel(options, { inputs, outputs: 9, seed: 1 });

  it('are found and become one table, used as it is and transposed', async () => {
    const [embedding, output] = embeddingAndOutput(graph);
    expect([embedding, output]).toEqual(['embedding.table', 'output.weight']);
    const tied = tie(graph, embedding, output);
    const names = readArchitecture(tied).parameters.map(({ name }) => name);
    expect(names).toContain(embedding);
    expect(names).not.toContain(output);
    // It computes what the untied network computes with the table transposed in its output layer.
    const table = graph.initializers.get(embedding)!;
    const untied = { ...graph, initializers: new Map(graph.initializers).set(output, turned(table)) };
    const tokens: Tensor<BigInt64Array> = {
      type: 'int64',
      shape: [4, 6],
      data: BigInt64Array.from({ length: 24 }, (_, i) => BigInt((i * 5) % 9)),
    };
    const rows = Int32Array.of(0, 1, 2, 3);
    const target: Tensor<BigInt64Array> = { type: 'int64', shape: [4], data: new BigInt64Array(4) };
    const data = boundData(runtime, {
      inputs: { tokens },
      target,
      weights: undefined,
      train: rows,
      validation: new Int32Array(0),
    });
    const run = (which: Graph) => runGraph(runtime, which, { inputs, data, rows, session: {} });
    const expected = await run(untied);
    (await run(tied)).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 5);
    });
  });

  it.each([
    [{}, 'TIE_EMBEDDING'],
    [{ ties: [['dense1.weight', 'nothing']] }, 'TIE_UNKNOWN'],
    [{ ties: [['dense1.weight', 'output.weight']] }, 'TIE_SHAPE'],
    [{ ties: [['dense1.weight', 'dense1.weight']] }, 'TIE_TO_ITSELF'],
  ])('are refused where they do not fit: %o', async (given, code) => {
    const wrong = problem({ inputs: FEATURES, regularizers: [{ type: 'weight-tying', ...given }] });
    const place = expect.stringMatching(/^regularizers\.weight-tying/);
    await expect(trained(runtime, wrong)).rejects.toMatchObject({ code, kind: 'input', place });
  });
});

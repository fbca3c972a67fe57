import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FEATURES, problem, trained } from '../../test/support/training-problem.js';
import { readModel } from '../graph/format/decode.js';
import { normalize } from '../graph/format/normalize.js';
import type { Graph, Model } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { sizeOf } from '../graph/tensor.js';
import { upgrade } from '../graph/upgrade/index.js';
import { adoptModel } from './foreign.js';

const datasets = process.env.BALLAST_DATASETS;
const PIXELS = [{ name: 'image', content: 'image', type: 'float32', shape: [1, 28, 28] }] as const;

describe('a new head', () => {
  const graph = problem({ inputs: FEATURES, model: { type: 'mlp', hidden: [6, 5] } }).graph;
  const model: Model = {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: '', version: '' },
    metadata: new Map(),
    graph,
  };
  const adopt = (outputs: number, newHead?: number): Graph =>
    adoptModel(model, {
      inputs: [{ name: 'features', type: 'float32', shape: [7] }],
      outputs,
      output: undefined,
      path: 'model.onnx',
      ...(newHead === undefined ? {} : { newHead }),
    });

  it('has as many outputs as the data and leaves all before it to the bit', () => {
    const adopted = adopt(11, 1);
    expect(adopted.outputs[0].shape).toEqual(['batch', 11]);
    expect(adopted.initializers.get('head.weight')!.shape).toEqual([5, 11]);
    expect(adopted.initializers.has('output.weight')).toBe(false);
    for (const name of ['dense1.weight', 'dense2.bias']) {
      expect(adopted.initializers.get(name)!.data).toEqual(graph.initializers.get(name)!.data);
    }
  });

  it('follows from its seed', () => {
    const weights = (seed: number): unknown => adopt(4, seed).initializers.get('head.weight')!.data;
    expect(weights(1)).toEqual(weights(1));
    expect(weights(1)).not.toEqual(weights(2));
  });

  it('is what the refusal of other classes points to', () => {
    expect(() => adopt(4)).toThrow(expect.objectContaining({ code: 'MODEL_CLASSES' }));
  });

  it.skipIf(datasets === undefined)(
    "trains on top of the ONNX zoo's digit network, whose frozen layers keep their bytes",
    async () => {
      const zoo = upgrade(normalize(readModel(readFileSync(join(datasets!, 'onnx-models/mnist/mnist.onnx')))));
      const foreign = adoptModel(zoo, {
        inputs: PIXELS,
        outputs: 3,
        output: undefined,
        path: 'mnist.onnx',
        newHead: 1,
      });
      const given = problem({
        inputs: PIXELS.map((input) => ({ ...input })),
        regularizers: [{ type: 'freezing', strength: 1, keep: 1 }],
        training: { epochs: 3, optimizer: { type: 'sgd', learningRate: 0.01 } },
      });
      const { graph: result } = await trained(await openRuntime(), { ...given, graph: foreign });
      expect(result.outputs[0].shape).toEqual(['batch', 3]);
      const moved = [...foreign.initializers]
        .filter(([, { type, shape }]) => type === 'float32' && sizeOf(shape) > 1)
        .map(([name, { data }]) => [
          name,
          JSON.stringify(data) !== JSON.stringify(result.initializers.get(name)!.data),
        ]);
      expect(Object.fromEntries(moved)).toEqual({
        Parameter5: false,
        Parameter6: false,
        Parameter87: true,
        Parameter88: true,
        'head.weight': true,
        'head.bias': true,
      });
    },
  );
});

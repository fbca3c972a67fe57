import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { floats, type Model } from '../model.js';
import { writeModel } from './encode.js';
import { normalize } from './normalize.js';

function scaled(offset: readonly number[], scale: readonly number[], opset = 21): Model {
  return {
    irVersion: 8,
    opsets: new Map([
      ['', opset],
      ['ai.onnx.ml', 1],
    ]),
    producer: { name: '', version: '' },
    graph: {
      name: 'scaled',
      inputs: [{ name: 'x', type: 'float32', shape: ['n', 3] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['n', 3] }],
      initializers: new Map(),
      nodes: [
        {
          ...{ name: 'Sc', opType: 'Scaler', domain: 'ai.onnx.ml', inputs: ['x'], outputs: ['y'] },
          attributes: { offset: floats(offset), scale: floats(scale) },
        },
      ],
      valueInfo: new Map(),
    },
    metadata: new Map(),
  };
}

async function run(model: Model): Promise<unknown> {
  const session = await InferenceSession.create(writeModel(model));
  const x = Float32Array.from({ length: 12 }, (_, i) => Math.sin(7 * i) * 1e3);
  return (await session.run({ x: new RuntimeTensor('float32', x, [4, 3]) })).y.data;
}

it.each([
  ['a row', [1.5, -2, 300.1], [0.1, 3, 1e-3]],
  ['one value', [0.7], [2.3]],
])("scikit-learn's Scaler becomes operators that compute the same: %s", async (_, offset, scale) => {
  const model = scaled(offset, scale);
  const simple = normalize(model);
  expect(simple.graph.nodes.map(({ opType }) => opType)).toEqual(['Sub', 'Mul']);
  expect(await run(simple)).toEqual(await run(model));
  expect(normalize(simple)).toEqual(simple);
});

it('a Scaler stays where operators cannot spread its row', () => {
  expect(normalize(scaled([1], [1], 6)).graph.nodes.map(({ opType }) => opType)).toEqual(['Scaler']);
});

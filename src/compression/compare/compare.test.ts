import { describe, expect, it } from 'vitest';
import { feedsOf, network } from '../../../test/support/networks.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import { prepareModel } from '../quantize/prepare.js';
import { compareAnswers } from './answers.js';
import { compareLayers } from './layers.js';

describe('two models compared', () => {
  it('layer by layer, from where one layer was disturbed', async () => {
    const runtime = await openRuntime();
    const given = network('cnn');
    const { model } = await prepareModel(runtime, given.model);
    const convolutions = model.graph.nodes.filter(({ opType }) => opType === 'Conv');
    const [, weight] = convolutions[1].inputs;
    const exact = model.graph.initializers.get(weight) as Tensor<Float32Array>;
    const disturbed = float32(
      exact.shape,
      exact.data.map((value, i) => value + (i % 2 === 0 ? 0.05 : -0.05)),
    );
    const initializers = new Map(model.graph.initializers).set(weight, disturbed);
    const other = { ...model, graph: { ...model.graph, initializers } };
    const batches = () => [feedsOf(given, 6)];
    const { layers, reshaped } = await compareLayers(runtime, [model, other], batches);
    expect(reshaped).toEqual([]);
    const first = layers.find(({ sqnrDb }) => sqnrDb !== null);
    expect(first?.node).toBe(convolutions[1].name);
    expect(first?.lostDb).toBeGreaterThan(50);
    expect(layers.find(({ node }) => node === convolutions[0].name)).toMatchObject({ sqnrDb: null, largest: 0 });
    expect((await compareLayers(runtime, [model, model], batches)).worst).toBeNull();
  });

  it('class by class, and row by row', () => {
    const common = { task: 'classification', classes: ['a', 'b'], target: [0, 0, 1, 1] } as const;
    const first = { ...common, probabilities: [0.9, 0.1, 0.6, 0.4, 0.2, 0.8, 0.1, 0.9] };
    const second = { ...common, probabilities: [0.9, 0.1, 0.2, 0.8, 0.2, 0.8, 0.3, 0.7] };
    const { perClass, changed, agreement } = compareAnswers(first, second, 2);
    expect(agreement).toBe(0.75);
    expect(perClass[0]).toEqual({ class: 'a', rows: 2, recall: [1, 0.5], delta: -0.5 });
    expect(changed.map(({ row }) => row)).toEqual([1, 3]);
    expect(changed[0]).toMatchObject({ target: 'a', answers: ['a', 'b'] });
    expect(changed[0].change).toBeCloseTo(0.4, 12);
  });
});

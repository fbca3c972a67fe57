import { describe, expect, it } from 'vitest';
import { problem, trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { architectureOf } from '../../training/problem.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import { thawsAfter } from './index.js';

const DEEP = { type: 'mlp', hidden: [6, 5, 4], activation: 'tanh' };

/** Epochs in which each layer's weights moved. */
async function movements(options: Record<string, unknown>): Promise<Record<string, number[]>> {
  const given = problem({
    model: DEEP,
    regularizers: [
      { type: 'freezing', ...options },
      { type: 'weight-decay', strength: 0.1, include: ['weight', 'bias'] },
    ],
    training: { epochs: 6, checkpointSeconds: 0 },
  });
  const { checkpoints, graph } = await trained(await openRuntime(), given);
  const at = (epoch: number): ReadonlyMap<string, ArrayLike<number>> => {
    const names = [...graph.initializers].filter(([, { type }]) => type === 'float32').map(([name]) => name);
    const value = (name: string): ArrayLike<number> =>
      epoch === 0
        ? (given.graph.initializers.get(name)!.data as Float32Array)
        : epoch === 6
          ? (graph.initializers.get(name)!.data as Float32Array)
          : checkpoints
              .find(({ progress }) => progress.epoch === epoch && progress.batch === 0)!
              .state.get(`parameter.${name}`)!;
    return new Map(names.map((name) => [name, value(name)]));
  };
  const moved: Record<string, number[]> = {};
  for (let epoch = 1; epoch <= 6; epoch++) {
    const [before, after] = [at(epoch - 1), at(epoch)];
    for (const [name, values] of after) {
      const same = Array.from(values).every((value, i) => value === before.get(name)![i]);
      if (!same) moved[name] = [...(moved[name] ?? []), epoch];
    }
  }
  return moved;
}

const from = (first: number): number[] => [1, 2, 3, 4, 5, 6].filter((epoch) => epoch >= first);

describe('thawsAfter', () => {
  it('lets one more layer go every so many epochs, from the last', () => {
    const epochs = (head: number, keep: number): number[] =>
      [0, 1, 2, 3, 4].map((layer) => thawsAfter(layer, 5, { every: 2, head, keep }));
    expect(epochs(1, 0)).toEqual([8, 6, 4, 2, 0]);
    expect(epochs(3, 1)).toEqual([Number.POSITIVE_INFINITY, 2, 0, 0, 0]);
  });
});

describe('freezing', () => {
  it('thaws weights and biases layer by layer; decay does not touch what is frozen', async () => {
    const moved = await movements({ strength: 1 });
    for (const kind of ['weight', 'bias']) {
      expect(moved[`output.${kind}`]).toEqual(from(1));
      expect(moved[`dense3.${kind}`]).toEqual(from(2));
      expect(moved[`dense2.${kind}`]).toEqual(from(3));
      expect(moved[`dense1.${kind}`]).toEqual(from(4));
    }
  });

  it('keeps the first layers to the end', async () => {
    const moved = await movements({ strength: 2, head: 2, keep: 1 });
    expect(moved['dense1.weight']).toBeUndefined();
    expect(moved['dense1.bias']).toBeUndefined();
    expect(moved['dense2.weight']).toEqual(from(3));
    expect(moved['dense3.weight']).toEqual(from(1));
  });

  it.each([
    [{ head: 4 }, 'FREEZING_WITHOUT_LAYERS', 'error'],
    [{ keep: 4 }, 'FREEZING_EVERYTHING', 'error'],
    [{ strength: 10 }, 'FREEZING_BEYOND_THE_END', 'warning'],
    [{}, 'FREEZING_RANDOM_WEIGHTS', 'warning'],
  ])('tells what is wrong with %j', (options, code, severity) => {
    const given = problem({ model: DEEP, training: { epochs: 6 } });
    const conflicts = findConflicts({
      active: [resolveEntry({ type: 'freezing', strength: 1, ...options }, 'here')],
      task: 'classification',
      parameters: architectureOf(given).parameters,
      operators: [],
      optimizer: 'sgd',
      inputs: given.inputs,
      rows: 40,
      epochs: 6,
      classes: given.classes,
      columns: [],
      start: { pretrained: false, learningRate: 0.1 },
    });
    expect(conflicts).toContainEqual(expect.objectContaining({ code, severity }));
  });
});

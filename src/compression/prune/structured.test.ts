import { beforeAll, describe, expect, it } from 'vitest';
import { differenceOf, feedsOf, modelOf, NETWORKS, network } from '../../../test/support/networks.js';
import { silenced } from '../../../test/support/silenced.js';
import { int, type Node } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, type Tensor } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { prepareModel } from '../quantize/prepare.js';
import { cutUnits } from './cut.js';
import { prunableGroups, pruneStructured } from './structured.js';

describe('structured pruning', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime();
  });

  it.each(NETWORKS)('%s without units of zero weights answers the same', async (name) => {
    const given = network(name);
    const { model } = await prepareModel(runtime, given.model);
    const { dependencies, groups } = await prunableGroups(runtime, model, feedsOf(given, 3));
    expect(groups.length).toBeGreaterThan(0);
    for (const [g, group] of groups.entries()) {
      const chosen = group.units.filter((_, i) => (i + g) % 3 === 1);
      const zero = silenced(model, chosen);
      const cut = cutUnits(zero, dependencies, new Set(chosen.map(({ id }) => id)));
      const difference = await differenceOf(runtime, [zero, cut], feedsOf(given, 5));
      expect(difference, group.name).toBeLessThan(1e-5);
    }
  });

  it.each(NETWORKS)('%s loses half of its units at once, and everything fits', async (name) => {
    const given = network(name);
    const { model } = await prepareModel(runtime, given.model);
    const options = { ratio: 0.5, scope: 'layer', multipleOf: 1, most: 0.9, criterion: 'magnitude' } as const;
    const pruned = await pruneStructured(runtime, model, feedsOf(given, 3), options);
    expect(pruned.parameters.after).toBeLessThan(0.8 * pruned.parameters.before);
    for (const { before, after } of pruned.widths) expect(after).toBe(before - Math.floor(before / 2));
    // It can be pruned again: shapes and groups were changed in the right places.
    const again = await pruneStructured(runtime, pruned.model, feedsOf(given, 4), options);
    expect(again.parameters.after).toBeLessThan(pruned.parameters.after);
  });

  const node = (opType: string, inputs: string[], output: string, attributes: Node['attributes'] = {}): Node => ({
    ...{ name: output, opType, domain: '', inputs, outputs: [output], attributes },
  });
  const weight = (name: string, rows: number, columns: number): [string, Tensor] => {
    const stream = derive('weight', name);
    return [
      name,
      float32(
        [rows, columns],
        Float32Array.from({ length: rows * columns }, () => stream.normal()),
      ),
    ];
  };

  it('keeps a width that a mean is divided by', async () => {
    const model = modelOf({
      name: 'mean',
      inputs: [{ name: 'x', type: 'float32', shape: ['n', 8] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['n', 1] }],
      initializers: new Map<string, Tensor>([weight('w', 8, 8), ['one', int64([1], [1])]]),
      nodes: [
        node('MatMul', ['x', 'w'], 'h'),
        node('Relu', ['h'], 'r'),
        node('ReduceSum', ['r', 'one'], 'sum'),
        node('Shape', ['r'], 's'),
        node('Gather', ['s', 'one'], 'width'),
        node('Cast', ['width'], 'count', { to: int(1) }),
        node('Div', ['sum', 'count'], 'y'),
      ],
      valueInfo: new Map(),
    });
    const options = { ratio: 0.5, scope: 'layer', multipleOf: 1, most: 0.9, criterion: 'magnitude' } as const;
    const feeds = { x: float32([1, 8], new Float32Array(8).fill(1)) };
    await expect(pruneStructured(runtime, model, feeds, options)).rejects.toThrow(/no channel/);
  });

  it('follows a shape that is computed from a value that loses nothing', async () => {
    // As PyTorch writes y.view(n, heads, width).reshape(x.shape): eight channels in four heads.
    const model = modelOf({
      name: 'heads',
      inputs: [{ name: 'x', type: 'float32', shape: ['n', 8] }],
      outputs: [{ name: 'y', type: 'float32', shape: ['n', 3] }],
      initializers: new Map<string, Tensor>([
        weight('w', 8, 8),
        weight('v', 8, 3),
        ['split', int64([3], [0, 4, 2])],
        ['zero', int64([], [0])],
        ['one', int64([], [1])],
        ['axes', int64([1], [0])],
      ]),
      nodes: [
        node('MatMul', ['x', 'w'], 'h'),
        node('Reshape', ['h', 'split'], 'heads'),
        node('Relu', ['heads'], 'r'),
        node('Shape', ['x'], 's'),
        node('Gather', ['s', 'zero'], 's0'),
        node('Gather', ['s', 'one'], 's1'),
        node('Unsqueeze', ['s0', 'axes'], 'u0'),
        node('Unsqueeze', ['s1', 'axes'], 'u1'),
        node('Concat', ['u0', 'u1'], 'shape', { axis: int(0) }),
        node('Reshape', ['r', 'shape'], 'flat'),
        node('MatMul', ['flat', 'v'], 'y'),
      ],
      valueInfo: new Map(),
    });
    const feeds = {
      x: float32(
        [3, 8],
        Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      ),
    };
    const options = { ratio: 0.5, scope: 'layer', multipleOf: 1, most: 0.9, criterion: 'magnitude' } as const;
    const { widths } = await pruneStructured(runtime, model, feeds, options);
    expect(widths).toEqual([{ name: 'w', before: 4, after: 2 }]);
  });

  it('removes heads as a whole, channels of grouped convolutions from every group, and depthwise ones by themselves', async () => {
    const widthsOf = async (name: (typeof NETWORKS)[number]): Promise<number[]> => {
      const given = network(name);
      const { model } = await prepareModel(runtime, given.model);
      const { groups } = await prunableGroups(runtime, model, feedsOf(given, 3));
      return groups.map(({ units }) => units.length).sort((a, b) => a - b);
    };
    expect(await widthsOf('transformer')).toEqual([4, 4, 64, 64]);
    expect(await widthsOf('grouped')).toEqual([2, 3, 8, 10]);
    expect(await widthsOf('separable')).toEqual([8, 9, 12, 12]);
  });
});

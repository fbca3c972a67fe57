import { describe, expect, it } from 'vitest';
import { difference, predictive, validationOutput } from '../../../test/support/predictive.js';
import { MIXED, openRuntimes, PICTURES, problem, trained } from '../../../test/support/training-problem.js';
import type { Graph } from '../../graph/model.js';
import type { Tensor } from '../../graph/tensor.js';
import { architectureOf } from '../../training/problem.js';
import { bootstrapCounts } from './index.js';

const OTHERS = [
  { type: 'l2', strength: 0.01 },
  { type: 'label-smoothing', strength: 0.1 },
  { type: 'focal', strength: 1 },
];

const nameOf = (name: string, member: number): string => (member === 0 ? name : `${name}.member.${member}`);

/** The network of one member out of an ensemble's graph: its initializers by their bare names. */
function memberOf(graph: Graph, like: Graph, member: number): Graph {
  const initializers = [...like.initializers].map(([name, tensor]): [string, Tensor] => [
    name,
    graph.initializers.get(nameOf(name, member)) ?? tensor,
  ]);
  return { ...like, initializers: new Map(initializers) };
}

describe('members of an ensemble', () => {
  it.each([
    { title: 'sgd', optimizer: { type: 'sgd', learningRate: 0.05 }, regularizers: [] },
    { title: 'adam with penalties', optimizer: { type: 'adamw', learningRate: 0.01 }, regularizers: OTHERS },
  ])('learn what each learns alone: $title', async ({ optimizer, regularizers }) => {
    const { ffi } = await openRuntimes();
    const options = { training: { epochs: 3, optimizer } };
    const given = problem({ ...options, regularizers: [...regularizers, { type: 'ensemble', members: 3 }] });
    const together = await trained(ffi, given);
    const { graph: start } = architectureOf(given);
    const seen = new Set<string>();
    for (let k = 0; k < 3; k++) {
      const plain = problem({ ...options, regularizers });
      const alone = await trained(ffi, { ...plain, graph: memberOf(start, plain.graph, k) });
      for (const [name, { data }] of alone.graph.initializers) {
        const found = together.graph.initializers.get(nameOf(name, k));
        if (found?.type === 'float32')
          expect(difference(found.data as Float32Array, data as Float32Array)).toBeLessThan(2e-6);
      }
      seen.add(String(alone.graph.initializers.get('output.weight')?.data.slice(0, 3)));
    }
    expect(seen.size).toBe(3);
    // The first member is the network as it is without an ensemble.
    expect(memberOf(start, given.graph, 0)).toEqual(given.graph);
  });

  it('keep statistics of their own in batch normalization', async () => {
    const { ffi } = await openRuntimes();
    const model = { type: 'cnn', layers: [{ conv: 4, normalization: 'batch' }, { globalPool: 'average' }] };
    const given = problem({ inputs: PICTURES, model, regularizers: [{ type: 'ensemble', members: 2 }] });
    const { graph } = await trained(ffi, given);
    const mean = (k: number) => Array.from(graph.initializers.get(nameOf('norm2.mean', k))?.data as Float32Array);
    expect(difference(mean(0), mean(1))).toBeGreaterThan(1e-3);
  });
});

describe('what an ensemble says', () => {
  it.each(['classification', 'regression'] as const)('%s: the mean, and what members disagree about', async (task) => {
    const { ffi } = await openRuntimes();
    const given = problem({ task, inputs: MIXED, regularizers: [{ type: 'ensemble', members: 3 }] });
    const { graph, outputs } = await trained(ffi, given);
    const run = (of: Graph, output?: string): Promise<Float32Array> => validationOutput(ffi, given, of, output);
    const said = await Promise.all([0, 1, 2].map((k) => run(memberOf(graph, given.graph, k))));
    const width = task === 'classification' ? 3 : 1;
    const rowsOf = (values: Float32Array): number[][] =>
      Array.from(given.data.validation, (_, i) => Array.from(values.subarray(i * width, (i + 1) * width)));
    const members = said.map(rowsOf);
    if (task === 'regression') {
      const means = members[0].map((_, i) => members.reduce((sum, member) => sum + member[i][0], 0) / 3);
      expect(difference(outputs.validation, means)).toBeLessThan(1e-6);
      const deviations = means.map((mean, i) =>
        Math.sqrt(members.reduce((sum, member) => sum + (member[i][0] - mean) ** 2, 0) / 3),
      );
      expect(difference(await run(graph, 'deviation'), deviations)).toBeLessThan(1e-6);
      return;
    }
    const expected = predictive(members);
    expect(difference(outputs.validation, expected.log)).toBeLessThan(1e-5);
    expect(difference(await run(graph, 'entropy'), expected.entropy)).toBeLessThan(1e-5);
    expect(difference(await run(graph, 'mutualInformation'), expected.mutualInformation)).toBeLessThan(1e-5);
    expect(Math.min(...expected.mutualInformation)).toBeGreaterThan(0);
  });
});

describe('bagging', () => {
  it('draws every row as often as any other, by Poisson numbers of mean 1', () => {
    const counts = bootstrapCounts(1, 20_000, 2);
    const share = (value: number): number => counts.filter((count) => count === value).length / counts.length;
    for (const [value, expected] of [Math.exp(-1), Math.exp(-1), Math.exp(-1) / 2, Math.exp(-1) / 6].entries()) {
      expect(Math.abs(share(value) - expected)).toBeLessThan(5 * Math.sqrt(expected / counts.length));
    }
  });

  it('is asked for where all members would start from the same weights', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({ regularizers: [{ type: 'ensemble', members: 2 }] });
    const elsewhere = { ...given, redraw: undefined as never };
    await expect(trained(ffi, elsewhere)).rejects.toMatchObject({ code: 'MEMBERS_NEED_FRESH_WEIGHTS' });
    const bagged = problem({ regularizers: [{ type: 'ensemble', members: 2, bagging: true }] });
    const { graph } = await trained(ffi, { ...bagged, redraw: undefined as never });
    const weights = (k: number) => graph.initializers.get(nameOf('output.weight', k))?.data as Float32Array;
    expect(difference(weights(0), weights(1))).toBeGreaterThan(1e-3);
  });
});

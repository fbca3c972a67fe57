import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import { openRuntimes, problem, TOKENS, trained } from '../../../test/support/training-problem.js';
import { float32, sizeOf } from '../../graph/tensor.js';
import type { SiteDescription } from '../regularizer.js';
import { shareOf, stochasticDepth } from './index.js';

const BRANCHES: SiteDescription[] = [
  { name: 'embedded', kind: 'embedding' },
  { name: 'a', kind: 'branch' },
  { name: 'b', kind: 'branch' },
  { name: 'hidden', kind: 'hidden' },
  { name: 'c', kind: 'branch' },
  { name: 'd', kind: 'branch' },
];

describe('shareOf', () => {
  it('grows linearly from the first branch to the last (Huang et al., equation 4), or not at all', () => {
    const shares = (decay: 'linear' | 'none'): number[] =>
      ['a', 'b', 'c', 'd'].map((name) => shareOf(BRANCHES, name, decay));
    expect(shares('linear')).toEqual([0.25, 0.5, 0.75, 1]);
    expect(shares('none')).toEqual([1, 1, 1, 1]);
  });

  it('counts networks side by side alike', () => {
    const members = [...BRANCHES, ...BRANCHES.map((site) => ({ ...site, name: `${site.name}.member.1` }))];
    expect(shareOf(members, 'b.member.1', 'linear')).toBe(0.5);
    expect(shareOf(members, 'd', 'linear')).toBe(1);
  });
});

describe('stochastic-depth', () => {
  const left = async (name: string, mode: 'row' | 'batch', shape: number[], step = 1): Promise<number[]> => {
    const { y } = await computed(
      { x: float32(shape, new Float32Array(sizeOf(shape)).fill(1)), rate: float32([], [0.4]) },
      (computation) => {
        const { x, rate } = computation.inputs;
        const context = stepContext(computation, rate, { inputs: [], batchSize: shape[0], sites: BRANCHES });
        const { kind } = BRANCHES.find((site) => site.name === name)!;
        return { y: stochasticDepth.hooks.forward!(context, { mode, decay: 'linear' }, { name, kind, value: x }) };
      },
      { step },
    );
    return y;
  };

  it.each([
    ['a', 0.1],
    ['b', 0.2],
    ['d', 0.4],
  ])('in row mode drops branch %s of a share of %f of the rows, whole, and scales the rest', async (name, rate) => {
    const rows = 4000;
    const values = await left(name, 'row', [rows, 2, 3]);
    const each = Array.from({ length: rows }, (_, row) => values.slice(6 * row, 6 * row + 6));
    for (const row of each) expect(new Set(row).size).toBe(1);
    const dropped = each.filter(([value]) => value === 0).length / rows;
    expect(Math.abs(dropped - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / rows));
    expect(Math.max(...values)).toBeCloseTo(1 / (1 - rate), 6);
  });

  it('in batch mode drops a branch of all rows or of none', async () => {
    let dropped = 0;
    for (let step = 1; step <= 60; step++) {
      const values = await left('d', 'batch', [8, 2, 3], step);
      expect(new Set(values).size).toBe(1);
      if (values[0] === 0) dropped++;
    }
    expect(Math.abs(dropped / 60 - 0.4)).toBeLessThan(5 * Math.sqrt(0.24 / 60));
  });

  it('leaves all but branches alone', async () => {
    expect(new Set(await left('hidden', 'row', [50, 3]))).toEqual(new Set([1]));
    expect(new Set(await left('embedded', 'row', [50, 3]))).toEqual(new Set([1]));
  });

  it('is refused where there are no branches, and leaves inference alone', async () => {
    const { ffi } = await openRuntimes();
    const dense = problem({ regularizers: [{ type: 'stochastic-depth' }] });
    await expect(trained(ffi, dense)).rejects.toMatchObject({ code: 'REGULARIZER_WITHOUT_EFFECT' });
    const still = { epochs: 1, optimizer: { type: 'sgd', learningRate: 1e-30 } };
    const model = { type: 'transformer', dimension: 4, heads: 2, layers: 1 };
    const outputsWith = async (regularizers: Record<string, unknown>[]) =>
      (await trained(ffi, problem({ inputs: TOKENS, model, regularizers, training: still }))).outputs;
    expect(await outputsWith([{ type: 'stochastic-depth', strength: 0.5 }])).toEqual(await outputsWith([]));
  });
});

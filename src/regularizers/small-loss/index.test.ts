import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { keepSmallest, ranksOf, ranksWithin } from './ranks.js';

const random = derive(4, 'ranks');
const losses = Array.from({ length: 24 }, () => Math.fround(random.uniform() * 3));
losses[5] = losses[9];
losses[0] = losses[23];
const classes = losses.map((_, i) => (i * 7) % 3);
const members = float32(
  [24, 3],
  classes.flatMap((k) => [0, 1, 2].map((c) => (c === k ? 1 : 0))),
);

/** Place among the others, counted by hand; of equal ones the first comes first. */
const rankOf = (i: number, others: readonly number[]): number =>
  others.filter((j) => losses[j] < losses[i] || (losses[j] === losses[i] && j < i)).length;
const everyone = losses.map((_, i) => i);

describe('small-loss selection', () => {
  it('counts places of losses in the batch and within classes', async () => {
    const { all, within, sizes } = await computed({ losses: float32([24], losses), members }, ({ b, inputs }) => {
      const { ranks, sizes } = ranksWithin(b, inputs.losses, inputs.members);
      return { all: ranksOf(b, inputs.losses), within: ranks, sizes };
    });
    expect(all).toEqual(everyone.map((i) => rankOf(i, everyone)));
    const alike = (i: number): number[] => everyone.filter((j) => classes[j] === classes[i]);
    expect(within).toEqual(everyone.map((i) => rankOf(i, alike(i))));
    expect(sizes).toEqual(everyone.map((i) => alike(i).length));
  });

  it('keeps (1 - share) of the rows, the last one in part', async () => {
    const { quarter, part, none } = await computed({ losses: float32([24], losses) }, ({ b, inputs }) => ({
      quarter: keepSmallest(b, inputs.losses, b.scalar(0.25)),
      part: keepSmallest(b, inputs.losses, b.scalar(0.23)),
      none: keepSmallest(b, inputs.losses, b.scalar(0)),
    }));
    expect(quarter).toEqual(everyone.map((i) => (rankOf(i, everyone) < 18 ? 1 : 0)));
    expect(none).toEqual(everyone.map(() => 1));
    expect(part.reduce((sum, kept) => sum + kept, 0)).toBeCloseTo(24 * 0.77, 5);
    expect(part.filter((kept) => kept > 0 && kept < 1)).toHaveLength(1);
  });

  it('keeps the same share of every class when rows compete within theirs', async () => {
    const { kept } = await computed({ losses: float32([24], losses), members }, ({ b, inputs }) => ({
      kept: keepSmallest(b, inputs.losses, b.scalar(0.5), inputs.members),
    }));
    for (const k of [0, 1, 2]) {
      expect(everyone.filter((i) => classes[i] === k).reduce((sum, i) => sum + kept[i], 0)).toBeCloseTo(4, 5);
    }
  });
});

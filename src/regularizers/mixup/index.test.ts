import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import { float32 } from '../../graph/tensor.js';
import { betaCdf } from '../../numeric/distributions/beta.js';
import { derive, type Random } from '../../numeric/random.js';
import { mixWithNeighbour } from '../neighbour.js';
import { mixup } from './index.js';

const ROWS = [
  [1, 10],
  [2, 20],
  [4, 40],
  [8, 80],
];

describe('mixWithNeighbour', () => {
  it.each([0, 0.25, 0.7, 1])('blends a row at share %f with the next one, the last with the first', async (share) => {
    const { y } = await computed({ x: float32([4, 2], ROWS.flat()), share: float32([], [share]) }, ({ b, inputs }) => ({
      y: mixWithNeighbour(b, inputs.x, inputs.share),
    }));
    const expected = ROWS.flatMap((row, i) => row.map((v, c) => share * v + (1 - share) * ROWS[(i + 1) % 4][c]));
    y.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 4);
    });
  });
});

describe('mixup', () => {
  it('blends inputs and targets by the same share and the same pairs', async () => {
    const oneHot = [1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0];
    const { x, target } = await computed(
      { x: float32([4, 2], ROWS.flat()), target: float32([4, 3], oneHot) },
      (computation) => {
        const { b, inputs } = computation;
        const context = stepContext(computation, b.scalar(0.5), { inputs: [], batchSize: 4 });
        const batch = mixup.hooks.batch!(context, {}, { inputs: { x: inputs.x }, target: inputs.target });
        return { x: batch.inputs.x, target: batch.target };
      },
    );
    // Row 0 is of class 0 and its partner of class 1: the share stands in its target.
    const share = target[0];
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    for (let row = 0; row < 4; row++) {
      expect(target.slice(3 * row, 3 * row + 3).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      expect(x[2 * row]).toBeCloseTo(share * ROWS[row][0] + (1 - share) * ROWS[(row + 1) % 4][0], 5);
    }
    expect(target[1]).toBeCloseTo(1 - share, 6);
  });

  it('leaves a batch of one row alone', async () => {
    const { x } = await computed({ x: float32([1, 2], [3, 4]), target: float32([1, 3], [0, 1, 0]) }, (computation) => {
      const { b, inputs } = computation;
      const context = stepContext(computation, b.scalar(0.5), { inputs: [], batchSize: 1 });
      return { x: mixup.hooks.batch!(context, {}, { inputs, target: inputs.target }).inputs.x };
    });
    expect(x).toEqual([3, 4]);
  });

  it.each([0.05, 0.2, 1, 2, 8])('draws shares from Beta(alpha, alpha): alpha = %f', async (alpha) => {
    const draw = await drawOf();
    const shares = Array.from({ length: 20_000 }, (_, step) => draw(derive(1, 'shares', step), alpha));
    const mean = shares.reduce((a, b) => a + b) / shares.length;
    const variance = shares.reduce((sum, v) => sum + (v - mean) ** 2, 0) / shares.length;
    const expected = 1 / (4 * (2 * alpha + 1));
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(expected / shares.length));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(0.05);
    shares.sort((a, b) => a - b);
    const distance = shares.reduce((most, share, i) => {
      // Nearer to 1 than this, shares of a small alpha round to 1 and are ties.
      if (share > 1 - 1e-12) return most;
      const cdf = betaCdf(share, alpha, alpha);
      return Math.max(most, Math.abs(cdf - i / shares.length), Math.abs(cdf - (i + 1) / shares.length));
    }, 0);
    // Kolmogorov's distribution passes 1.95 once in a thousand.
    expect(distance * Math.sqrt(shares.length)).toBeLessThan(1.95);
  });

  it('mixes nothing where a schedule brings alpha to 0', async () => {
    expect((await drawOf())(derive(1, 'any'), 0)).toBe(1);
  });
});

/** The function by which mixup draws its share. */
async function drawOf(): Promise<(stream: Random, strength: number) => number> {
  let found: ((stream: Random, strength: number) => number) | undefined;
  await computed({ x: float32([2, 1], [1, 2]), target: float32([2, 1], [1, 2]) }, (computation) => {
    const { b, inputs } = computation;
    const context = stepContext(computation, b.scalar(0.5), { inputs: [], batchSize: 2 });
    const listening = Object.create(context, {
      drawn: {
        value: (_label: string, draw: typeof found) => {
          found = draw;
          return b.scalar(0.5);
        },
      },
    });
    return { target: mixup.hooks.batch!(listening, {}, { inputs, target: inputs.target }).target };
  });
  return found!;
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { float32 } from '../../graph/tensor.js';
import { tailWeights } from './index.js';

const { cases } = JSON.parse(readFileSync(new URL('./goldens/cvar.json', import.meta.url), 'utf8')) as {
  cases: readonly { losses: readonly number[]; level: number; cvar: number }[];
};

describe('CVaR', () => {
  it.each(cases)('of $losses.length losses at level $level is the linear program of scipy', async (golden) => {
    const { losses, level, cvar } = golden;
    const { mean, all } = await computed(
      { losses: float32([losses.length], losses), level: float32([], [level]) },
      ({ b, inputs }) => {
        const weights = tailWeights(b, inputs.losses, inputs.level);
        return {
          mean: b.div(b.reduceSum(b.mul(inputs.losses, weights)), b.reduceSum(weights)),
          all: tailWeights(b, inputs.losses, 0),
        };
      },
    );
    expect(mean[0]).toBeCloseTo(cvar, 5);
    expect(all).toEqual(losses.map(() => 1));
  });
});

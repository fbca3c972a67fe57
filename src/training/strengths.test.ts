import { describe, expect, it } from 'vitest';
import { strengthFactor } from './strengths.js';

describe('strengthFactor', () => {
  it('is 1 without a schedule', () => {
    expect([0, 1, 100].map((epochs) => strengthFactor(undefined, epochs))).toEqual([1, 1, 1]);
  });

  it('goes straight, or by half a cosine, from one multiplier to the other and stays there', () => {
    const at = (type: 'linear' | 'cosine', from: number, to: number): number[] =>
      [0, 1, 2, 4, 9].map((epochs) => strengthFactor({ type, from, to, over: 4 }, epochs));
    expect(at('linear', 0, 1)).toEqual([0, 0.25, 0.5, 1, 1]);
    expect(at('linear', 2, 0)).toEqual([2, 1.5, 1, 0, 0]);
    const quarter = (1 - Math.SQRT1_2) / 2;
    [0, quarter, 0.5, 1, 1].forEach((expected, i) => {
      expect(at('cosine', 0, 1)[i]).toBeCloseTo(expected, 12);
    });
  });
});

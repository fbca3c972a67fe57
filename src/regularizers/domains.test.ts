import { describe, expect, it } from 'vitest';
import { computed } from '../../test/support/computed.js';
import { float32, int64 } from '../graph/tensor.js';
import { coralDistance } from './coral/index.js';
import { domainConflicts, domainMasks, domainPairs, meanOverPairs } from './domains.js';
import type { Setting } from './regularizer.js';

const VALUES = ['a', 'b', 'c'];

describe('domainMasks', () => {
  const masks = (codes: number[], target?: string): Promise<Record<string, number[]>> =>
    computed({ codes: int64([codes.length], codes) }, ({ b, inputs }) =>
      Object.fromEntries(
        domainMasks(
          { b, column: () => ({ role: 'domain', name: 'site', values: VALUES, rows: [], codes: inputs.codes }) },
          target,
        ).map((mask, i) => [`mask${i}`, mask]),
      ),
    );

  it('tells domains apart, and source from target; rows of no domain are in none', async () => {
    expect(await masks([0, 1, -1, 2, 1])).toEqual({
      mask0: [1, 0, 0, 0, 0],
      mask1: [0, 1, 0, 0, 1],
      mask2: [0, 0, 0, 1, 0],
    });
    expect(await masks([0, 1, -1, 2, 1], 'b')).toEqual({ mask0: [1, 0, 0, 1, 0], mask1: [0, 1, 0, 0, 1] });
  });
});

describe('meanOverPairs', () => {
  it('leaves out pairs of which the batch has too few rows', async () => {
    const x = float32([4, 2], [1, 2, 3, 5, -1, 0, 9, 9]);
    const { y } = await computed({ x, codes: int64([4], [0, 0, 0, 1]) }, ({ b, inputs }) => {
      const context = {
        b,
        column: () => ({ role: 'domain' as const, name: 'site', values: ['a', 'b'], rows: [], codes: inputs.codes }),
      };
      const pairs = domainPairs(context, undefined);
      return { y: meanOverPairs(b, pairs, 2, (pair) => coralDistance(b, inputs.x, pair, true))! };
    });
    expect(y).toEqual([0]);
  });
});

describe('domainConflicts', () => {
  const codes = (values: string[], target?: string): string[] =>
    domainConflicts('coral', target, { columns: [{ role: 'domain', name: 'site', values }] } as unknown as Setting).map(
      ({ code }) => code,
    );

  it('refuses one domain, an unknown target, and too many pairs', () => {
    expect(codes(['a'])).toEqual(['CORAL_NEEDS_DOMAINS']);
    expect(codes(VALUES, 'd')).toEqual(['CORAL_UNKNOWN_DOMAIN']);
    expect(codes([...'abcdefghij'])).toEqual(['CORAL_NEEDS_TARGET']);
    expect(codes([...'abcdefghij'], 'a')).toEqual([]);
    expect(codes(VALUES)).toEqual([]);
  });
});

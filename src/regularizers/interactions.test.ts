import { describe, expect, it } from 'vitest';
import { defaultEntry } from '../../test/support/regularizer-cases.js';
import { INTERACTIONS, pairConflicts } from './interactions.js';
import { orderOf, regularizerOf } from './registry.js';
import { resolveEntry } from './resolve.js';

describe('the table of pairs', () => {
  it('names each pair of known types once', () => {
    const pairs = INTERACTIONS.map(({ first, second }) => [first, second].sort().join(' + '));
    expect(pairs.filter((pair, i) => pairs.indexOf(pair) !== i)).toEqual([]);
    for (const { first, second, source } of INTERACTIONS) {
      expect(regularizerOf(first).type).not.toBe(regularizerOf(second).type);
      expect(source.length).toBeGreaterThan(10);
    }
  });

  it.each(INTERACTIONS)('$code of $first and $second holds', (interaction) => {
    const { first, second, kind, code, from = {} } = interaction;
    if (kind === 'order') {
      expect(orderOf(first)).toBeLessThan(orderOf(second));
      return;
    }
    const at = (type: string, least = 0) => {
      const active = resolveEntry({ ...NEEDED[type], ...defaultEntry(regularizerOf(type)) }, 'here');
      return { ...active, strength: Math.max(active.strength, least) };
    };
    const pair = [at(first, from.first), at(second, from.second)];
    expect(pairConflicts(pair)).toEqual([
      expect.objectContaining({ code, severity: kind === 'refuse' ? 'error' : 'warning' }),
    ]);
    expect(pairConflicts(pair.map((active) => ({ ...active, strength: 0 })))).toEqual([]);
    expect(pairConflicts(pair.slice(0, 1))).toEqual([]);
  });
});

/** Options without which an entry is not one. */
const NEEDED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'importance-weighting': { target: 'far' },
  'weight-tying': { ties: [['a', 'b']] },
};

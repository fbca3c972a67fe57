import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultEntry } from '../../test/support/regularizer-cases.js';
import { BATCH_NORMALIZATION } from './interactions/placement.js';
import { INTERACTIONS, pairConflicts } from './interactions.js';
import { orderOf, regularizerOf } from './registry.js';
import { resolveEntry } from './resolve.js';

/** Pairs of a regularizer and a part of the network; what they warn of is seen in networks (`resolve.test.ts`). */
const ofPlacement = ({ second }: { second: string }): boolean => second === BATCH_NORMALIZATION;

describe('the table of pairs', () => {
  it('names each pair of known types once', () => {
    const pairs = INTERACTIONS.map(({ first, second }) => [first, second].sort().join(' + '));
    expect(pairs.filter((pair, i) => pairs.indexOf(pair) !== i)).toEqual([]);
    for (const interaction of INTERACTIONS) {
      const { first, second, source } = interaction;
      const other = ofPlacement(interaction) ? second : regularizerOf(second).type;
      expect(regularizerOf(first).type).not.toBe(other);
      expect(source.length).toBeGreaterThan(10);
    }
  });

  it('says of a pair that it was measured only where the page has it', () => {
    const page = readFileSync(new URL('../../docs/results/interactions.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| '));
    const measured = INTERACTIONS.filter((interaction) => interaction.measured !== undefined);
    expect(measured.length).toBeGreaterThan(3);
    for (const { first, second } of measured) {
      const found = rows.some((row) => {
        const [, left, right] = row
          .split('|')
          .map((cell) => cell.trim().replace('batch normalization', BATCH_NORMALIZATION).split(/[ ,]/)[0]);
        return [left, right].sort().join() === [first, second].sort().join();
      });
      expect(found, `${first} + ${second}`).toBe(true);
    }
  });

  it.each(INTERACTIONS.filter((interaction) => !ofPlacement(interaction)))(
    '$code of $first and $second holds',
    (interaction) => {
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
    },
  );
});

/** Options without which an entry is not one. */
const NEEDED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'importance-weighting': { target: 'far' },
  'weight-tying': { ties: [['a', 'b']] },
};

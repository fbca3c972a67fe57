import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allRows, hashes } from '../../test/support/tables.js';
import { kFold } from './folds.js';

interface Goldens {
  stratified: { counts: number[]; folds: number; shares: number[][] }[];
  group: { sizes: number[]; folds: number; members: number[][] }[];
  time: { rows: number; folds: number; parts: [number, number[]][] }[];
}
const goldens = JSON.parse(readFileSync(new URL('goldens/folds.json', import.meta.url), 'utf8')) as Goldens;

const repeat = (counts: readonly number[]): number[] => counts.flatMap((count, value) => Array(count).fill(value));
const distinct = (rows: number): BigUint64Array => hashes(allRows(rows));

describe('kFold', () => {
  it('validates on every row once and trains on the others', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 2, max: 6 }),
        fc.constantFrom('random' as const, 'stratified' as const, 'group' as const),
        fc.nat(9),
        (rows, folds, strategy, seed) => {
          const input = {
            hashes: distinct(rows),
            strata: Int32Array.from(allRows(rows), (i) => i % 3),
            groups: hashes(allRows(rows).map((i) => i % 11)),
          };
          // Only some of the rows take part: the holdout does not.
          const chosen = allRows(rows).filter((row) => row % 10 !== 3);
          const result = kFold(input, chosen, { strategy, folds, seed });
          expect(result.flatMap((fold) => [...fold.validation]).sort((a, b) => a - b)).toEqual([...chosen]);
          for (const { train, validation } of result) {
            expect([...train, ...validation].sort((a, b) => a - b)).toEqual([...chosen]);
          }
          expect(kFold(input, chosen, { strategy, folds, seed })).toEqual(result);
          if (strategy === 'random') {
            const sizes = result.map((fold) => fold.validation.length);
            expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });

  it.each(goldens.stratified)(
    'gives classes $counts in $folds folds the shares of StratifiedKFold',
    ({ counts, folds, shares }) => {
      const strata = Int32Array.from(repeat(counts));
      const result = kFold({ hashes: distinct(strata.length), strata }, allRows(strata.length), {
        strategy: 'stratified',
        folds,
        seed: 3,
      });
      expect(
        result.map(({ validation }) => counts.map((_, c) => [...validation].filter((row) => strata[row] === c).length)),
      ).toEqual(shares);
    },
  );

  it.each(goldens.group)('packs groups of $sizes into $folds folds as GroupKFold does', ({ sizes, folds, members }) => {
    const group = repeat(sizes);
    const result = kFold({ hashes: distinct(group.length), groups: hashes(group) }, allRows(group.length), {
      strategy: 'group',
      folds,
      seed: 0,
    });
    const found = result.map(({ validation }) =>
      [...new Set([...validation].map((row) => group[row]))].sort((a, b) => a - b),
    );
    expect(found).toEqual(members);
  });

  it.each(goldens.time)('chains $rows rows into $folds folds as TimeSeriesSplit does', ({ rows, folds, parts }) => {
    const times = Float64Array.from(allRows(rows), (i) => i * 10);
    const result = kFold({ hashes: distinct(rows), times }, allRows(rows), { strategy: 'time', folds, seed: 0 });
    expect(result.map(({ train, validation }) => [train.length, [...validation]])).toEqual(parts);
  });

  it('keeps equal rows in one fold', () => {
    const repeated = hashes(allRows(90).map((i) => i % 30));
    for (const { train, validation } of kFold({ hashes: repeated }, allRows(90), {
      strategy: 'random',
      folds: 5,
      seed: 1,
    })) {
      const inTrain = new Set([...train].map((row) => row % 30));
      expect([...validation].filter((row) => inTrain.has(row % 30))).toEqual([]);
    }
  });

  it('says when there are too many folds', () => {
    expect(() => kFold({ hashes: distinct(3) }, allRows(3), { strategy: 'random', folds: 5, seed: 1 })).toThrow(
      /5 random folds of 3 rows/,
    );
    expect(() => kFold({ hashes: distinct(3) }, allRows(3), { strategy: 'random', folds: 1, seed: 1 })).toThrow(
      /at least 2/,
    );
  });
});

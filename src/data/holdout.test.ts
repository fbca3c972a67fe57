import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allRows, hashes } from '../../test/support/tables.js';
import { hashesOf } from './hash-index.js';
import { assignHoldout, type HoldoutLock, type HoldoutSettings, holdoutSettings, rowSetId } from './holdout.js';
import type { SplitInput, SplitSettings } from './split.js';

const base: SplitSettings = { strategy: 'random', validation: 0.2, holdout: 0.2, seed: 1 };

function fingerprint(settings: SplitSettings): string {
  const all: HoldoutSettings = { ...settings, by: 'content', columns: [] };
  return holdoutSettings(all);
}

function assign(ids: ArrayLike<number>, settings = base, lock?: HoldoutLock, newHoldout = false) {
  const input: SplitInput = {
    hashes: hashes(ids),
    groups: hashes(Array.from(ids, (id) => Math.floor(id / 10))),
    times: Float64Array.from(ids),
  };
  return { ids, ...assignHoldout('digits', input, settings, fingerprint(settings), lock, newHoldout) };
}

const idsOf = (result: { ids: ArrayLike<number> }, rows: Uint32Array): number[] =>
  [...rows].map((row) => result.ids[row]);

describe('assignHoldout', () => {
  it('locks what the first split drew, and the same spec gives the same split', () => {
    const first = assign(allRows(100));
    expect(first.report).toEqual({ rows: 20, locked: 0, duplicates: 0, forced: 0, lost: 0, added: 20, generation: 1 });
    expect(first.lock.hashes).toEqual(hashesOf(hashes(allRows(100)), first.split.holdout).sort());
    const again = assign(allRows(100), base, first.lock);
    expect(again.split).toEqual(first.split);
    expect(again.lock).toEqual(first.lock);
    expect(again.report).toMatchObject({ rows: 20, locked: 20, forced: 0, added: 0 });
  });

  it('never lets a once-held-out row out, however the data grows, shrinks and repeats', () => {
    const step = fc.record({
      keep: fc.integer({ min: 5, max: 10 }),
      add: fc.nat(60),
      copies: fc.nat(8),
    });
    const strategies = fc.constantFrom('random' as const, 'group' as const);
    fc.assert(
      fc.property(strategies, fc.array(step, { minLength: 1, maxLength: 6 }), (strategy, steps) => {
        const settings = { ...base, strategy };
        let ids = [...allRows(120)];
        let next = 1000;
        let result = assign(ids, settings);
        const everHeldOut = new Set(idsOf(result, result.split.holdout));
        for (const { keep, add, copies } of steps) {
          ids = ids.filter((id) => id % 10 < keep);
          for (let i = 0; i < add; i++) ids.push(next++);
          ids.push(...[...everHeldOut].slice(0, copies));
          result = assign(ids, settings, result.lock);
          for (const part of ['train', 'validation'] as const) {
            expect(idsOf(result, result.split[part]).filter((id) => everHeldOut.has(id))).toEqual([]);
          }
          for (const id of idsOf(result, result.split.holdout)) everHeldOut.add(id);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('brings copies of locked rows into the holdout and counts them', () => {
    const first = assign(allRows(100));
    const [held] = idsOf(first, first.split.holdout);
    const again = assign([...allRows(100), held, held], base, first.lock);
    expect(again.report).toMatchObject({ locked: 22, duplicates: 2 });
    expect(idsOf(again, again.split.holdout).filter((id) => id === held)).toHaveLength(3);
  });

  it('keeps locked rows held out when rows are added, and says how many it moved', () => {
    const first = assign(allRows(100));
    const grown = assign([...allRows(100), ...allRows(30).map((i) => i + 500)], base, first.lock);
    const held = new Set(idsOf(grown, grown.split.holdout));
    expect(idsOf(first, first.split.holdout).every((id) => held.has(id))).toBe(true);
    expect(grown.report.rows).toBe(26);
    expect(grown.report.locked + grown.report.added).toBe(26);
  });

  it('under a time split, everything after the first locked instant stays held out', () => {
    const settings: SplitSettings = { ...base, strategy: 'time' };
    const first = assign(allRows(100), settings);
    expect(idsOf(first, first.split.holdout)[0]).toBe(80);
    const grown = assign(allRows(200), settings, first.lock);
    expect(grown.split.holdout[0]).toBe(80);
    expect(grown.report).toMatchObject({ rows: 120, locked: 20, forced: 20 });
  });

  it.each([
    ['another seed', { seed: 2 }, /seed is 2, the holdout was drawn with 1/],
    ['a smaller holdout', { holdout: 0.1 }, /holdout is 0.1, the holdout was drawn with 0.2/],
    ['no holdout', { holdout: 0 }, /holdout is 0, /],
    ['another strategy', { strategy: 'time' as const }, /strategy is "time", the holdout was drawn with "random"/],
  ])('refuses %s', (_, change, message) => {
    const first = assign(allRows(100));
    const attempt = () => assign(allRows(100), { ...base, ...change }, first.lock);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code: 'HOLDOUT_CONFLICT', exitCode: 2 }));
  });

  it('allows settings that keep every locked row held out: a larger holdout, another validation size', () => {
    const first = assign(allRows(100));
    const larger = assign(allRows(100), { ...base, holdout: 0.3, validation: 0.1 }, first.lock);
    expect(larger.report).toMatchObject({ rows: 30, locked: 20, added: 10, forced: 0 });
    expect(larger.lock.hashes).toHaveLength(30);
    // From then on the larger one is the locked one.
    expect(() => assign(allRows(100), base, larger.lock)).toThrow(/rows of the locked holdout/);
  });

  it('draws afresh where a new holdout is asked for, and reports what was released', () => {
    const first = assign(allRows(100));
    const fresh = assign(allRows(100), { ...base, seed: 2 }, first.lock, true);
    expect(fresh.lock.generation).toBe(2);
    expect(fresh.report.newHoldout?.replaced).toBe(20);
    const once = new Set(idsOf(first, first.split.holdout));
    const released = [...fresh.split.train, ...fresh.split.validation].filter((row) => once.has(row)).length;
    expect(fresh.report.newHoldout?.released).toBe(released);
    expect(fresh.report.added).toBe(released);
    expect(() => assign(allRows(100), base, fresh.lock)).toThrow(/seed is 1, the holdout was drawn with 2/);
  });

  it('draws other rows for a new holdout under the same seed, and those again afterwards', () => {
    const first = assign(allRows(100));
    const fresh = assign(allRows(100), base, first.lock, true);
    expect(fresh.split.holdout).not.toEqual(first.split.holdout);
    expect(fresh.report.newHoldout?.released).toBeGreaterThan(5);
    const after = assign(allRows(100), base, fresh.lock);
    expect(after.split).toEqual(fresh.split);
    expect(after.report).toMatchObject({ generation: 2, forced: 0, locked: 20 });
  });

  it('refuses data in which no locked row is left', () => {
    const first = assign(allRows(100));
    const attempt = () =>
      assign(
        allRows(100).map((i) => i + 1000),
        base,
        first.lock,
      );
    expect(attempt).toThrow(expect.objectContaining({ code: 'HOLDOUT_LOST', exitCode: 2 }));
  });
});

describe('rowSetId', () => {
  it('names the set: order and repetition do not matter', () => {
    expect(rowSetId(hashes([3, 1, 2, 2]))).toBe(rowSetId(hashes([1, 2, 3])));
    expect(rowSetId(hashes([1, 2]))).not.toBe(rowSetId(hashes([1, 2, 3])));
    expect(rowSetId(hashes([1]))).toMatch(/^[0-9a-f]{16}$/);
  });
});

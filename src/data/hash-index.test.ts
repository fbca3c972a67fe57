import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashes } from '../../test/support/tables.js';
import { HashIndex, hashesOf, maybeRepeated } from './hash-index.js';

/** Hashes with repeats, and hashes that differ in one word only, in few bits. */
const lists = fc.oneof(
  fc.array(fc.nat(40), { maxLength: 200 }).map((ids) => hashes(ids)),
  fc
    .array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 200 })
    .map((words) => BigUint64Array.from(words, ([high, low]) => (BigInt(high) << 32n) | BigInt(low))),
);

describe('HashIndex', () => {
  it('numbers, counts and finds distinct hashes as a Map does', () => {
    fc.assert(
      fc.property(lists, lists, (list, others) => {
        const expected = new Map<bigint, { id: number; count: number; first: number }>();
        list.forEach((hash, position) => {
          const known = expected.get(hash) ?? { id: expected.size, count: 0, first: position };
          expected.set(hash, { ...known, count: known.count + 1 });
        });
        const index = new HashIndex(list);
        expect(index.size).toBe(expected.size);
        expect([...index.ids]).toEqual(Array.from(list, (hash) => expected.get(hash)?.id));
        expect([...index.counts]).toEqual([...expected.values()].map(({ count }) => count));
        expect([...index.first]).toEqual([...expected.values()].map(({ first }) => first));
        expect([...index.find(others)]).toEqual(Array.from(others, (hash) => expected.get(hash)?.id ?? -1));
      }),
    );
  });
});

describe('maybeRepeated', () => {
  it('names every position whose hash occurs twice, and few others', () => {
    fc.assert(
      fc.property(lists, (list) => {
        const named = new Set(maybeRepeated(list));
        list.forEach((hash, position) => {
          if (list.filter((other) => other === hash).length > 1) expect(named.has(position)).toBe(true);
        });
      }),
    );
    expect(maybeRepeated(hashes(Array.from({ length: 10_000 }, (_, i) => i))).length).toBeLessThan(2000);
  });
});

describe('hashesOf', () => {
  it('picks', () => {
    expect(hashesOf(BigUint64Array.of(5n, 1n << 60n, 7n), Uint32Array.of(1, 1, 0))).toEqual(
      BigUint64Array.of(1n << 60n, 1n << 60n, 5n),
    );
  });
});

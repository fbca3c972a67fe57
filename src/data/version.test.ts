import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, Table } from './table.js';
import { contentVersion, rowHashes } from './version.js';

const golden = JSON.parse(readFileSync(new URL('goldens/versions.json', import.meta.url), 'utf8')) as {
  version: string;
  rows: string[];
};

function table(...columns: Column[]): Table {
  const [first] = columns;
  const rows =
    first.kind === 'category' ? first.codes.length : first.kind === 'array' ? first.data.length : first.values.length;
  return { rows, columns };
}

const number = (name: string, values: number[], type: 'float' | 'integer' = 'float', single = false): Column => ({
  kind: 'number',
  name,
  type,
  values: single ? Float32Array.from(values) : Float64Array.from(values),
});
const category = (name: string, codes: number[], dictionary: string[]): Column => ({
  kind: 'category',
  name,
  codes: Int32Array.from(codes),
  dictionary,
});
const text = (name: string, values: string[]): Column => ({ kind: 'text', name, values });

describe('contentVersion', () => {
  it('does not depend on how values are held', () => {
    const a = table(number('x', [1, 0.5, Number.NaN, -0]), category('c', [0, 1, -1, 0], ['p', 'q']));
    const b = table(
      number('x', [1, 0.5, Number.NaN, 0], 'float', true),
      category('c', [2, 0, -1, 2], ['q', 'unused', 'p']),
    );
    expect(contentVersion(a)).toBe(contentVersion(b));
    expect(contentVersion(a)).toMatch(/^dv-[0-9a-f]{16}$/);
  });

  it('depends on every value, name, type and order', () => {
    const versions = [
      table(number('x', [1, 2])),
      table(number('x', [2, 1])),
      table(number('y', [1, 2])),
      table(number('x', [1, 2], 'integer')),
      table(number('x', [1, 2 + 1e-15])),
      table(number('x', [1, 2]), number('y', [1, 2])),
      table(number('y', [1, 2]), number('x', [1, 2])),
      table(category('x', [0, 1], ['1', '2'])),
      table(category('x', [1, 0], ['1', '2'])),
      table(category('x', [0, -1], ['1', '2'])),
      table(text('x', ['1', '2'])),
      table(text('x', ['12', ''])),
      table(text('x', ['', '12'])),
      table({ kind: 'time', name: 'x', values: Float64Array.of(1, 2) }),
      table({ kind: 'array', name: 'x', content: 'tokens', shape: [1], data: Int32Array.of(1, 2) }),
      table({ kind: 'array', name: 'x', content: 'tokens', shape: [1], data: Float32Array.of(1, 2) }),
    ].map(contentVersion);
    expect(new Set(versions).size).toBe(versions.length);
  });

  it('is what its description says, computed elsewhere', () => {
    const described = table(
      number('x', [1.5, Number.NaN, -2.25, 0.1]),
      number('id', [1, 2, 3, 16_777_217], 'integer'),
      category('c', [0, -1, 2, 1], ['b', '7', 'a']),
      text('t', ['\u00e9t\u00e9', '', 'z', '0.5']),
    );
    expect(contentVersion(described)).toBe(golden.version);
    expect(Array.from(rowHashes(described), (hash) => hash.toString(16).padStart(16, '0'))).toEqual(golden.rows);
  });
});

describe('rowHashes', () => {
  it('is of the content, not of its order, coding, width or inferred type', () => {
    const a = table(number('x', [1, 0.1, 3]), category('c', [0, 1, -1], ['p', '7']), number('t', [5, 6, 7], 'integer'));
    const b = table(
      { kind: 'time', name: 't', values: Float64Array.of(5, 6, 7) },
      text('c', ['p', '7', '']),
      number('x', [1, 0.1, 3], 'float', true),
    );
    expect(rowHashes(b)).toEqual(rowHashes(a));
    const numeric = table(number('c', [Number.NaN, 7]));
    expect(rowHashes(numeric)[1]).toBe(rowHashes(table(category('c', [0], ['7'])))[0]);
    expect(rowHashes(numeric)[0]).toBe(rowHashes(table(text('c', [''])))[0]);
  });

  it('tells columns apart, and whole numbers beyond 2^24', () => {
    const swapped = [table(number('a', [1]), number('b', [2])), table(number('a', [2]), number('b', [1]))];
    expect(rowHashes(swapped[0])).not.toEqual(rowHashes(swapped[1]));
    const ids = rowHashes(table(number('id', [16_777_216, 16_777_217, 2 ** 53 - 1, 2 ** 53 - 2], 'integer')));
    expect(new Set(ids).size).toBe(4);
  });

  it('hashes chosen columns', () => {
    const full = table(number('a', [1, 1]), number('b', [2, 3]));
    const [first, second] = rowHashes(full, ['a']);
    expect(first).toBe(second);
    expect(() => rowHashes(full, ['z'])).toThrow('no column z');
  });

  it('hashes arrays by row', () => {
    const images = (data: number[]): Column => ({
      kind: 'array',
      name: 'image',
      content: 'image',
      shape: [1, 1, 3],
      data: Uint8Array.from(data),
    });
    const hashes = rowHashes({ rows: 3, columns: [images([1, 2, 3, 1, 2, 3, 3, 2, 1])] });
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });

  it('never collides on numbers of one column, nor by chance on many rows', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { minLength: 2, maxLength: 200 }), (values) => {
        expect(new Set(rowHashes(table(number('x', values)))).size).toBe(values.length);
      }),
    );
    // Neighbouring values in three columns, 216,000 rows: structured input that weak mixing would collapse.
    const grid = Array.from({ length: 216_000 }, (_, i) => [i % 60, Math.floor(i / 60) % 60, Math.floor(i / 3600)]);
    const columns = ['a', 'b', 'c'].map((name, axis) =>
      number(
        name,
        grid.map((row) => row[axis]),
      ),
    );
    expect(new Set(rowHashes(table(...columns))).size).toBe(216_000);
    const words = grid.map(([a, b, c]) => `w${a} ${b}${c}`);
    expect(new Set(rowHashes(table(text('t', words)))).size).toBe(new Set(words).size);
  });

  it('flips half of its bits for every bit of the input', () => {
    const base = 1234.5678;
    const view = new DataView(new ArrayBuffer(8));
    let flipped = 0;
    let tried = 0;
    for (let bit = 29; bit < 61; bit++) {
      view.setFloat64(0, Math.fround(base));
      view.setBigUint64(0, view.getBigUint64(0) ^ (1n << BigInt(bit)));
      const changed = view.getFloat64(0);
      if (Math.fround(changed) !== changed) continue;
      const [a, b] = rowHashes(table(number('x', [Math.fround(base), changed])));
      for (let difference = a ^ b; difference > 0n; difference &= difference - 1n) flipped++;
      tried++;
    }
    expect(tried).toBeGreaterThan(20);
    expect(flipped / tried).toBeGreaterThan(28);
    expect(flipped / tried).toBeLessThan(36);
  });
});

import { describe, expect, test } from 'vitest';
import type { Column } from '../../data/table.js';
import { derive } from '../../numeric/random.js';
import { findSlices } from './find-slices.js';
import { type Grouping, groupRows } from './grouping.js';

/** Columns of a few groups, drawn at random. */
function randomGroupings(rows: number, columns: number, seed: number): Grouping[] {
  const random = derive(seed, 'slice columns');
  return Array.from({ length: columns }, (_, c) => ({
    name: `c${c}`,
    codes: Uint8Array.from({ length: rows }, () => Math.floor(4 * random.uniform())),
    labels: ['= a', '= b', '= c', '= d'],
  }));
}

describe('findSlices', () => {
  test('finds a planted pair of conditions and neither of them alone', () => {
    const groupings = randomGroupings(8000, 8, 1);
    const random = derive(2, 'errors');
    const bad = (row: number): boolean => groupings[2].codes[row] === 1 && groupings[5].codes[row] === 3;
    const errors = Float64Array.from({ length: 8000 }, (_, row) => (random.uniform() < (bad(row) ? 0.5 : 0.1) ? 1 : 0));
    const { slices, searched } = findSlices(errors, groupings);
    expect(searched).toBe(8 * 4 + 28 * 16);
    expect(slices[0].conditions).toEqual([
      { column: 'c2', value: '= b' },
      { column: 'c5', value: '= d' },
    ]);
    const [low, high] = slices[0].difference.interval;
    expect(low).toBeLessThan(0.4);
    expect(high).toBeGreaterThan(0.4);
    expect(slices[0].pValue).toBeLessThan(1e-6);
  });

  test('finds nothing among pure noise, in 19 of 20 searches at least', () => {
    // Whatever is confirmed there is false: the rate of searches with any is at most that of false discoveries.
    let alarms = 0;
    for (let seed = 0; seed < 60; seed++) {
      const random = derive(seed, 'noise');
      const errors = Float64Array.from({ length: 1200 }, () => (random.uniform() < 0.2 ? 1 : 0));
      if (findSlices(errors, randomGroupings(1200, 6, seed), { seed }).slices.length > 0) alarms++;
    }
    // 60 at 5 %: 8 or more have a probability of 1 %.
    expect(alarms).toBeLessThan(8);
  });

  test('the size of a found slice is not the luck of the search', () => {
    // Means over many searches: what half of the rows proposed, the other half measures without bias.
    const measured: number[] = [];
    for (let seed = 0; seed < 40; seed++) {
      const groupings = randomGroupings(1500, 6, seed);
      const random = derive(seed, 'one bad group');
      const errors = Float64Array.from({ length: 1500 }, (_, row) =>
        random.uniform() < (groupings[0].codes[row] === 0 ? 0.4 : 0.2) ? 1 : 0,
      );
      const found = findSlices(errors, groupings, { seed, rate: 1 }).slices.find(
        ({ conditions }) => conditions.length === 1 && conditions[0].column === 'c0' && conditions[0].value === '= a',
      );
      if (found !== undefined) measured.push(found.difference.value);
    }
    expect(measured.length).toBeGreaterThan(30);
    expect(measured.reduce((a, b) => a + b, 0) / measured.length).toBeCloseTo(0.2, 1.5);
  });

  test('works on errors of any size, and asks for rows', () => {
    const [grouping] = randomGroupings(2000, 1, 3);
    const random = derive(4, 'sizes');
    const errors = Float64Array.from(
      { length: 2000 },
      (_, row) => Math.abs(random.normal()) * (grouping.codes[row] === 2 ? 9 : 3),
    );
    expect(findSlices(errors, [grouping]).slices[0].conditions).toEqual([{ column: 'c0', value: '= c' }]);
    expect(() => findSlices(new Float64Array(100), [])).toThrow(expect.objectContaining({ code: 'SLICES_FEW_ROWS' }));
  });
});

describe('groupRows', () => {
  const rows = Uint32Array.from({ length: 100 }, (_, row) => row);
  const group = (column: Column) => groupRows(column, rows);

  test('cuts numbers into fifths, missing ones apart', () => {
    const values = Float64Array.from(rows, (row) => (row < 10 ? Number.NaN : row));
    const { codes, labels } = group({ kind: 'number', name: 'x', type: 'float', values })!;
    expect(labels).toHaveLength(6);
    expect(labels.at(-1)).toBe('missing');
    const counts = labels.map((_, code) => codes.filter((each) => each === code).length);
    expect(counts).toEqual([18, 18, 18, 18, 18, 10]);
  });

  test('keeps categories, the rare ones together, and leaves out what has no groups', () => {
    const dictionary = Array.from({ length: 40 }, (_, i) => `v${i}`);
    const codes = Int32Array.from(rows, (row) => (row < 60 ? row % 2 : row % 40));
    const grouping = group({ kind: 'category', name: 'c', codes, dictionary })!;
    expect(grouping.labels).toHaveLength(21);
    expect(grouping.labels).toContain('another value');
    expect(group({ kind: 'category', name: 'c', codes: new Int32Array(100), dictionary: ['one'] })).toBeUndefined();
    expect(group({ kind: 'text', name: 't', values: Array.from(rows, (row) => `text ${row}`) })).toBeUndefined();
    expect(group({ kind: 'number', name: 'x', type: 'float', values: new Float64Array(100).fill(3) })).toBeUndefined();
  });
});

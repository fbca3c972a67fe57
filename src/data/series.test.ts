import { describe, expect, it } from 'vitest';
import { DEFAULT_FEATURES } from './options.js';
import { applySeries } from './series.js';
import type { Column, Table } from './table.js';

const number = (name: string, values: readonly number[]): Column => ({
  kind: 'number',
  name,
  type: 'float',
  values: Float64Array.from(values),
});
const table = (...columns: readonly Column[]): Table => ({ rows: 4, columns });
const shaped = (data: Table, series: Readonly<Record<string, { columns: string[]; past?: number }>>): Table =>
  applySeries(data, { ...DEFAULT_FEATURES, series });

const LONG = table(number('load', [1, 2, 3, 4]), number('heat', [10, 20, 30, 40]), number('other', [0, 0, 0, 1]));

describe('applySeries', () => {
  it('leaves a table alone that has none', () => {
    expect(shaped(LONG, {})).toBe(LONG);
  });

  it('joins columns as the steps of one channel, in order, by name or by how they begin', () => {
    const wide = table(number('t1', [1, 2, 3, 4]), number('y', [0, 1, 0, 1]), number('t2', [5, 6, 7, 8]));
    const expected = { kind: 'array', name: 's', content: 'series', shape: [2, 1] };
    for (const columns of [['t1', 't2'], ['t*']]) {
      const { columns: found } = shaped(wide, { s: { columns } });
      expect(found.map(({ name }) => name)).toEqual(['y', 's']);
      expect(found[1]).toEqual({ ...expected, data: Float32Array.of(1, 5, 2, 6, 3, 7, 4, 8) });
    }
  });

  it('makes windows of the rows before, missing before the first, and keeps the columns', () => {
    const { columns } = shaped(LONG, { past: { columns: ['load', 'heat'], past: 2 } });
    expect(columns.map(({ name }) => name)).toEqual(['load', 'heat', 'other', 'past']);
    const none = Number.NaN;
    expect(columns[3]).toEqual({
      kind: 'array',
      name: 'past',
      content: 'series',
      shape: [2, 2],
      data: Float32Array.of(none, none, none, none, none, none, 1, 10, 1, 10, 2, 20, 2, 20, 3, 30),
    });
  });

  it('takes an array a row as it is', () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const array = (shape: readonly number[]): Table =>
      table({ kind: 'array', name: 'x', content: 'features', shape, data });
    const of = (shape: readonly number[]) => shaped(array(shape), { signal: { columns: ['x'] } }).columns;
    expect(of([6])).toEqual([{ kind: 'array', name: 'signal', content: 'series', shape: [6, 1], data }]);
    expect(of([3, 2])).toEqual([{ kind: 'array', name: 'signal', content: 'series', shape: [3, 2], data }]);
  });

  it('refuses what is no number, what is not there, and a name that is taken', () => {
    const text: Column = { kind: 'text', name: 'words', values: ['a', 'b', 'c', 'd'] };
    for (const [data, series, code] of [
      [table(text), { s: { columns: ['words'], past: 1 } }, 'DATA_COLUMN_TYPE'],
      [LONG, { s: { columns: ['absent'] } }, 'DATA_COLUMN_ABSENT'],
      [LONG, { s: { columns: ['t*'] } }, 'DATA_COLUMN_ABSENT'],
      [LONG, { heat: { columns: ['load'], past: 1 } }, 'DATA_COLUMN_TWICE'],
    ] as const) {
      const given = series as unknown as Parameters<typeof shaped>[1];
      expect(() => shaped(data, given)).toThrow(
        expect.objectContaining({ code, place: expect.stringContaining('data.features.series.') as string }),
      );
    }
  });
});

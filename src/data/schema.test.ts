import { describe, expect, it } from 'vitest';
import { checkAgainst, type SchemaIssue, schemaOf } from './schema.js';
import type { Column, Table } from './table.js';

const columns = {
  age: { kind: 'number', name: 'age', type: 'integer', values: Float32Array.of(20, 30, 40) },
  income: { kind: 'number', name: 'income', type: 'float', values: Float64Array.of(1.5, Number.NaN, 3.5) },
  city: { kind: 'category', name: 'city', codes: Int32Array.of(0, 1, 0), dictionary: ['Oslo', 'Rome', 'Unused'] },
  note: { kind: 'text', name: 'note', values: ['a', 'bb', 'ccc'] },
  when: { kind: 'time', name: 'when', values: Float64Array.of(0, 1e12, 5e11) },
  image: { kind: 'array', name: 'image', content: 'image', shape: [1, 1, 2], data: Uint8Array.of(0, 1, 2, 3, 4, 255) },
} satisfies Record<string, Column>;

const table: Table = { rows: 3, columns: Object.values(columns) };

function issues(...changed: Column[]): Pick<SchemaIssue, 'code' | 'severity' | 'columns' | 'rows'>[] {
  const names = new Set(changed.map(({ name }) => name));
  const rest = table.columns.filter(({ name }) => !names.has(name));
  return checkAgainst(schemaOf(table), { rows: 3, columns: [...rest, ...changed] }).map(
    ({ code, severity, columns: of, rows }) => ({
      code,
      severity,
      columns: of,
      ...(rows === undefined ? {} : { rows }),
    }),
  );
}

it('describes each column', () => {
  const schema = schemaOf(table);
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  expect(schema).toEqual({
    rows: 3,
    columns: [
      { kind: 'number', name: 'age', type: 'integer', missing: 0, minimum: 20, maximum: 40, distinct: 3 },
      { kind: 'number', name: 'income', type: 'float', missing: 1, minimum: 1.5, maximum: 3.5, distinct: 2 },
      { kind: 'category', name: 'city', missing: 0, categories: ['Oslo', 'Rome'] },
      { kind: 'text', name: 'note', missing: 0, longest: 3 },
      { kind: 'time', name: 'when', missing: 0, minimum: 0, maximum: 1e12 },
      { kind: 'array', name: 'image', content: 'image', shape: [1, 1, 2], missing: 0, minimum: 0, maximum: 255 },
    ],
  });
});

it('knows no bounds of a column without values', () => {
  const empty = { kind: 'number', name: 'x', type: 'float', values: Float32Array.of(Number.NaN) } as const;
  expect(schemaOf({ rows: 1, columns: [empty] }).columns[0]).toEqual({
    kind: 'number',
    name: 'x',
    type: 'float',
    missing: 1,
    distinct: 0,
  });
});

describe('checkAgainst', () => {
  it('has nothing to object to the same table', () => {
    expect(issues()).toEqual([]);
  });

  it('finds columns that are missing or added', () => {
    const [first, ...rest] = table.columns;
    const found = checkAgainst(schemaOf(table), { rows: 3, columns: [...rest, { ...first, name: 'extra' }] });
    expect(found.map(({ code, severity }) => [code, severity])).toEqual([
      ['COLUMN_MISSING', 'error'],
      ['COLUMN_ADDED', 'info'],
    ]);
  });

  it('finds values outside of the range, not finite, or newly missing', () => {
    expect(issues({ ...columns.age, values: Float32Array.of(20, 41, Number.NaN) })).toEqual([
      { code: 'MISSING_VALUES', severity: 'warning', columns: ['age'], rows: [3] },
      { code: 'OUT_OF_RANGE', severity: 'warning', columns: ['age'], rows: [2] },
    ]);
    expect(issues({ ...columns.income, values: Float64Array.of(2, Number.NEGATIVE_INFINITY, Number.NaN) })).toEqual([
      { code: 'NOT_FINITE', severity: 'error', columns: ['income'], rows: [2] },
    ]);
    expect(issues({ ...columns.when, values: Float64Array.of(-1, 1, 2) })).toEqual([
      { code: 'OUT_OF_RANGE', severity: 'warning', columns: ['when'], rows: [1] },
    ]);
  });

  it('finds categories not seen before, not those only in the dictionary', () => {
    expect(issues({ ...columns.city, codes: Int32Array.of(1, 2, -1) })).toEqual([
      { code: 'UNSEEN_CATEGORY', severity: 'warning', columns: ['city'], rows: [2] },
      { code: 'MISSING_VALUES', severity: 'warning', columns: ['city'], rows: [3] },
    ]);
    expect(issues({ ...columns.city, dictionary: ['Rome', 'Oslo', 'Paris'] })).toEqual([]);
  });

  it('finds changed types and shapes', () => {
    expect(issues({ ...columns.age, type: 'float' })).toEqual([
      { code: 'COLUMN_TYPE_CHANGED', severity: 'warning', columns: ['age'] },
    ]);
    expect(issues({ ...columns.income, type: 'integer' })).toEqual([]);
    expect(issues({ ...columns.note, name: 'age' })).toContainEqual({
      code: 'COLUMN_TYPE_CHANGED',
      severity: 'error',
      columns: ['age'],
    });
    expect(issues({ ...columns.image, shape: [1, 2, 1] })).toEqual([
      { code: 'COLUMN_SHAPE_CHANGED', severity: 'error', columns: ['image'] },
    ]);
  });
});

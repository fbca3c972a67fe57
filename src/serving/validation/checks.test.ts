import { describe, expect, test } from 'vitest';
import { SEEN_KEY, seenValues } from '../../data/seen-values.js';
import { float32, int64, type PortInfo, type Tensor } from '../../graph/index.js';
import { RowColumns } from '../model/columns.js';
import type { LoadedModel } from '../worker/messages.js';
import { DEFAULT_POLICIES, InputChecks, type InputPolicies } from './checks.js';

const rows = Uint32Array.of(0, 1, 2);
const seen = seenValues(
  {
    rows: 4,
    columns: [
      { kind: 'number', name: 'age', type: 'float', values: Float64Array.of(20.1, 60, Number.NaN, 99) },
      { kind: 'number', name: 'visits', type: 'integer', values: Float64Array.of(0, 7, 3, 99) },
      { kind: 'category', name: 'city', codes: Int32Array.of(0, 1, 0, 2), dictionary: ['Rom', 'Oslo', 'Bern'] },
    ],
  },
  ['age', 'visits', 'city', 'none'],
  rows,
);

const port = (name: string, type: PortInfo['type']): PortInfo => ({ name, type, shape: ['batch', 1] });
const model: LoadedModel = {
  inputs: [port('age', 'float32'), port('visits', 'int64'), port('city', 'string')],
  outputs: [],
  metadata: { [SEEN_KEY]: JSON.stringify(seen) },
  loadMs: 0,
};

const apply = (feeds: Record<string, Tensor>, policies: Partial<InputPolicies> = {}) =>
  new InputChecks(model, new RowColumns(model), { ...DEFAULT_POLICIES, ...policies }).apply(feeds);
const age = (...values: number[]) => ({ age: float32([values.length, 1], values) });
const city = (...data: string[]) => ({ city: { type: 'string' as const, shape: [data.length, 1], data } });

describe('checks of the input', () => {
  test('know what training held', () => {
    expect(seen).toEqual([
      { column: 'age', missing: true, range: [20.1, 60] },
      { column: 'visits', missing: false, range: [0, 7] },
      { column: 'city', missing: false, categories: ['Oslo', 'Rom'] },
    ]);
  });

  test('flag what training did not hold, and nothing that it held', () => {
    expect(apply({ ...age(20.1, 60, Number.NaN), ...city('Rom', 'Oslo', 'Rom') }).flags).toEqual([]);
    expect(apply({ ...age(20, 30), ...city('Rom', 'Bern') }).flags).toEqual([['age: range'], ['city: unseen']]);
    expect(apply({ visits: int64([2, 1], [-(2n ** 63n), 8n]), ...city('', 'Rom') }).flags).toEqual([
      ['visits: missing', 'city: missing'],
      ['visits: range'],
    ]);
  });

  test('clip to the range of training, whole numbers too, and leave what was sent as it is', () => {
    const sent = { ...age(-5, 30, 1e9), visits: int64([3, 1], [1n, 99n, -1n]) };
    const { feeds, flags } = apply(sent, { range: 'clip' });
    expect([...(feeds.age?.data ?? [])]).toEqual([Math.fround(20.1), 30, 60]);
    expect([...(feeds.visits?.data ?? [])]).toEqual([1n, 7n, 0n]);
    expect(flags).toEqual([['age: range'], ['visits: range'], ['age: range', 'visits: range']]);
    expect(sent.age.data[0]).toBe(-5);
  });

  test('reject, naming column and row, or look away', () => {
    expect(() => apply(age(30, Number.POSITIVE_INFINITY))).toThrow(
      expect.objectContaining({ code: 'INPUT_REFUSED', place: 'input age, row 1' }),
    );
    expect(() => apply(age(19), { range: 'reject' })).toThrow(/19 is outside of 20.1/);
    expect(() => apply(city('Bern'), { unseen: 'reject' })).toThrow(/training had no "Bern"/);
    expect(apply({ ...age(19), ...city('Bern') }, { range: 'off', unseen: 'off' }).flags).toEqual([]);
  });

  test('of a model that says nothing find only infinite numbers', () => {
    const silent = { ...model, metadata: {} };
    const checks = new InputChecks(silent, new RowColumns(silent), DEFAULT_POLICIES);
    expect(checks.apply(age(1e9, Number.NaN)).flags).toEqual([]);
    expect(() => checks.apply(age(Number.NEGATIVE_INFINITY))).toThrow(/-Infinity/);
  });
});

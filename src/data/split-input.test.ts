import { describe, expect, it } from 'vitest';
import { allRows, categories, images, numbers, table, times } from '../../test/support/tables.js';
import { dataOptionsSchema } from './options.js';
import { resolveRoles } from './roles.js';
import { split } from './split.js';
import { splitInput, strategyOf } from './split-input.js';
import type { Table } from './table.js';

const ROWS = 100;
const data = table(
  numbers('id', allRows(ROWS), 'integer'),
  categories(
    'patient',
    Array.from(allRows(ROWS), (i) => `p${i % 10}`),
  ),
  times(
    'when',
    Array.from(allRows(ROWS), (i) => Date.UTC(2024, 0, 1 + i)),
  ),
  numbers(
    'count',
    Array.from(allRows(ROWS), (i) => (i * 37) % ROWS),
    'integer',
  ),
  categories(
    'kind',
    Array.from(allRows(ROWS), (i) => (i % 5 === 0 ? 'rare' : 'usual')),
  ),
  numbers(
    'a',
    Array.from(allRows(ROWS), (i) => Math.sin(i)),
  ),
);
const sizes = { validation: 0.2, holdout: 0.2, seed: 1 };

function parts(source: Table, data: object, task: 'classification' | 'regression' = 'classification') {
  const options = dataOptionsSchema.parse({ source: 'x', ...data });
  const roles = resolveRoles(source, options);
  const strategy = strategyOf(options, options.target !== undefined);
  return split(splitInput(source, roles, strategy, options.split.bins, task), { strategy, ...sizes });
}

describe('strategyOf', () => {
  it.each([
    [{ target: 'kind' }, 'stratified'],
    [{}, 'random'],
    [{ target: 'kind', columns: { group: 'patient' } }, 'group'],
    [{ target: 'kind', columns: { time: 'when' } }, 'time'],
    [{ target: 'kind', columns: { time: 'when', event: 'kind' } }, 'stratified'],
    [{ target: 'kind', columns: { group: 'patient' }, split: { strategy: 'random' } }, 'random'],
  ])('of %j is %s', (options, strategy) => {
    const parsed = dataOptionsSchema.parse({ source: 'x', ...options });
    expect(strategyOf(parsed, parsed.target !== undefined)).toBe(strategy);
  });
});

describe('splitInput', () => {
  it('stratifies classes', () => {
    const { holdout } = parts(data, { target: 'kind' });
    expect([...holdout].filter((row) => row % 5 === 0)).toHaveLength(4);
  });

  it('stratifies a whole number that is a quantity by its quantiles', () => {
    const { holdout, train } = parts(data, { target: 'count' }, 'regression');
    expect([holdout.length, train.length]).toEqual([20, 60]);
    for (let bin = 0; bin < 10; bin++) {
      expect([...holdout].filter((row) => Math.floor(((row * 37) % ROWS) / 10) === bin)).toHaveLength(2);
    }
  });

  it('does not depend on the order of rows', () => {
    const three = table(
      numbers('a', allRows(31)),
      categories(
        'y',
        Array.from(allRows(31), (i) => 'uvw'[i % 3]),
      ),
    );
    const reversed = table(
      numbers('a', Array.from(allRows(31)).reverse()),
      categories('y', Array.from(allRows(31), (i) => 'uvw'[i % 3]).reverse()),
    );
    const there = parts(three, { target: 'y' });
    const back = parts(reversed, { target: 'y' });
    expect([...back.holdout].map((row) => 30 - row).reverse()).toEqual([...there.holdout]);
  });

  it('keeps groups whole, and the latest rows for the holdout', () => {
    const byGroup = parts(data, { target: 'kind', columns: { group: 'patient' } });
    expect(new Set([...byGroup.holdout].map((row) => row % 10)).size).toBe(2);
    expect(byGroup.holdout).toHaveLength(20);
    const byTime = parts(data, { target: 'kind', columns: { time: 'when' } });
    expect([...byTime.holdout]).toEqual([...allRows(ROWS)].slice(80));
  });

  it('knows rows by id where there is one: other content, same split', () => {
    const changed = table(...data.columns.filter(({ name }) => name !== 'a'), numbers('a', allRows(ROWS)));
    const columns = { id: 'id' };
    expect(parts(changed, { target: 'kind', columns })).toEqual(parts(data, { target: 'kind', columns }));
    expect(parts(changed, { target: 'kind' })).not.toEqual(parts(data, { target: 'kind' }));
  });

  it('says which role is missing or of the wrong type', () => {
    const strategy = (name: string) => ({ target: 'kind', split: { strategy: name } });
    expect(() => parts(data, strategy('time'))).toThrow(/time split needs to know the time column/);
    expect(() => parts(data, strategy('group'))).toThrow(/group split needs to know the group column/);
    expect(() => parts(data, { columns: { time: 'patient' } })).toThrow(
      /"patient" holds categories, but numbers are needed/,
    );
  });
});

describe('resolveRoles', () => {
  const resolve = (options: object) => resolveRoles(data, dataOptionsSchema.parse({ source: 'x', ...options }));

  it('takes as features what has no role, is not excluded, or is included', () => {
    const columns = { id: 'id', group: ['patient'], time: 'when' };
    expect(resolve({ target: 'kind', columns }).features).toEqual(['count', 'a']);
    expect(resolve({ target: 'kind', columns, features: { include: ['when'], exclude: ['a'] } }).features).toEqual([
      'when',
      'count',
    ]);
  });

  it.each([
    [{ target: 'knd' }, 'DATA_TARGET_ABSENT', /the target column is not in the data/],
    [{ columns: { weight: 'w' } }, 'DATA_COLUMN_ABSENT', /the weight column is not in the data/],
    [{ features: { exclude: ['b'] } }, 'DATA_COLUMN_ABSENT', /a column of features.exclude is not in the data/],
    [{ target: 'kind', features: { include: ['kind'] } }, 'DATA_TARGET_IS_FEATURE', /cannot be a feature as well/],
    [
      { target: 'kind', features: { exclude: ['id', 'patient', 'when', 'count', 'a'] } },
      'DATA_NO_FEATURES',
      /no column is left/,
    ],
  ])('refuses %j', (options, code, message) => {
    expect(() => resolve(options)).toThrow(message);
    expect(() => resolve(options)).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });

  it('names the columns that there are, and refuses two of one name', () => {
    expect(() => resolve({ target: 'knd' })).toThrow(
      expect.objectContaining({ remedy: 'The columns are: id, patient, when, count, kind, a.' }),
    );
    expect(() =>
      resolveRoles(
        table(numbers('a', [1]), images('a', [1], Uint8Array.of(1))),
        dataOptionsSchema.parse({ source: 'x' }),
      ),
    ).toThrow(/two columns have one name/);
  });
});

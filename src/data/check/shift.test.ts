import { describe, expect, it } from 'vitest';
import { allRows, categories, images, numbers, table, texts } from '../../../test/support/tables.js';
import { derive } from '../../numeric/random.js';
import type { Table } from '../table.js';
import { checkShift, compareSamples } from './shift.js';

const FEATURES = ['same', 'moved', 'kind', 'sparse', 'words', 'photo'];

function sample(count: number, seed: number, shifted: boolean): Table {
  const random = derive(seed, 'sample');
  const draw = <T>(make: () => T): T[] => Array.from({ length: count }, make);
  return table(
    numbers(
      'same',
      draw(() => random.normal()),
    ),
    numbers(
      'moved',
      draw(() => random.normal(shifted ? 0.5 : 0)),
    ),
    categories(
      'kind',
      draw(() => (random.uniform() < (shifted ? 0.6 : 0.4) ? 'a' : random.uniform() < 0.01 ? 'rare' : 'b')),
    ),
    numbers(
      'sparse',
      draw(() => (random.uniform() < (shifted ? 0.3 : 0.05) ? Number.NaN : random.normal())),
    ),
    texts(
      'words',
      draw(() => 'x'.repeat(5 + random.integer(shifted ? 12 : 6))),
    ),
    images(
      'photo',
      [1, 2, 2],
      Uint8Array.from(Array.from({ length: count * 4 }, () => (shifted ? 60 : 0) + random.integer(150))),
    ),
  );
}

const compare = (reference: Table, current: Table) =>
  compareSamples(reference, allRows(reference.rows), current, allRows(current.rows), FEATURES);

describe('compareSamples', () => {
  it('finds what moved between holdout and production, and nothing else', () => {
    const tests = compare(sample(600, 1, false), sample(500, 2, true));
    const found = checkShift(tests);
    expect(new Set(found.flatMap(({ columns = [] }) => columns))).toEqual(
      new Set(['moved', 'kind', 'sparse', 'words', 'photo']),
    );
    expect(found.map(({ figures }) => figures?.effect)).toEqual(
      found.map(({ figures }) => figures?.effect).sort((a = 0, b = 0) => b - a),
    );
    expect(tests.find(({ column }) => column === 'kind')?.test).toBe('chi-square');
    expect(tests.filter(({ column }) => column === 'sparse').map(({ aspect }) => aspect)).toEqual(['value', 'missing']);
    expect(tests.filter(({ column }) => column === 'photo').map(({ aspect }) => aspect)).toEqual(['mean', 'spread']);
  });

  it('seldom alarms on samples of one distribution', () => {
    let alarms = 0;
    for (let seed = 0; seed < 100; seed++) {
      if (checkShift(compare(sample(120, 2 * seed, false), sample(100, 2 * seed + 1, false))).length > 0) alarms++;
    }
    // At a false discovery rate of 5 %, some 5 of 100 comparisons without any difference alarm.
    expect(alarms).toBeLessThanOrEqual(11);
  });
});

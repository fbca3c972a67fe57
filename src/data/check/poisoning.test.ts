import { describe, expect, it } from 'vitest';
import { allRows, categories, hashes, numbers, table } from '../../../test/support/tables.js';
import { derive } from '../../numeric/random.js';
import { dataOptionsSchema } from '../options.js';
import { resolveRoles } from '../roles.js';
import type { Finding } from './finding.js';
import { screenPoisoning, type Version } from './poisoning.js';

interface Row {
  a: number;
  b: number;
  c: string;
  y: string;
}

/** Two clouds, a label each, with 3 % of labels wrong. */
function cloud(count: number, seed: number): Row[] {
  const random = derive(seed, 'cloud');
  return Array.from({ length: count }, () => {
    const positive = random.uniform() < 0.5;
    const right = random.uniform() < 0.97;
    return {
      a: random.normal(positive ? 3 : 0),
      b: random.normal(positive ? -1 : 1),
      c: random.uniform() < 0.5 ? 'left' : 'right',
      y: positive === right ? 'yes' : 'no',
    };
  });
}

function version(rows: readonly Row[]): Version {
  const known = new Map<string, number>();
  const hash = (of: (row: Row) => unknown): BigUint64Array =>
    hashes(
      rows.map((row) => {
        const key = JSON.stringify(of(row));
        known.set(
          key,
          known.get(key) ?? [...key].reduce((h, char) => (h * 31 + char.charCodeAt(0)) % 9_007_199_254_740_881, 7),
        );
        return known.get(key) ?? 0;
      }),
    );
  return {
    table: table(
      numbers(
        'a',
        rows.map(({ a }) => a),
      ),
      numbers(
        'b',
        rows.map(({ b }) => b),
      ),
      categories(
        'c',
        rows.map(({ c }) => c),
      ),
      categories(
        'y',
        rows.map(({ y }) => y),
      ),
    ),
    features: hash(({ a, b, c }) => [a, b, c]),
    whole: hash(({ a, b, c, y }) => [a, b, c, y]),
  };
}

const earlier = cloud(800, 1);
const roles = resolveRoles(version(earlier).table, dataOptionsSchema.parse({ source: 'x', target: 'y' }));
const screen = (rows: readonly Row[]): Finding[] =>
  screenPoisoning(version(rows), version(earlier), { roles, task: 'classification' });
const flip = (row: Row): Row => ({ ...row, y: row.y === 'yes' ? 'no' : 'yes' });

describe('screenPoisoning', () => {
  it('is silent on the same data, on more of the same kind, and on less', () => {
    expect(screen(earlier)).toEqual([]);
    expect(screen(earlier.slice(0, 500))).toEqual([]);
    for (const seed of [2, 3, 4]) expect(screen([...earlier, ...cloud(400, seed)])).toEqual([]);
  });

  it('finds labels flipped in place', () => {
    const [found] = screen(earlier.map((row, i) => (i % 20 === 7 ? flip(row) : row)));
    expect(found).toMatchObject({ code: 'LABEL_FLIPS', severity: 'error', count: 40 });
    expect(found.rows?.slice(0, 3)).toEqual([8, 28, 48]);
  });

  it('finds wrong labels among added rows by their neighbours', () => {
    const added = cloud(300, 5).map((row, i) => (i % 3 === 0 ? flip(row) : row));
    const found = screen([...earlier, ...added]);
    expect(found).toMatchObject([{ code: 'LABELS_AGAINST_NEIGHBOURS', severity: 'error' }]);
    const flipped = new Set(
      allRows(300)
        .filter((i) => i % 3 === 0)
        .map((i) => 801 + i),
    );
    expect(found[0].rows?.filter((row) => flipped.has(row)).length).toBeGreaterThan(0.8 * (found[0].rows?.length ?? 1));
  });

  it('finds copies of a row, added', () => {
    const [copy] = cloud(1, 6);
    const found = screen([...earlier, ...cloud(100, 7), ...Array<Row>(30).fill(copy)]);
    expect(found).toMatchObject([{ code: 'INJECTED_DUPLICATES', count: 29, rows: [901] }]);
  });

  it('finds rows far away from all others, and single values out of all range', () => {
    const random = derive(8, 'outliers');
    const far = Array.from(
      { length: 20 },
      (): Row => ({ a: random.normal(9), b: random.normal(9), c: 'left', y: 'yes' }),
    );
    const found = screen([...earlier, ...cloud(100, 9), ...far]);
    expect(found.map(({ code }) => code)).toContain('OUTLYING_ROWS');
    const outlying = found.find(({ code }) => code === 'OUTLYING_ROWS');
    expect(outlying?.rows?.every((row) => row > 900)).toBe(true);
    const [single] = screen([...earlier, { a: 1e6, b: 0, c: 'left', y: 'no' }]);
    expect(single).toMatchObject({ code: 'OUTLYING_ROWS', rows: [801], count: 1 });
  });
});

import { describe, expect, it } from 'vitest';
import { allRows, categories, hashes, numbers, table, texts } from '../../../test/support/tables.js';
import { derive } from '../../numeric/random.js';
import { dataOptionsSchema } from '../options.js';
import { resolveRoles } from '../roles.js';
import type { Split } from '../split.js';
import type { Table } from '../table.js';
import { checkColumns } from './columns.js';
import { checkEqualRows } from './equal-rows.js';
import type { Finding } from './finding.js';
import { checkLeakage } from './leakage.js';
import { checkTarget } from './target.js';

const rolesOf = (data: Table) => resolveRoles(data, dataOptionsSchema.parse({ source: 'x', target: 'y' }));
const codes = (findings: readonly Finding[]): string[] =>
  findings.map(({ code, columns = [] }) => [code, ...columns].join(' '));

const N = 400;
const random = derive(11, 'check');
const draws = (draw: (i: number) => number): number[] => Array.from({ length: N }, (_, i) => draw(i));

describe('checkEqualRows', () => {
  const split: Split = { train: allRows(6), validation: Uint32Array.of(6, 7, 8), holdout: Uint32Array.of(9, 10) };

  it('counts rows of one part that are in another', () => {
    const features = hashes([0, 1, 2, 3, 4, 5, 0, 0, 8, 3, 8]);
    const whole = hashes([0, 1, 2, 3, 4, 5, 0, 99, 8, 98, 8]);
    const across = checkEqualRows(features, whole, split).filter(({ code }) => code === 'EQUAL_ROWS_ACROSS_PARTS');
    expect(across).toMatchObject([
      { severity: 'error', count: 2, rows: [7, 8], figures: { share: 1 / 3, agreeing: 1 } },
      { severity: 'warning', message: expect.stringContaining('of holdout (50 %) equals a row of train'), rows: [10] },
      {
        severity: 'error',
        message: expect.stringContaining('of holdout (50 %) equals a row of validation'),
        rows: [11],
      },
    ]);
  });

  it('finds rows that contradict others, not looking at targets held out', () => {
    const features = hashes([0, 1, 1, 1, 4, 5, 6, 7, 8, 5, 5]);
    const whole = hashes([0, 10, 11, 10, 4, 5, 6, 7, 8, 90, 91]);
    const found = checkEqualRows(features, whole, split).filter(({ code }) => code === 'CONTRADICTING_ROWS');
    expect(found).toMatchObject([{ severity: 'warning', count: 1, rows: [3] }]);
  });

  it('tells of many repeated training rows, and is silent on distinct ones', () => {
    const repeated = hashes([0, 0, 0, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(codes(checkEqualRows(repeated, repeated, split))).toEqual(['DUPLICATE_ROWS']);
    expect(checkEqualRows(hashes(allRows(11)), hashes(allRows(11)), split)).toEqual([]);
  });
});

describe('checkColumns', () => {
  it('finds empty, constant, id-like, mostly missing and imprecise columns', () => {
    const data = table(
      numbers(
        'measured',
        draws(() => random.normal()),
      ),
      numbers(
        'rowNumber',
        draws((i) => 1000 + i),
        'integer',
      ),
      numbers(
        'count',
        draws(() => random.integer(1000)),
        'integer',
      ),
      categories(
        'uuid',
        draws((i) => i).map((i) => `u-${i * 7919}`),
      ),
      texts(
        'prose',
        draws((i) => i).map((i) => `every row says something else, ${i}`),
      ),
      numbers(
        'constant',
        draws(() => 3),
      ),
      categories('empty', Array(N).fill('')),
      numbers(
        'sparse',
        draws((i) => (i % 4 === 0 ? random.normal() : Number.NaN)),
      ),
      numbers(
        'offset',
        draws(() => 1e8 + random.normal()),
      ),
      numbers(
        'y',
        draws((i) => i % 2),
      ),
    );
    expect(codes(checkColumns(data, rolesOf(data), allRows(N)))).toEqual([
      'ID_LIKE_FEATURE rowNumber',
      'ID_LIKE_FEATURE uuid',
      'CONSTANT_FEATURE constant',
      'EMPTY_FEATURE empty',
      'MOSTLY_MISSING_FEATURE sparse',
      'IMPRECISE_FEATURE offset',
    ]);
  });
});

describe('checkTarget', () => {
  const split: Split = {
    train: allRows(60),
    validation: Uint32Array.from({ length: 20 }, (_, i) => 60 + i),
    holdout: new Uint32Array(),
  };
  const labels = (special: Record<number, string>): string[] =>
    Array.from({ length: 80 }, (_, i) => special[i] ?? (i % 2 === 0 ? 'a' : 'b'));
  const check = (values: string[]): string[] =>
    codes(checkTarget(table(categories('y', values)), 'y', split, 'classification'));

  it('finds missing targets, tiny classes and classes that a part lacks', () => {
    expect(check(labels({}))).toEqual([]);
    expect(check(labels({ 3: '' }))).toEqual(['TARGET_MISSING y']);
    expect(check(labels({ 3: 'rare', 70: 'rare' }))).toEqual(['TINY_CLASS y']);
    expect(check(labels({ 3: 'rare' }))).toEqual(['TINY_CLASS y', 'CLASS_ABSENT y']);
    expect(check(labels({ 70: 'late' }))).toEqual(['CLASS_ABSENT y']);
    expect(check(Array(80).fill('a'))).toEqual(['CONSTANT_TARGET y']);
  });
});

describe('checkLeakage', () => {
  const y = draws((i) => ((i * 7) % 3 === 0 ? 1 : 0));
  const noise = draws(() => random.normal());

  it('finds features that are the target in disguise, and no others', () => {
    const data = table(
      numbers('noise', noise),
      numbers(
        'good',
        y.map((value, i) => value + noise[i]),
      ),
      numbers(
        'scaled',
        y.map((value) => 5 - 2 * value),
      ),
      numbers(
        'ranked',
        y.map((value, i) => value * 100 + noise[i]),
      ),
      categories(
        'renamed',
        y.map((value, i) => (value === 1 ? ['p', 'q'][i % 2] : 'r')),
      ),
      numbers(
        'nearly',
        y.map((value, i) => (i === 8 || i === 13 ? 1 - value : value)),
      ),
      numbers(
        'whenMissing',
        y.map((value, i) => (value === 1 ? Number.NaN : noise[i])),
      ),
      categories(
        'id',
        y.map((_, i) => `row ${i}`),
      ),
      numbers('y', y),
    );
    expect(codes(checkLeakage(data, rolesOf(data), 'y', allRows(N), 'classification'))).toEqual([
      'TARGET_LEAK scaled',
      'TARGET_LEAK ranked',
      'TARGET_LEAK renamed',
      'SUSPICIOUS_FEATURE nearly',
      'TARGET_LEAK whenMissing',
    ]);
  });

  it('finds them where the target is a number', () => {
    const z = draws(() => random.uniform(0, 30));
    const data = table(
      numbers(
        'linear',
        z.map((value) => -2 * value + 1),
      ),
      numbers(
        'monotone',
        z.map((value) => Math.exp(value / 5)),
      ),
      numbers(
        'folded',
        z.map((value) => Math.abs(value - 15)),
      ),
      numbers(
        'noisy',
        z.map((value, i) => value + 3 * noise[(i * 31) % N]),
      ),
      categories(
        'binned',
        z.map((value) => String(Math.round(value / 2))),
      ),
      numbers('y', z),
    );
    expect(codes(checkLeakage(data, rolesOf(data), 'y', allRows(N), 'regression'))).toEqual([
      'TARGET_LEAK linear',
      'TARGET_LEAK monotone',
      'SUSPICIOUS_FEATURE binned',
    ]);
  });

  it('says nothing of a handful of rows', () => {
    const data = table(numbers('a', [0, 0, 1, 1]), numbers('y', [0, 0, 1, 1]));
    expect(checkLeakage(data, rolesOf(data), 'y', allRows(4), 'classification')).toEqual([]);
  });
});

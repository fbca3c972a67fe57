import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Column, Table } from '../../data/table.js';
import { binomialSf, derive, QuantileSketch, type Random } from '../../numeric/index.js';
import { jensenShannon, ksDistance, totalVariation, wasserstein } from './distances.js';
import { exactNumbers } from './distribution.js';
import { type DriftOptions, measureDrift as measure } from './drift.js';
import { testFeature } from './feature.js';
import { summaryOfTable } from './source-summary.js';

interface Golden {
  numbers: { reference: number[]; current: number[]; ks: number; pValue: number | null; wasserstein: number }[];
  categories: {
    reference: number[];
    current: number[];
    chiSquare: number;
    pValue: number;
    jensenShannon: number;
    totalVariation: number;
  }[];
}
const golden = JSON.parse(readFileSync(new URL('./goldens/drift.json', import.meta.url), 'utf8')) as Golden;

const tableOf = (columns: readonly Column[], rows: number): Table => ({ rows, columns });
const measureDrift = (reference: Table, current: Table, options?: DriftOptions) =>
  measure(summaryOfTable(reference), summaryOfTable(current), options);
const number = (name: string, values: Float64Array): Column => ({ kind: 'number', name, type: 'float', values });

function normalTable(
  random: Random,
  rows: number,
  columns: number,
  shift: (column: number) => number = () => 0,
): Table {
  return tableOf(
    Array.from({ length: columns }, (_, j) =>
      number(
        `x${j}`,
        Float64Array.from({ length: rows }, () => random.normal(shift(j), 1)),
      ),
    ),
    rows,
  );
}

describe('distances', () => {
  it.each(golden.numbers)('of numbers are those of scipy', ({ reference, current, ks, pValue, wasserstein: w }) => {
    const [a, b] = [exactNumbers(reference), exactNumbers(current)];
    expect(ksDistance(a, b)).toBeCloseTo(ks, 12);
    expect(wasserstein(a, b)).toBeCloseTo(w, 10);
    const test = testFeature('x', a, b);
    expect(test.statistic).toBeCloseTo(ks, 12);
    // Beyond a million pairs ours is the limit, scipy's the one-sample distribution of as many effective rows.
    const tolerance = reference.length * current.length > 1_000_000 ? 1e-4 : 1e-9;
    if (pValue !== null) expect(Math.abs(test.pValue - pValue)).toBeLessThan(tolerance);
  });

  it.each(golden.categories)('of categories are those of scipy', (each) => {
    const { reference, current, chiSquare, pValue } = each;
    expect(jensenShannon(reference, current)).toBeCloseTo(each.jensenShannon, 10);
    expect(totalVariation(reference, current)).toBeCloseTo(each.totalVariation, 12);
    const of = (counts: number[]) => ({
      kind: 'category' as const,
      count: counts.reduce((a, b) => a + b, 0),
      missing: 0,
      counts: new Map(counts.map((count, i) => [`c${i}`, count])),
    });
    const test = testFeature('c', of(reference), of(current));
    expect(test.statistic).toBeCloseTo(chiSquare, 9);
    expect(Math.abs(test.pValue - pValue)).toBeLessThan(1e-9);
  });

  it('of sketches are those of all values within the stated error, merged ones too', () => {
    const random = derive(3, 'sketch');
    const rows = 60_000;
    const [a, b] = [0, 0.3].map((shift) => Float64Array.from({ length: rows }, () => random.normal(shift, 1)));
    const sketchOf = (values: Float64Array) => {
      const parts = [0, 1, 2].map((part) => {
        const sketch = new QuantileSketch(derive(part, 'sketch part'), 1024);
        sketch.add(values.subarray((part * rows) / 3, ((part + 1) * rows) / 3));
        return sketch;
      });
      parts[0].merge(parts[1]);
      parts[0].merge(parts[2]);
      return parts[0];
    };
    const [first, second] = [sketchOf(a), sketchOf(b)];
    expect(first.count).toBe(rows);
    expect(first.weighted().weights.reduce((sum, weight) => sum + weight, 0)).toBe(rows);
    const exact = ksDistance(exactNumbers(a), exactNumbers(b));
    const error = first.rankError + second.rankError;
    expect(error).toBeLessThan(0.006);
    expect(Math.abs(ksDistance(first.weighted(), second.weighted()) - exact)).toBeLessThan(error);
    // Itself against its own sketch: the error of a rank.
    expect(ksDistance(first.weighted(), exactNumbers(a))).toBeLessThan(first.rankError);
  });
});

describe('measureDrift', () => {
  it('alarms on no more than 5 % of windows where nothing changed', () => {
    const random = derive(1, 'null windows');
    const windows = 60;
    let alarms = 0;
    for (let window = 0; window < windows; window++) {
      if (
        measureDrift(normalTable(random, 200, 30), normalTable(random, 200, 30), { leastEffect: 0, seed: window })
          .drifted
      )
        alarms++;
    }
    // One-sided binomial test at 1 %.
    expect(binomialSf(alarms - 1, windows, 0.05)).toBeGreaterThan(0.01);
  });

  it('finds one column of thirty that moved by half a deviation', () => {
    const random = derive(2, 'one of thirty');
    const windows = 20;
    let found = 0;
    for (let window = 0; window < windows; window++) {
      const current = normalTable(random, 500, 30, (column) => (column === 7 ? 0.5 : 0));
      const { features } = measureDrift(normalTable(random, 500, 30), current, { multivariate: 'none' });
      if (features[0].name === 'x7' && features[0].drifted) found++;
    }
    expect(found).toBeGreaterThanOrEqual(19);
  });

  it('sees by the kernel what no column shows alone, and a linear classifier does not see', () => {
    const random = derive(4, 'joint');
    const rows = 600;
    const normal = () => Float64Array.from({ length: rows }, () => random.normal(0, 1));
    const [u, v] = [normal(), normal()];
    const reference = tableOf(
      [
        number('a', u),
        number('b', v),
        number(
          'c',
          u.map((x, i) => x * v[i]),
        ),
      ],
      rows,
    );
    const [s, t] = [normal(), normal()];
    // The same margins, but c is no product any more.
    const product = derive(5, 'joint').shuffle(s.map((x, i) => x * t[i]));
    const apart = tableOf([number('a', s), number('b', t), number('c', product)], rows);
    expect(measureDrift(reference, apart, { multivariate: 'none' }).drifted).toBe(false);
    expect(measureDrift(reference, apart, { multivariate: 'mmd', leastEffect: 0 }).multivariate?.pValue).toBeLessThan(
      0.05,
    );
    expect(measureDrift(reference, apart, { leastEffect: 0 }).multivariate?.pValue).toBeGreaterThan(0.05);
  });

  it('sees by the classifier a shift that is too small in each of many columns', () => {
    const random = derive(8, 'many small');
    const current = normalTable(random, 1000, 40, () => 0.08);
    const { features, multivariate } = measureDrift(normalTable(random, 1000, 40), current);
    // More evidence than any column has by itself.
    expect(multivariate?.pValue).toBeLessThan(Math.min(...features.map(({ pValue }) => pValue)) / 100);
    expect(multivariate).toMatchObject({ test: 'classifier', drifted: true });
    expect(multivariate?.pValue).toBeLessThan(1e-4);
  });

  it('tells of missing values, categories, kinds that differ, columns that came and went', () => {
    const random = derive(6, 'kinds');
    const rows = 400;
    const values = () => Float64Array.from({ length: rows }, () => random.normal(0, 1));
    const codes = (share: number) => Int32Array.from({ length: rows }, () => (random.uniform() < share ? 0 : 1));
    const city = (share: number): Column => ({
      kind: 'category',
      name: 'city',
      codes: codes(share),
      dictionary: ['rome', 'oslo'],
    });
    const holes = values().map((value, i) => (i % 4 === 0 ? Number.NaN : value));
    const times: Column = { kind: 'time', name: 'at', values: values() };
    const reference = tableOf([number('a', values()), city(0.5), times, number('gone', values())], rows);
    const current = tableOf([number('a', holes), city(0.8), times, number('new', values())], rows);
    const { features, columns, drifted } = measureDrift(reference, current, { multivariate: 'none' });
    expect(drifted).toBe(true);
    expect(features.map(({ name, drifted: moved }) => [name, moved])).toEqual([
      ['city', true],
      ['a', true],
    ]);
    expect(features[1].missing).toEqual({ reference: 0, current: 0.25 });
    expect(columns).toEqual({ onlyReference: ['gone'], onlyCurrent: ['new'], skipped: { at: 'time is not compared' } });
    expect(() => measureDrift(reference, current, { columns: ['height'] })).toThrow(
      expect.objectContaining({ code: 'DRIFT_COLUMN' }),
    );
    expect(() => measureDrift(tableOf([], 0), current)).toThrow(expect.objectContaining({ code: 'DRIFT_EMPTY' }));
  });
});

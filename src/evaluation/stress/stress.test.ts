import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ArrayColumn, CategoryColumn, Column, NumberColumn, Table, TextColumn } from '../../data/table.js';
import { takeRows } from '../../data/take-rows.js';
import { derive } from '../../numeric/random.js';
import { evaluate } from '../evaluate.js';
import type { PredictionInput } from '../input.js';
import { blur, contrast, signalNoise } from './arrays.js';
import { clipping, missingNumbers, noise, swappedCategories, typos, unit } from './columns.js';
import { CORRUPTIONS, stressTest } from './stress.js';

const ROWS = 4000;
const random = derive(7, 'stress test');
const number: NumberColumn = {
  kind: 'number',
  name: 'x',
  type: 'float',
  values: Float64Array.from({ length: ROWS }, (_, i) => (i % 10 === 0 ? Number.NaN : random.normal(5, 2))),
};
const category: CategoryColumn = {
  kind: 'category',
  name: 'c',
  codes: Int32Array.from({ length: ROWS }, (_, i) => (i % 10 === 0 ? -1 : i % 3)),
  dictionary: ['a', 'b', 'c'],
};
const text: TextColumn = { kind: 'text', name: 't', values: Array.from({ length: ROWS }, () => 'the quick brown fox') };
const image: ArrayColumn = {
  kind: 'array',
  name: 'picture',
  content: 'image',
  shape: [1, 4, 4],
  data: Uint8Array.from({ length: 16 * ROWS }, () => 100 + Math.floor(50 * random.uniform())),
};
const series: ArrayColumn = {
  ...image,
  name: 'wave',
  content: 'series',
  shape: [16],
  data: Float32Array.from({ length: 16 * ROWS }, () => random.normal()),
};
const columns: readonly Column[] = [number, category, text, image, series];
const stream = () => derive(1, 'corruption');

/** Everything that a column holds, byte by byte. */
function contentOf(column: Column): Buffer {
  if (column.kind === 'text') return Buffer.from(JSON.stringify(column.values));
  const { buffer, byteOffset, byteLength } =
    column.kind === 'array' ? column.data : column.kind === 'category' ? column.codes : column.values;
  return Buffer.from(buffer, byteOffset, byteLength);
}

describe('corruptions', () => {
  test.each(CORRUPTIONS.map((corruption) => [corruption.name, corruption] as const))(
    '%s keeps kind, rows, shape and what is missing, and is the same for the same seed',
    (_name, corruption) => {
      const own = columns.filter((column) => corruption.appliesTo(column));
      expect(own.length).toBeGreaterThan(0);
      for (const column of own) {
        for (const amount of corruption.amounts) {
          const wrong = corruption.corrupt(column, amount, stream());
          expect({ kind: wrong.kind, name: wrong.name }).toEqual({ kind: column.kind, name: column.name });
          expect(contentOf(corruption.corrupt(column, amount, stream())).equals(contentOf(wrong))).toBe(true);
          if (wrong.kind === 'number') {
            expect(wrong.values).toHaveLength(ROWS);
            for (let row = 0; row < ROWS; row += 10) expect(wrong.values[row]).toBeNaN();
          }
          if (wrong.kind === 'category') for (let row = 0; row < ROWS; row += 10) expect(wrong.codes[row]).toBe(-1);
          if (wrong.kind === 'array') {
            expect(wrong.shape).toEqual((column as ArrayColumn).shape);
            expect(wrong.data.constructor).toBe((column as ArrayColumn).data.constructor);
          }
        }
      }
    },
  );

  const known = (column: Column): number[] =>
    Array.from((column as NumberColumn).values).filter((value) => !Number.isNaN(value));
  const sd = (values: readonly number[]): number => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  };

  test('noise has the deviation that it says', () => {
    const wrong = known(noise.corrupt(number, 0.5, stream()));
    const added = known(number).map((value, i) => wrong[i] - value);
    expect(sd(added)).toBeCloseTo(0.5 * sd(known(number)), 1);
  });

  test('shares are what they say: a tenth in another unit, missing numbers, swapped categories', () => {
    const before = known(number);
    const inOther = known(unit.corrupt(number, 10, stream())).filter((value, i) => value === 10 * before[i]);
    expect(inOther.length / before.length).toBeCloseTo(0.1, 1);
    expect(known(missingNumbers.corrupt(number, 0.4, stream())).length / before.length).toBeCloseTo(0.6, 1);
    const swapped = swappedCategories.corrupt(category, 0.2, stream()) as CategoryColumn;
    const changed = swapped.codes.filter((code, row) => code !== category.codes[row]);
    expect(changed.length / (0.9 * ROWS)).toBeCloseTo(0.2, 1);
    // Each other category is as likely.
    expect(new Set(changed)).toEqual(new Set([0, 1, 2]));
  });

  test('clipped numbers lie between the quantiles', () => {
    const before = known(number).sort((a, b) => a - b);
    const after = known(clipping.corrupt(number, 0.1, stream()));
    expect(Math.min(...after)).toBeCloseTo(before[Math.floor(0.1 * before.length)], 1);
    expect(Math.max(...after)).toBeCloseTo(before[Math.floor(0.9 * before.length)], 1);
  });

  test('typos change so many letters, and none at 0', () => {
    const wrong = typos.corrupt(text, 0.1, stream()) as TextColumn;
    const shorter = wrong.values.reduce((sum, value) => sum + (text.values[0].length - value.length), 0);
    // Half of the typos leave a letter out.
    expect(shorter / (ROWS * text.values[0].length)).toBeCloseTo(0.05, 1);
    expect((typos.corrupt(text, 0, stream()) as TextColumn).values).toEqual(text.values);
  });

  test('contrast keeps the mean of each image and shrinks what differs from it', () => {
    const wrong = contrast.corrupt({ ...image, data: Float32Array.from(image.data) }, 0.5, stream()) as ArrayColumn;
    for (let row = 0; row < 20; row++) {
      const [a, b] = [image, wrong].map(({ data }) => Array.from(data.subarray(16 * row, 16 * (row + 1)), Number));
      expect(b.reduce((x, y) => x + y)).toBeCloseTo(
        a.reduce((x, y) => x + y),
        2,
      );
      expect(sd(b)).toBeCloseTo(0.5 * sd(a), 3);
    }
  });

  test('noise on a signal has the ratio that it says', () => {
    const wrong = signalNoise.corrupt(series, 10, stream()) as ArrayColumn;
    const power = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value ** 2, 0);
    const added = Array.from(wrong.data, (value, i) => value - series.data[i]);
    expect(10 * Math.log10(power(series.data) / power(added))).toBeCloseTo(10, 0);
  });

  test('blur is that of scipy', () => {
    const golden = JSON.parse(readFileSync(new URL('./goldens/stress.json', import.meta.url), 'utf8')) as {
      image: number[][][];
      cases: { sigma: number; blurred: number[][][] }[];
    };
    const column: ArrayColumn = {
      ...image,
      shape: [2, 7, 9],
      data: Float32Array.from(golden.image.flat(2)),
    };
    for (const { sigma, blurred } of golden.cases) {
      const wrong = blur.corrupt(column, sigma, stream()) as ArrayColumn;
      blurred.flat(2).forEach((value, i) => {
        expect(wrong.data[i]).toBeCloseTo(value, 3);
      });
    }
  });
});

describe('stressTest', () => {
  const target = Int32Array.from(number.values, (value) => (value > 5 ? 1 : 0));
  const table: Table = { rows: ROWS, columns };
  /** A model of the number alone; a missing one counts as low. */
  const score = (stressed: Table): Promise<PredictionInput> => {
    const { values } = stressed.columns[0] as NumberColumn;
    const logits = Float64Array.from({ length: 2 * ROWS }, (_, i) =>
      i % 2 === 0 || Number.isNaN(values[i >> 1]) ? 0 : values[i >> 1] - 5,
    );
    return Promise.resolve({ task: 'classification', target, logits });
  };

  test('finds what a model depends on, more of it at higher severity, and nothing where it does not look', async () => {
    const { report, clean, mixed } = await stressTest(table, score, {
      metric: 'accuracy',
      features: ['x', 'c', 'picture'],
      seed: 1,
    });
    expect(report.clean).toBe(1);
    expect(clean.target).toBe(target);
    // Every row goes wrong in one way of several, and some of them do not matter to this model.
    const ofMixed = evaluate({ ...mixed }).metrics.accuracy.value;
    expect(ofMixed).toBeLessThan(1);
    expect(ofMixed).toBeGreaterThan(1 - Math.max(...report.results.map(({ lost }) => lost.value)));
    const lost = (name: string) =>
      report.results.filter(({ corruption }) => corruption === name).map((each) => each.lost.value);
    const byNoise = lost('noise');
    expect(byNoise).toEqual([...byNoise].sort((a, b) => a - b));
    // A sign is wrong with probability arctan(amount) / pi.
    byNoise.forEach((value, i) => {
      expect(value).toBeCloseTo((0.9 * Math.atan([0.1, 0.25, 0.5, 1, 2][i])) / Math.PI, 1);
    });
    expect(lost('swapped categories')).toEqual([0, 0, 0, 0, 0]);
    expect(lost('contrast')).toEqual([0, 0, 0, 0, 0]);
    expect(lost('typos')).toEqual([]);
    expect(report.worst[0]).toEqual({ corruption: 'noise', lost: byNoise.reduce((a, b) => a + b, 0) / 5 });
  });

  test('loss is loss for errors too', async () => {
    const regress = (stressed: Table): Promise<PredictionInput> => {
      const { values } = stressed.columns[0] as NumberColumn;
      const known = (value: number): number => (Number.isNaN(value) ? 5 : value);
      return Promise.resolve({
        task: 'regression',
        target: Float64Array.from(number.values, known),
        predictions: Float64Array.from(values, known),
      });
    };
    const {
      report: { results },
      mixed,
    } = await stressTest(table, regress, { metric: 'rmse', features: ['x'], seed: 1 });
    expect(evaluate({ ...mixed }).metrics.rmse.value).toBeGreaterThan(0);
    for (const { lost } of results) expect(lost.value).toBeGreaterThan(0);
  });

  test('refuses data that cannot go wrong in a known way', async () => {
    await expect(stressTest(table, score, { metric: 'accuracy', features: [], seed: 1 })).rejects.toMatchObject({
      code: 'STRESS_NOTHING',
    });
  });
});

describe('takeRows', () => {
  test('copies rows in their order, of every kind of column', () => {
    const rows = Uint32Array.of(7, 2, 7);
    const taken = takeRows({ rows: ROWS, columns }, rows);
    expect(taken.rows).toBe(3);
    expect((taken.columns[0] as NumberColumn).values).toEqual(Float64Array.from(rows, (row) => number.values[row]));
    expect((taken.columns[1] as CategoryColumn).codes).toEqual(Int32Array.of(1, 2, 1));
    expect((taken.columns[2] as TextColumn).values).toHaveLength(3);
    expect((taken.columns[3] as ArrayColumn).data.subarray(16, 32)).toEqual(image.data.subarray(32, 48));
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allRows, categories, images, numbers, table, texts, times } from '../../../test/support/tables.js';
import { dataOptionsSchema } from '../options.js';
import { resolveRoles } from '../roles.js';
import type { Table } from '../table.js';
import { fitPreprocessor } from './fit.js';
import type { Preprocessor } from './preprocessor.js';

interface Goldens {
  numbers: {
    values: [number | null, number | null][];
    train: number;
    standard: number[][];
    robust: number[][];
    missing: number[];
  };
  categories: { values: string[]; train: number; names: string[]; encoded: number[][] };
  texts: {
    values: string[];
    train: number;
    cases: { ngrams: number; terms: string[]; tfidf: number[][]; count: number[][]; presence: number[][] }[];
  };
}
const goldens = JSON.parse(readFileSync(new URL('goldens/encodings.json', import.meta.url), 'utf8')) as Goldens;

function fitted(data: Table, train: number, features: object = {}): Preprocessor {
  const options = dataOptionsSchema.parse({ source: 'x', features });
  return fitPreprocessor(data, resolveRoles(data, options), allRows(train), {
    task: 'none',
    features: options.features,
  });
}

/** The columns of the features tensor by name. */
function encoded(preprocessor: Preprocessor, data: Table): Map<string, number[]> {
  const { features } = preprocessor.transform(data, allRows(data.rows)).inputs;
  const width = preprocessor.features.length;
  const all = Array.from(features.data as Float32Array);
  return new Map(preprocessor.featureNames.map((name, j) => [name, all.filter((_, i) => i % width === j)]));
}

function expectClose(found: readonly number[] | undefined, expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(found?.[i]).toBeCloseTo(value, 5);
  });
}

describe('numbers', () => {
  const { values, train, standard, robust, missing } = goldens.numbers;
  const data = table(
    numbers(
      'a',
      values.map(([a]) => a ?? Number.NaN),
    ),
    numbers(
      'b',
      values.map(([, b]) => b ?? Number.NaN),
    ),
  );

  it.each([['standard', standard] as const, ['robust', robust] as const])(
    'are imputed and scaled as scikit-learn does it: %s',
    (scaling, expected) => {
      const columns = encoded(fitted(data, train, { scaling }), data);
      expectClose(
        columns.get('a'),
        expected.map(([a]) => a),
      );
      expectClose(
        columns.get('b'),
        expected.map(([, b]) => b),
      );
      expect(columns.get('a is missing')).toEqual(missing);
      // Nothing of b is missing in training: no feature says so.
      expect([...columns.keys()]).toEqual(['a', 'b', 'a is missing']);
    },
  );

  it('keep their differences where float32 could not hold them', () => {
    const big = table(numbers('stamp', [1e15 + 1, 1e15 + 2, 1e15 + 3, Number.NaN], 'integer'));
    const preprocessor = fitted(big, 3);
    expect(preprocessor.inputs).toEqual([{ name: 'stamp', column: 'stamp', type: 'int64', shape: [1] }]);
    expectClose(encoded(preprocessor, big).get('stamp'), [-1.224744871, 0, 1.224744871, 0]);
  });

  it('that are booleans stay 0 and 1, missing as the more frequent', () => {
    const data = table(numbers('flag', [1, 0, 1, Number.NaN], 'boolean'));
    const columns = encoded(fitted(data, 4), data);
    expect(columns.get('flag')).toEqual([1, 0, 1, 1]);
    expect(columns.get('flag is missing')).toEqual([0, 0, 0, 1]);
  });

  it('that are constant are left out and listed', () => {
    const data = table(numbers('a', [1, 2, 3]), numbers('b', [7, 7, 7]), categories('c', ['x', 'x', 'x']));
    const preprocessor = fitted(data, 3);
    expect(preprocessor.featureNames).toEqual(['a']);
    expect(preprocessor.state.dropped.map(({ column }) => column)).toEqual(['b', 'c']);
  });
});

describe('categories', () => {
  it('are one-hot as scikit-learn does it, rare and unseen ones together', () => {
    const { values, train, names, encoded: expected } = goldens.categories;
    const data = table(categories('c', values));
    const columns = encoded(fitted(data, train, { categories: { limit: 4, minimumRows: 2 } }), data);
    const own = (name: string): string =>
      name === '_infrequent_sklearn' ? 'c=(other)' : name === '_' ? 'c=(missing)' : `c=${name.slice(1)}`;
    expect(new Set(columns.keys())).toEqual(new Set(names.map(own)));
    names.forEach((name, j) => {
      expect(columns.get(own(name))).toEqual(expected.map((row) => row[j]));
    });
  });

  it('are the same from a dictionary, from text and from numbers', () => {
    const encoder = fitted(table(categories('c', ['1', '2', '1', '2', '3'])), 5);
    const expected = encoded(encoder, table(categories('c', ['2', '9', ''])));
    expect(encoded(encoder, table(texts('c', ['2', '9', ''])))).toEqual(expected);
    expect(encoded(encoder, table(numbers('c', [2, 9, Number.NaN])))).toEqual(expected);
  });
});

describe('text', () => {
  const { values, train, cases } = goldens.texts;
  const data = table(texts('t', values));

  it.each(
    cases.flatMap((golden) =>
      (['tfidf', 'count', 'presence'] as const).map((weighting) => ({ weighting, ngrams: golden.ngrams, golden })),
    ),
  )('becomes a bag of words as scikit-learn does it: $weighting of $ngrams', ({ weighting, ngrams, golden }) => {
    const columns = encoded(fitted(data, train, { text: { ngrams, weighting } }), data);
    expect([...columns.keys()].sort()).toEqual(golden.terms.map((term) => `t: ${term}`).sort());
    golden.terms.forEach((term, j) => {
      expectClose(
        columns.get(`t: ${term}`),
        golden[weighting].map((row) => row[j]),
      );
    });
  });

  it('folds spellings that training shows, and the plain ones it does not', () => {
    const data = table(texts('t', ['Hello, world', 'hello (world)', 'HELLO', 'world!', 'heLLo', '¡HELLO!']));
    const columns = encoded(fitted(data, 2, { text: { weighting: 'count' } }), data);
    expect([...columns]).toEqual([
      ['t: hello', [1, 1, 1, 0, 0, 0]],
      ['t: world', [1, 1, 0, 0, 0, 0]],
    ]);
  });
});

describe('instants', () => {
  it('become a trend and the calendar features that vary', () => {
    const days = [Date.UTC(2024, 1, 28), Date.UTC(2024, 1, 29), Date.UTC(2024, 2, 1), Date.UTC(1969, 11, 31)];
    const data = table(times('d', days));
    const preprocessor = fitted(data, 4);
    const columns = encoded(preprocessor, data);
    expect(preprocessor.featureNames.filter((name) => name.startsWith('d: hour'))).toEqual([]);
    expect(columns.get('d: weekday Wednesday')).toEqual([1, 0, 0, 1]);
    expect(columns.get('d: weekday Thursday')).toEqual([0, 1, 0, 0]);
    expect(columns.get('d: weekday Friday')).toEqual([0, 0, 1, 0]);
    // The cycle starts on 1 March; the leap day is its last step.
    expectClose(
      columns.get('d: season sin'),
      [364, 365, 0, 305].map((step) => Math.sin((2 * Math.PI * step) / 366)),
    );
    expectClose(
      columns.get('d: season cos 2'),
      [364, 365, 0, 305].map((step) => Math.cos((4 * Math.PI * step) / 366)),
    );
  });

  it('agree with the calendar of the platform, over four centuries', () => {
    const day = 86_400_000;
    const days = Array.from({ length: 4000 }, (_, i) => Date.UTC(1800, 0, 1) + i * 37 * day);
    const data = table(times('d', days));
    const columns = encoded(fitted(data, 4000), data);
    const sinus = columns.get('d: season sin') ?? [];
    days.forEach((instant, i) => {
      const date = new Date(instant);
      const year = date.getUTCMonth() < 2 ? date.getUTCFullYear() - 1 : date.getUTCFullYear();
      const step = (instant - Date.UTC(year, 2, 1)) / day;
      expect(sinus[i]).toBeCloseTo(Math.sin((2 * Math.PI * step) / 366), 5);
    });
  });
});

describe('arrays', () => {
  it('that are images are standardised by channel', () => {
    // Two images of 2 channels, 1 x 2 pixels.
    const data = table(images('image', [2, 1, 2], Uint8Array.of(0, 10, 100, 100, 20, 30, 200, 200)));
    const preprocessor = fitted(data, 2);
    const { data: pixels, shape } = preprocessor.transform(data, allRows(2)).inputs.image;
    expect(shape).toEqual([2, 2, 1, 2]);
    const deviation = Math.sqrt(125);
    expectClose(Array.from(pixels as Float32Array), [
      -15 / deviation,
      -5 / deviation,
      -1,
      -1,
      5 / deviation,
      15 / deviation,
      1,
      1,
    ]);
    const [{ range, ...output }] = preprocessor.outputs;
    expect(output).toEqual({ name: 'image', type: 'float32', shape: [2, 1, 2], content: 'image' });
    // Bytes are 0 to 255: what black and white are encoded as.
    expectClose([...range!.low, ...range!.high], [-15 / deviation, -3, 240 / deviation, 2.1]);
  });

  it('that are series [length, channels] are standardised by channel, missing elements as the mean', () => {
    const values = Float32Array.of(1, 10, 3, Number.NaN, 5, 30, 7, 20);
    const data = table({ kind: 'array', name: 's', content: 'series', shape: [2, 2], data: values });
    const { series } = fitted(data, 2).transform(data, allRows(2)).inputs;
    const [a, b] = [Math.sqrt(5), Math.sqrt(200 / 3)];
    expectClose(Array.from(series.data as Float32Array), [-3 / a, -10 / b, -1 / a, 0, 1 / a, 10 / b, 3 / a, 0]);
  });

  it('of another shape than those fitted on are refused', () => {
    const encoder = fitted(table(images('image', [1, 1, 2], Uint8Array.of(0, 1, 2, 3))), 2);
    expect(() => encoder.transform(table(images('image', [1, 2, 1], Uint8Array.of(0, 1))), allRows(1))).toThrow(
      /fitted on image of \[1,1,2\]/,
    );
  });

  it('of features join the scalar columns', () => {
    const data = table(numbers('a', [1, 3]), {
      kind: 'array',
      name: 'v',
      content: 'features',
      shape: [2],
      data: Float32Array.of(1, 5, 3, Number.NaN),
    });
    expect([...encoded(fitted(data, 2), data)]).toEqual([
      ['a', [-1, 1]],
      ['v[0]', [-1, 1]],
      ['v[1]', [0, 0]],
    ]);
  });
});

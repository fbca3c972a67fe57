import { describe, expect, it } from 'vitest';
import { allRows, categories, images, numbers, table, texts, times } from '../../../test/support/tables.js';
import { BallastError } from '../../errors.js';
import { type DataInput, dataOptionsSchema } from '../options.js';
import { resolveRoles } from '../roles.js';
import type { Table } from '../table.js';
import { type FitOptions, fitPreprocessor } from './fit.js';
import { Preprocessor } from './preprocessor.js';

function fitted(
  data: Table,
  task: FitOptions['task'],
  over: Partial<DataInput> = {},
  rows = allRows(data.rows),
): Preprocessor {
  const options = dataOptionsSchema.parse({ source: 'x', target: 'y', ...over });
  return fitPreprocessor(data, resolveRoles(data, options), rows, {
    task,
    features: options.features,
    ...(options.classes === undefined ? {} : { classes: options.classes }),
  });
}

const a = numbers('a', [1, 2, 3, 4]);
const NaN4 = [Number.NaN, Number.NaN, Number.NaN, Number.NaN];

/** The error that a call throws: `CODE place: message`. */
function fault(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
    expect(error.exitCode).toBe(2);
    expect(error.remedy ?? error.value).toBeDefined();
    return `${error.code} ${error.place ?? ''}: ${error.message}`;
  }
  return 'nothing thrown';
}

describe('fitPreprocessor', () => {
  it.each<[string, Table, FitOptions['task'], RegExp]>([
    [
      'missing targets',
      table(a, categories('y', ['u', '', 'v', ''])),
      'classification',
      /^DATA_TARGET_MISSING_VALUES row 2: .*in 2 of 4 rows/,
    ],
    [
      'one class',
      table(a, categories('y', ['u', 'u', 'u', 'u'])),
      'classification',
      /^DATA_TARGET_CONSTANT data.target: .*one class, "u", in all 4/,
    ],
    [
      'a constant number',
      table(a, numbers('y', [5, 5, 5, 5])),
      'regression',
      /^DATA_TARGET_CONSTANT data.target: .*is 5 in all 4 training rows/,
    ],
    [
      'classes that are fractions',
      table(a, numbers('y', [0.5, 1, 2, 3])),
      'classification',
      /^DATA_TARGET_CONTINUOUS .*holds 0.5, which is not a whole/,
    ],
    ['text to regress on', table(a, texts('y', ['u', 'v', 'w', 'x'])), 'regression', /^DATA_TARGET_NOT_NUMERIC/],
    [
      'instants as classes',
      table(a, times('y', [1, 2, 3, 4])),
      'classification',
      /^DATA_COLUMN_TYPE data.target: .*holds instants, but classes/,
    ],
    [
      'an infinite target',
      table(a, numbers('y', [1, 2, 3, Number.POSITIVE_INFINITY])),
      'regression',
      /^DATA_INFINITE data.target/,
    ],
    [
      'empty features',
      table(a, numbers('e', NaN4), texts('f', ['', '', '', '']), numbers('y', [1, 2, 3, 4])),
      'regression',
      /^DATA_FEATURE_ALL_MISSING .*columns "e", "f"/,
    ],
    [
      'constant features only',
      table(numbers('c', [1, 1, 1, 1]), numbers('y', [1, 2, 3, 4])),
      'regression',
      /^DATA_NO_FEATURES/,
    ],
    [
      'infinite features',
      table(numbers('i', [1, 2, 1e300, 4]), numbers('y', [1, 2, 3, 4])),
      'regression',
      /^DATA_INFINITE .*"i" holds infinite values, or values beyond/,
    ],
  ])('refuses %s', (_, data, task, message) => {
    expect(fault(() => fitted(data, task))).toMatch(message);
  });

  it('refuses an integer target with nearly as many values as rows as classes', () => {
    const many = table(numbers('a', allRows(200)), numbers('y', allRows(200), 'integer'));
    expect(fault(() => fitted(many, 'classification'))).toMatch(/DATA_TARGET_CONTINUOUS .*200 distinct values in 200/);
  });

  it('looks at training rows only', () => {
    const data = table(
      numbers('a', [1, 3, 1000, 2000]),
      categories('c', ['p', 'q', 'new', 'p']),
      numbers('y', [0, 1, 9, 9]),
    );
    const rows = Uint32Array.of(0, 1);
    const preprocessor = fitted(data, 'classification', { features: { categories: { minimumRows: 1 } } }, rows);
    expect(preprocessor.classes).toEqual([0, 1]);
    expect(preprocessor.state.numbers[0]).toMatchObject({ center: 2, scale: 1, fill: 2 });
    expect(preprocessor.featureNames).toEqual(['a', 'c=p', 'c=q', 'c=(other)']);
    expect(fault(() => preprocessor.transform(data, allRows(4)))).toMatch(
      /^DATA_TARGET_UNKNOWN_CLASS row 3: .*\(known: 0, 1\)/,
    );
    const { features } = preprocessor.transform(data, allRows(4), { target: false }).inputs;
    expect(Array.from(features.data as Float32Array).slice(8, 12)).toEqual([998, 0, 0, 1]);
  });

  it('takes classes as given, for those that training lacks', () => {
    const data = table(a, categories('y', ['u', 'v', 'u', 'w']));
    const preprocessor = fitted(data, 'classification', { classes: ['w', 'v', 'u'] }, Uint32Array.of(0, 1, 2));
    expect(preprocessor.transform(data, allRows(4)).target?.data).toEqual(BigInt64Array.of(2n, 1n, 2n, 0n));
    expect(fault(() => fitted(data, 'classification', { classes: [1, 2] }))).toMatch(
      /^DATA_CLASSES_INVALID data.classes: .*strings/,
    );
  });

  it('calls the classes of booleans false and true, and takes zeros and ones for the same', () => {
    const flags = (type: 'boolean' | 'integer') => table(a, numbers('y', [1, 0, 1, 0], type));
    const indices = BigInt64Array.of(1n, 0n, 1n, 0n);
    for (const [of, other] of [
      ['boolean', 'integer'],
      ['integer', 'boolean'],
    ] as const) {
      const preprocessor = fitted(flags(of), 'classification');
      expect(preprocessor.classes).toEqual(of === 'boolean' ? ['false', 'true'] : [0, 1]);
      for (const type of [of, other])
        expect(preprocessor.transform(flags(type), allRows(4)).target?.data).toEqual(indices);
    }
    const given = fitted(flags('boolean'), 'classification', { classes: ['true', 'false'] });
    expect(given.transform(flags('boolean'), allRows(4)).target?.data).toEqual(BigInt64Array.of(0n, 1n, 0n, 1n));
  });

  it('brings weights, offsets and groups along, and refuses bad ones', () => {
    const data = table(
      a,
      numbers('w', [1, 0, 2, 0.5]),
      numbers('o', [0, 1, 0, -1]),
      categories('g', ['x', 'y', 'x', 'z']),
      numbers('y', [1, 2, 3, 4]),
    );
    const columns = { weight: 'w', offset: 'o', group: 'g' };
    const examples = fitted(data, 'regression', { columns }).transform(data, Uint32Array.of(0, 1, 2, 3));
    expect(examples.weights).toEqual(Float32Array.of(1, 0, 2, 0.5));
    expect(examples.offsets).toEqual(Float32Array.of(0, 1, 0, -1));
    expect(examples.groups).toEqual(Int32Array.of(0, 1, 0, 2));
    const bad = table(...data.columns.filter(({ name }) => name !== 'w'), numbers('w', [1, -1, 2, 1]));
    expect(fault(() => fitted(bad, 'regression', { columns }).transform(bad, allRows(4)))).toMatch(
      /^DATA_WEIGHT_INVALID row 2 of column "w"/,
    );
  });

  it('refuses tables whose columns are gone or of another type', () => {
    const data = table(a, images('p', [1, 1, 1], Uint8Array.of(1, 2, 3, 4)), numbers('y', [1, 2, 3, 4]));
    const preprocessor = fitted(data, 'regression');
    expect(fault(() => preprocessor.transform(table(a), allRows(4)))).toMatch(/^DATA_COLUMN_ABSENT/);
    const asText = table(texts('a', ['1', '2', '3', '4']), ...data.columns.slice(1));
    expect(fault(() => preprocessor.transform(asText, allRows(4)))).toMatch(
      /^DATA_COLUMN_TYPE : column "a" holds text, but numbers/,
    );
  });

  it('restores from JSON, and refuses what is none of its own', () => {
    const data = table(
      a,
      texts('t', ['a b', 'b c', 'c a', 'a']),
      times('d', [1e12, 2e12, 3e12, Number.NaN]),
      numbers('y', [1, 2, 3, 4]),
    );
    const preprocessor = fitted(data, 'regression');
    const restored = Preprocessor.fromJSON(JSON.parse(JSON.stringify(preprocessor)));
    expect(restored.state).toEqual(preprocessor.state);
    expect(restored.inputs).toEqual(preprocessor.inputs);
    expect(fault(() => Preprocessor.fromJSON({ ...preprocessor.state, format: 2 }))).toMatch(
      /^PREPROCESSOR_INVALID format/,
    );
    expect(fault(() => Preprocessor.fromJSON('x'))).toMatch(/^PREPROCESSOR_INVALID/);
  });
});

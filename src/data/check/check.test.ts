import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allRows, categories, numbers, table } from '../../../test/support/tables.js';
import { derive } from '../../numeric/random.js';
import { type DataInput, dataOptionsSchema } from '../options.js';
import { readTable } from '../read/read.js';
import { resolveRoles } from '../roles.js';
import { split } from '../split.js';
import { splitInput } from '../split-input.js';
import { checkData } from './check.js';

function prepared(data: Awaited<ReturnType<typeof readTable>>, over: Partial<DataInput> = {}) {
  const options = dataOptionsSchema.parse({ source: 'x', target: 'y', ...over });
  const roles = resolveRoles(data, options);
  const strategy = 'stratified';
  const settings = { strategy, validation: 0.2, holdout: 0.2, seed: 1 } as const;
  return { roles, split: split(splitInput(data, roles, strategy, 10), settings) };
}

describe('checkData', () => {
  const random = derive(4, 'check data');
  const rows = 300;
  const y = Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? 'yes' : 'no'));
  const clean = table(
    numbers(
      'a',
      y.map((label) => random.normal(label === 'yes' ? 1 : 0)),
    ),
    numbers(
      'b',
      y.map(() => random.normal()),
    ),
    categories('y', y),
  );

  it('is silent on clean data, against itself and against its own kind', () => {
    expect(checkData(clean, { ...prepared(clean), task: 'classification', earlier: clean, production: clean })).toEqual(
      [],
    );
  });

  it('orders what it finds by gravity', () => {
    const spoiled = table(
      ...clean.columns,
      categories(
        'leak',
        y.map((label) => label.toUpperCase()),
      ),
      numbers(
        'constant',
        y.map(() => 1),
      ),
      numbers('row', allRows(rows), 'integer'),
    );
    const found = checkData(spoiled, { ...prepared(spoiled), task: 'classification' });
    expect(found.map(({ code, severity }) => [code, severity])).toEqual([
      ['TARGET_LEAK', 'error'],
      ['ID_LIKE_FEATURE', 'warning'],
      ['CONSTANT_FEATURE', 'info'],
    ]);
  });

  it('finds equal rows that a split by id separates', () => {
    const doubled = table(
      numbers('id', allRows(200), 'integer'),
      numbers(
        'a',
        allRows(200).map((i) => i % 100),
      ),
      categories(
        'y',
        Array.from(allRows(200), (i) => (i % 2 === 0 ? 'u' : 'v')),
      ),
    );
    const found = checkData(doubled, { ...prepared(doubled, { columns: { id: 'id' } }), task: 'classification' });
    expect(found.filter(({ code }) => code === 'EQUAL_ROWS_ACROSS_PARTS')).toHaveLength(3);
  });
});

const datasets = process.env.BALLAST_DATASETS;

describe.skipIf(datasets === undefined)('checkData on real data (BALLAST_DATASETS)', () => {
  const small = join(datasets ?? '', 'small-n-tabular');

  it.each(['wine.csv', 'pima-indians-diabetes.csv', 'ionosphere.csv', 'sonar.csv'])(
    'finds no error in %s',
    async (file) => {
      const data = await readTable(join(small, file), { header: false });
      const columns = data.columns.map((column, i) =>
        i === data.columns.length - 1 ? { ...column, name: 'y' } : column,
      );
      const named = { rows: data.rows, columns };
      const found = checkData(named, { ...prepared(named), task: 'classification' });
      expect(found.filter(({ severity }) => severity === 'error')).toEqual([]);
    },
  );
});

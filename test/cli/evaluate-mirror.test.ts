import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derive } from '../../src/numeric/random.js';
import { ballast } from '../support/command.js';
import { CUSTOMER_COLUMNS, customerRows, writeCsv, writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

interface Evaluated {
  readonly rows: number;
  readonly metrics: Record<string, { value: number; interval: [number, number] }>;
  readonly mirrored?: Evaluated & { readonly mirroredRows: number; readonly effectiveRows: number };
  readonly holdoutReads: number | null;
}

const AGE = CUSTOMER_COLUMNS.indexOf('age');

/** Customers of whom the old are seldom kept, and the young always: the odds fall with age as a logistic classifier finds them. */
function younger(count: number, seed: number): string[][] {
  const random = derive(seed, 'younger');
  return customerRows(count, seed).filter((row) => random.uniform() < Math.exp((20 - Number(row[AGE] || 40)) / 10));
}

describe('evaluate --mirror', () => {
  let folder: string;
  let run: string;
  let baseline: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-mirror-'));
    writeCustomers(folder, {
      training: { epochs: 20, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.01 } },
    });
    writeCsv(join(folder, 'others.csv'), customerRows(2000, 5));
    const production = younger(6000, 6);
    writeCsv(join(folder, 'production.csv'), production);
    const plan = CUSTOMER_COLUMNS.indexOf('plan');
    writeCsv(
      join(folder, 'unlabelled.csv'),
      production.map((row) => row.filter((_, at) => at !== plan)),
      CUSTOMER_COLUMNS.filter((name) => name !== 'plan'),
    );
    const { runs } = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>();
    [baseline, run] = runs.map(({ runId }) => runId);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('says of rows that differ what would be true of unlabelled rows of production', async () => {
    const asked = await ballast(
      folder,
      'evaluate',
      run,
      '--data',
      'others.csv',
      '--mirror',
      'unlabelled.csv',
      '--json',
    );
    expect(asked.code, asked.stderr).toBe(0);
    const { metrics, mirrored, rows } = asked.json<Evaluated>();
    const true_ = (await ballast(folder, 'evaluate', run, '--data', 'production.csv', '--json')).json<Evaluated>();
    expect(mirrored?.mirroredRows).toBe(true_.rows);
    expect(mirrored?.effectiveRows).toBeGreaterThan(100);
    expect(mirrored?.effectiveRows).toBeLessThan(rows / 2);
    // The young seldom have the plan: most of them are easy, so that the plain figures are far off.
    for (const metric of ['accuracy', 'logLoss', 'brier']) {
      const off = (of: Evaluated | undefined): number =>
        Math.abs((of?.metrics[metric].value ?? Number.NaN) - true_.metrics[metric].value);
      expect(off(mirrored), metric).toBeLessThan(off({ metrics } as Evaluated) / 2);
    }
    const { accuracy } = mirrored?.metrics ?? {};
    expect(accuracy.interval[0]).toBeLessThan(true_.metrics.accuracy.value);
    expect(accuracy.interval[1]).toBeGreaterThan(true_.metrics.accuracy.value);
  });

  test('reads the holdout once, and not at all for a source that is not there', async () => {
    const words = ['evaluate', run, '--holdout', '--against', baseline, '--mirror'];
    const page = join(folder, 'page.html');
    const first = await ballast(folder, ...words, 'unlabelled.csv', '--report', 'page.html', '--json');
    expect(first.code, first.stderr).toBe(0);
    const { holdoutReads, mirrored } = first.json<Evaluated>();
    expect(mirrored?.metrics.accuracy.value).toBeGreaterThan(0);
    expect(first.json<{ against: Evaluated }>().against.mirrored?.mirroredRows).toBe(mirrored?.mirroredRows);
    expect(readFileSync(page, 'utf8')).toContain('On rows like those of another source');
    expect((await ballast(folder, ...words, 'nowhere.csv')).code).toBe(2);
    const { stdout } = await ballast(folder, ...words, 'unlabelled.csv');
    expect(stdout).toContain(`Weighted to mirror the ${mirrored?.mirroredRows} rows of unlabelled.csv`);
    expect(stdout).toContain(`The holdout has now been read ${(holdoutReads ?? 0) + 2} times`);
  });

  test('is about runs', async () => {
    const file = await ballast(folder, 'evaluate', 'model.onnx', '--data', 'others.csv', '--mirror', 'unlabelled.csv');
    expect([file.code, file.stderr]).toEqual([2, expect.stringContaining('--mirror')]);
  });
});

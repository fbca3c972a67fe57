import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { CUSTOMER_COLUMNS, customerRows, customerSpec, writeCsv, writeSpec } from '../support/small-data.js';

interface CheckDocument {
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly count?: number }[];
  readonly labels: {
    readonly rows: number;
    readonly share: number;
    readonly noiseRate: number;
    readonly classes: readonly string[];
    readonly suspects: readonly { readonly row: number; readonly given: string; readonly suggested: string }[];
  };
}

/** Rows whose label was changed, from 1. */
const FLIPPED = [31, 62, 93, 124, 155, 186, 217, 248, 279, 310, 341, 372];

describe('data check --labels', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-labels-'));
    const plan = CUSTOMER_COLUMNS.indexOf('plan');
    const [age, income] = [CUSTOMER_COLUMNS.indexOf('age'), CUSTOMER_COLUMNS.indexOf('income')];
    // Without doubt but for what is flipped: the class follows from age and income.
    const rows = customerRows(400).map((row, i) => {
      const gold = (Number(row[age] || 40) - 40) / 12 + Number(row[income]) - 3 > 0;
      return row.with(plan, gold === FLIPPED.includes(i + 1) ? 'basic' : 'gold');
    });
    writeCsv(join(folder, 'customers.csv'), rows);
    writeSpec(
      folder,
      customerSpec({
        data: {
          source: 'customers.csv',
          target: 'plan',
          features: { exclude: ['household', 'day', 'weight', 'city', 'sex', 'spent'] },
        },
        training: { epochs: 30, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.02 } },
        regularizers: [{ type: 'l2', strength: 0.001 }],
      }),
    );
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('lists flipped rows with what they should be; more than accepted is exit 1', async () => {
    const strict = await ballast(
      folder,
      'data',
      'check',
      'spec.yaml',
      '--labels',
      '--folds',
      '3',
      '--most-suspects',
      '0',
      '--json',
    );
    expect(strict.code, strict.stderr).toBe(1);
    expect(strict.stderr).toContain('fold 3 of 3');
    const { labels, findings } = strict.json<CheckDocument>();
    expect(findings.find(({ code }) => code === 'SUSPECT_LABELS')).toMatchObject({
      severity: 'error',
      count: labels.suspects.length,
    });
    const rows = labels.suspects.map(({ row }) => row);
    const hits = rows.filter((row) => FLIPPED.includes(row)).length;
    // The holdout is never looked at, so that some of the flipped rows cannot be found.
    expect(hits).toBeGreaterThanOrEqual(6);
    expect(hits / rows.length).toBeGreaterThan(0.6);
    for (const { given, suggested } of labels.suspects) expect(given).not.toBe(suggested);
    expect(labels.noiseRate).toBeLessThan(0.1);
    const lenient = await ballast(
      folder,
      'data',
      'check',
      'spec.yaml',
      '--labels',
      '--folds',
      '3',
      '--most-suspects',
      '0.2',
    );
    expect(lenient.code, lenient.stderr).toBe(0);
    expect(lenient.stdout).toContain('SUSPECT_LABELS');
    expect(lenient.stdout).toMatch(/row +given .*suggested/);
  });

  test('needs classes, and a share for a limit', async () => {
    writeSpec(
      folder,
      customerSpec({ task: 'regression', data: { source: 'customers.csv', target: 'spent' }, regularizers: [] }),
      'regression.yaml',
    );
    const regression = await ballast(folder, 'data', 'check', 'regression.yaml', '--labels');
    expect([regression.code, regression.stderr]).toEqual([2, expect.stringContaining('labels are of classes')]);
    const share = await ballast(folder, 'data', 'check', 'spec.yaml', '--labels', '--most-suspects', '5');
    expect([share.code, share.stderr]).toEqual([2, expect.stringContaining('share from 0 to 1')]);
  });
});

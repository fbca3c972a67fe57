import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { customerRows, writeCsv, writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';
import { parseWellFormed } from '../well-formed.js';

interface Stressed {
  readonly metrics: Record<string, { value: number }>;
  readonly fairness?: readonly { column: string; groups: readonly { group: string }[] }[];
  readonly weakSlices?: { rows: { search: number; confirm: number }; slices: readonly unknown[] };
  readonly stress?: {
    readonly metric: string;
    readonly clean: number;
    readonly results: readonly { corruption: string; severity: number; lost: { value: number } }[];
  };
}

describe('evaluate, beyond the metrics', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-stress-'));
    writeCustomers(folder, {
      training: { epochs: 20, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.01 } },
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('stresses a run and its exported file alike: raw columns, in front of the preprocessing', async () => {
    const { runs } = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>();
    const ofRun = await ballast(folder, 'evaluate', runs[1].runId, '--data', 'customers.csv', '--stress', '--json');
    expect(ofRun.code, ofRun.stderr).toBe(0);
    const { metrics, stress } = ofRun.json<Stressed>();
    expect(stress?.metric).toBe('accuracy');
    expect(stress?.clean).toBe(metrics.accuracy.value);
    expect(new Set(stress?.results.map(({ corruption }) => corruption))).toEqual(
      new Set(['noise', 'unit', 'clipping', 'missing numbers', 'missing categories', 'swapped categories']),
    );
    const worst = stress?.results.filter(({ corruption, severity }) => corruption === 'noise' && severity === 5) ?? [];
    expect(worst[0].lost.value).toBeGreaterThan(0.1);
    const whole = ['--stress', '--slices', '--uncertainty', '--fairness', 'sex', '--report', 'pages/evaluation.html'];
    const ofFile = await ballast(folder, 'evaluate', runs[1].model, '--data', 'customers.csv', ...whole, '--json');
    const page = parseWellFormed(readFileSync(join(folder, 'pages/evaluation.html'), 'utf8'));
    expect(page.filter(({ name }) => name === 'h2').map(({ text }) => text)).toEqual([
      'Figures',
      'Calibration',
      'Uncertainty',
      'Weak slices',
      'Stress',
      'Fairness',
      'Classes and slices',
      'Errors',
    ]);
    expect((await ballast(folder, 'evaluate', runs[1].runId, '--holdout', '--report', 'page.txt', '--json')).code).toBe(
      2,
    );
    expect(ofFile.json<Stressed>().stress?.results.length).toBe(stress?.results.length);
    const plain = await ballast(folder, 'evaluate', runs[1].runId, '--data', 'customers.csv', '--json');
    expect(plain.json<Stressed>().stress).toBeUndefined();
  });

  test('works out formulas of each row, on runs and files alike, and paired against another run', async () => {
    const { runs } = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>();
    const wrong = ['--formula', 'wrong=predicted != actual', '--formula', 'lost=predicted == actual ? 0 : spent'];
    const words = ['--data', 'customers.csv', ...wrong, '--json'];
    const ofRun = await ballast(folder, 'evaluate', runs[1].runId, ...words, '--against', runs[0].runId);
    expect(ofRun.code, ofRun.stderr).toBe(0);
    interface Document {
      readonly metrics: Record<string, { value: number }>;
      readonly formulas: readonly {
        name: string;
        mean: { value: number };
        total: number;
        perClass: Record<string, { rows: number; total: number; mean: { interval: [number, number] } }>;
        slices: readonly { slice: string; rows: number }[];
      }[];
      readonly against: Document;
      readonly formulaDifferences: readonly { name: string; mean: { value: number } }[];
    }
    const { metrics, formulas, against, formulaDifferences } = ofRun.json<Document>();
    expect(formulas.map(({ name }) => name)).toEqual(['wrong', 'lost']);
    const classes = Object.values(formulas[1].perClass);
    expect(classes.reduce((sum, { total }) => sum + total, 0)).toBeCloseTo(formulas[1].total, 6);
    expect(classes.every(({ mean }) => mean.interval[0] < mean.interval[1])).toBe(true);
    expect(formulas[1].slices.map(({ slice }) => slice)).toContain('city');
    expect(formulas[0].mean.value).toBeCloseTo(1 - metrics.accuracy.value, 12);
    const difference = formulas[1].mean.value - against.formulas[1].mean.value;
    expect(formulaDifferences[1].mean.value).toBeCloseTo(difference, 9);
    const ofFile = await ballast(folder, 'evaluate', runs[1].model, ...words, '--spec', 'spec.yaml');
    expect(ofFile.json<Document>().formulas[1].total).toBeCloseTo(formulas[1].total, 6);
    const reads = async (): Promise<number> =>
      (await ballast(folder, 'evaluate', runs[1].runId, '--holdout', '--json')).json<{ holdoutReads: number }>()
        .holdoutReads;
    const before = await reads();
    const refused = await ballast(folder, 'evaluate', runs[1].runId, '--holdout', '--formula', 'f=agee', '--json');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('names "agee", which is not there')]);
    expect(await reads()).toBe(before + 1);
  });

  test('tells rows from elsewhere by uncertainty, without their targets', async () => {
    const { runs } = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>();
    // Customers of whom everything is at the mean: nothing speaks for either plan.
    const [header] = readFileSync(join(folder, 'customers.csv'), 'utf8').split('\n');
    const plan = header.split(',').indexOf('plan');
    const columns = header.split(',').filter((_, at) => at !== plan);
    const typical = { age: '40', income: '3', city: 'lima', sex: 'f', weight: '1', day: '2024-05-01', spent: '0' };
    const row = columns.map((name) => ({ household: 'h1', ...typical })[name] ?? '');
    writeFileSync(
      join(folder, 'typical.csv'),
      [columns, ...Array(30).fill(row)].map((cells) => cells.join(',')).join('\n'),
    );
    const words = ['evaluate', runs[1].runId, '--data', 'customers.csv', '--outside', 'typical.csv'];
    expect((await ballast(folder, ...words)).code).toBe(2);
    const { code, stderr, json } = await ballast(folder, ...words, '--uncertainty', '--json');
    expect(code, stderr).toBe(0);
    const { uncertainty } = json<{
      uncertainty: { measure: string; outside: { rows: number; auroc: { value: number } } }[];
    }>();
    const entropy = uncertainty.find(({ measure }) => measure === 'entropy');
    expect(entropy?.outside.rows).toBe(30);
    expect(entropy?.outside.auroc.value).toBeGreaterThan(0.6);
  });

  test('compares groups of columns that are named, seen by the model or not, quantities in fifths', async () => {
    const { runs } = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>();
    const words = ['evaluate', runs[1].runId, '--data', 'customers.csv', '--fairness', 'sex', '--fairness', 'age'];
    const { fairness = [] } = (await ballast(folder, ...words, '--slices', '--json')).json<Stressed>();
    expect(fairness.map(({ column }) => column)).toEqual(['sex', 'age']);
    expect(fairness[0].groups.map(({ group }) => group).sort()).toEqual(['f', 'm']);
    expect(fairness[1].groups.filter(({ group }) => group !== undefined)).toHaveLength(5);
    const { stdout } = await ballast(folder, ...words, '--slices');
    expect(stdout).toContain('ratio of selection rates');
    expect(stdout).toMatch(/slices searched on \d+ rows/);
    // The file holds the locked rows too: that is a read of them, told and counted.
    const same = await ballast(folder, 'evaluate', runs[1].runId, '--data', 'customers.csv', '--json');
    expect(same.stderr).toMatch(/48 of the 240 rows are in the locked holdout/);
    expect(same.json<{ locked: number; holdoutReads: number }>()).toMatchObject({ locked: 48 });
    writeCsv(join(folder, 'others.csv'), customerRows(60, 9));
    const others = await ballast(folder, 'evaluate', runs[1].runId, '--data', 'others.csv', '--json');
    expect(others.json<{ locked: number; holdoutReads: number | null }>()).toMatchObject({
      locked: 0,
      holdoutReads: null,
    });
    // The holdout has 48 rows: too few to search in, which is said before it is read.
    const few = await ballast(folder, 'evaluate', runs[1].runId, '--holdout', '--slices', '--json');
    expect(few.json<{ error: { code: string } }>().error.code).toBe('SLICES_FEW_ROWS');
    const reads = async (...rows: string[]): Promise<number> =>
      (await ballast(folder, 'evaluate', runs[1].runId, ...rows, '--json')).json<{ holdoutReads: number }>()
        .holdoutReads;
    const before = await reads('--holdout');
    expect((await ballast(folder, 'evaluate', runs[1].runId, '--holdout', '--slices', '--json')).code).toBe(2);
    expect(await reads('--holdout')).toBe(before + 1);
    const asked = [...words.slice(0, 4), '--metric', 'precision@10', '--positive', 'basic', '--cost', '[[0,1],[5,0]]'];
    const { metrics } = (await ballast(folder, ...asked, '--json')).json<Stressed>();
    expect(metrics['precision@10'].value).toBeGreaterThan(0.5);
    expect(metrics.costWeighted.value).toBeGreaterThan(0);
    const ofTarget = await ballast(folder, ...words.slice(0, 4), '--fairness', 'plan', '--json');
    expect(ofTarget.json<{ error: { code: string } }>().error.code).toBe('FAIRNESS_COLUMN');
    const unknown = await ballast(folder, ...words.slice(0, 4), '--fairness', 'height', '--json');
    expect(unknown.code).toBe(2);
    expect(unknown.json<{ error: { code: string } }>().error.code).toBe('FAIRNESS_COLUMN');
  });

  test('compares two models on the same rows: runs by their validation rows, files and runs by rows that are given', async () => {
    const { runs } = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>();
    const [baseline, model] = runs;
    interface Compared {
      readonly rows: number;
      readonly metrics: readonly { metric: string; first: number; second: number; difference: { value: number } }[];
    }
    const ofRuns = await ballast(folder, 'compare', model.runId, baseline.runId, '--json');
    expect([0, 1], ofRuns.stderr).toContain(ofRuns.code);
    const { metrics, rows } = ofRuns.json<Compared>();
    expect(rows).toBe(48);
    for (const { first, second, difference } of metrics) expect(difference.value).toBeCloseTo(first - second, 10);
    const mixed = await ballast(
      folder,
      'compare',
      model.model,
      model.runId,
      '--data',
      'customers.csv',
      '--spec',
      'spec.yaml',
      '--json',
    );
    expect(mixed.code, mixed.stderr).toBe(0);
    // A run and the file that it exported are one model.
    for (const { difference } of mixed.json<Compared>().metrics) expect(Math.abs(difference.value)).toBeLessThan(1e-6);
    const several = await ballast(
      folder,
      ...[
        'compare',
        model.runId,
        baseline.runId,
        model.model,
        '--data',
        'customers.csv',
        '--spec',
        'spec.yaml',
        '--json',
      ],
    );
    expect([0, 1], several.stderr).toContain(several.code);
    const { selection, candidates } = several.json<{
      selection: { from: number; best: string; tied: string[]; corrected: { value: number } };
      candidates: { model: string; value: number; difference: object | null }[];
    }>();
    expect(selection.from).toBe(3);
    expect(candidates.filter(({ difference }) => difference === null).map((each) => each.model)).toEqual([
      selection.best,
    ]);
    for (const words of [
      [model.runId, baseline.runId, model.runId],
      [model.model, model.runId],
      [model.runId, baseline.runId, '--target', 'plan'],
    ]) {
      expect((await ballast(folder, 'compare', ...words, '--json')).code).toBe(2);
    }
  });
});

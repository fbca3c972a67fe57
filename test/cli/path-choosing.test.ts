import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { CUSTOMER_COLUMNS, customerRows, writeCsv, writeCustomers } from '../support/small-data.js';

const root = mkdtempSync(join(tmpdir(), 'ballast-choosing-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
function folderWith(changes: Record<string, unknown> = {}): string {
  folders += 1;
  const folder = join(root, `path ${folders}`);
  mkdirSync(folder);
  writeCustomers(folder, {
    task: 'regression',
    data: { source: 'customers.csv', target: 'spent', features: { exclude: ['household', 'day', 'plan', 'weight'] } },
    model: { type: 'linear' },
    regularizers: [],
    training: {},
    ...changes,
  });
  return folder;
}

interface ChoiceDocument {
  readonly run: string;
  readonly chosen: { by: string; lambda: number; index: number | null; nonzero: number; relaxed?: { share: number } };
  readonly cv: { mean: number[]; lambdaMin: number };
  readonly coefficients: Record<string, number>;
  readonly stability: { selected: string[]; expectedFalse: number; frequencies: Record<string, number> };
  readonly knockoffs: { selected: string[]; statistics: Record<string, number>; leftOut: string[] };
  readonly intervals: { level: number; coefficients: Record<string, { value: number; interval: [number, number] }> };
  readonly nested: { folds: number; deviance: { mean: number }; metrics: Record<string, { value: number }> };
  readonly penalty: { type: string };
  readonly levels?: number[];
  readonly nonzero: number[];
  readonly converged: boolean[];
  readonly model: string;
  readonly report: string;
}

const FEW = ['--folds', '3', '--lambdas', '20'];

async function choose(folder: string, ...options: string[]): Promise<ChoiceDocument> {
  const { code, stderr, json } = await ballast(folder, 'path', 'spec.yaml', '--json', ...FEW, ...options);
  expect(code, stderr).toBe(0);
  return json<ChoiceDocument>();
}

describe('a model is chosen', () => {
  test('by stability, with the bound on wrong columns and the picture of it', async () => {
    const folder = folderWith();
    const { chosen, stability, coefficients, report, run } = await choose(
      folder,
      ...['--choose', 'stability', '--pairs', '10', '--threshold', '0.8', '--expected-false', '2'],
    );
    expect(chosen).toMatchObject({ by: 'stability', index: null, lambda: 0 });
    expect(stability.selected).toEqual(expect.arrayContaining(['age', 'income']));
    expect(Object.keys(coefficients).sort()).toEqual([...stability.selected].sort());
    expect(stability.expectedFalse).toBeLessThanOrEqual(2);
    expect(readdirSync(dirname(report))).toContain('stability.svg');
    expect(readFileSync(report, 'utf8')).toContain('Stability path');
    const store = await openStore(join(folder, '.ballast'));
    try {
      const artifact = await store.openArtifact(run, 'path.json');
      const record = JSON.parse(Buffer.from(await artifact.bytes()).toString());
      expect(record.chosen.stability.selected).toHaveLength(stability.selected.length);
      const { manifest } = await store.getRun(run);
      expect(JSON.stringify(manifest)).toContain('"selection":"stability"');
    } finally {
      await store.close();
    }
  });

  test('by knockoffs, at a false discovery rate; indicators that say the same twice are left out', async () => {
    const { chosen, knockoffs, report } = await choose(folderWith(), '--choose', 'knockoffs', '--fdr', '0.5');
    expect(chosen).toMatchObject({ by: 'knockoffs', nonzero: knockoffs.selected.length });
    expect(knockoffs.leftOut.some((name) => name.startsWith('city=') || name.startsWith('sex='))).toBe(true);
    expect(knockoffs.statistics.income).toBeGreaterThan(0);
    expect(readdirSync(dirname(report))).toContain('knockoffs.svg');
  });

  test('relaxed, and scored by going the whole way again in outer folds', async () => {
    const { chosen, cv, nested } = await choose(folderWith(), '--choose', 'relaxed', '--nested', '3');
    expect(chosen.by).toBe('relaxed');
    expect([1, 0.75, 0.5, 0.25, 0]).toContain(chosen.relaxed?.share);
    expect(nested.folds).toBe(3);
    expect(nested.metrics.rmse.value).toBeGreaterThan(2);
    expect(nested.deviance.mean).toBeGreaterThan(Math.min(...cv.mean) * 0.8);
  });

  test('and intervals are put around its coefficients, in the units of their columns', async () => {
    const { intervals, report } = await choose(folderWith(), '--intervals', 'age,city', '--level', '0.99');
    expect(intervals.level).toBe(0.99);
    expect(Object.keys(intervals.coefficients)).toEqual(expect.arrayContaining(['age', 'city=rome', 'city=oslo']));
    const { value, interval } = intervals.coefficients.age;
    // 10 for every 12 years.
    expect(interval[0]).toBeLessThan(10 / 12);
    expect(interval[1]).toBeGreaterThan(10 / 12);
    expect(value).toBeGreaterThan(interval[0]);
    expect(readFileSync(report, 'utf8')).toContain('De-biased coefficients');
  });
});

describe('a penalty', () => {
  test.each([['adaptive'], ['mcp'], ['scad']])('%s has a path like any other', async (penalty) => {
    const folder = folderWith();
    const document = await choose(folder, '--penalty', penalty, '--choose', 'min');
    expect(document.penalty.type).toBe(penalty);
    expect(document.chosen.by).toBe('min');
    // 10 for every 12 years: large coefficients are hardly shrunk.
    expect(document.coefficients.age).toBeGreaterThan(0.7);
    expect(document.converged.every(Boolean)).toBe(true);
    const shown = await ballast(folder, 'runs', 'show', document.run, '--json');
    expect(shown.stdout).toContain(`"penalty":"${penalty}"`);
  });
});

describe('differences of neighbours', () => {
  test('are penalised under fused, and their levels told', async () => {
    const { penalty, levels = [] } = await choose(folderWith(), '--choose', 'bic', '--penalty', 'fused');
    expect(penalty).toMatchObject({ type: 'fused', chain: ['age', 'income'] });
    expect(levels[0]).toBe(1);
    expect(Math.max(...levels)).toBeGreaterThan(1);
  });

  test('are too few of two columns for a trend', async () => {
    const { code, json } = await ballast(folderWith(), 'path', 'spec.yaml', '--json', '--penalty', 'trend');
    expect(code).toBe(2);
    expect(json<{ error: { code: string } }>().error.code).toBe('PATH_CHAIN');
  });
});

describe('single columns', () => {
  test('are free of the penalty, or kept within bounds in their own units, by name', async () => {
    const folder = folderWith({ path: { factors: { city: 0 }, upper: { age: 9 } } });
    const document = await choose(
      folder,
      ...['--upper', 'age=0.5,income=2', '--non-negative', 'city=oslo', '--choose', 'min'],
    );
    expect(document.nonzero[0]).toBeGreaterThan(0);
    const { 'city=rome': rome = 0, 'city=lima': lima = 0 } = document.coefficients;
    expect(rome - lima).toBeGreaterThan(5);
    expect(document.coefficients['city=oslo'] ?? 0).toBeGreaterThanOrEqual(0);
    expect(document.coefficients.age).toBeCloseTo(0.5, 6);
    expect(document.coefficients.income).toBeCloseTo(2, 6);
    expect(document.penalty).toMatchObject({ factors: { city: 0 }, upper: { age: 0.5, income: 2 } });
    const shown = await ballast(folder, 'runs', 'show', document.run, '--json');
    expect(shown.stdout).toContain('"factors":{"city":0}');
  });

  test('all are not negative where that is asked for', async () => {
    const { coefficients } = await choose(folderWith(), '--non-negative', '--choose', 'min');
    expect(Object.values(coefficients).every((value) => value >= 0)).toBe(true);
    expect(coefficients.income).toBeGreaterThan(8);
  });
});

describe('an offset', () => {
  const exclude = ['household', 'day', 'plan', 'weight'];

  test('is added as it is: a target is fitted as what is above its offset', async () => {
    const rows = customerRows(240).map((row, i) => [...row, String((i % 7) - 3)]);
    const names = [...CUSTOMER_COLUMNS, 'known'];
    const folder = folderWith({
      data: { source: 'customers.csv', target: 'spent', columns: { offset: 'known' }, features: { exclude } },
    });
    writeCsv(
      join(folder, 'customers.csv'),
      rows.map((row) => row.with(7, String(Number(row[7]) + Number(row[9])))),
      names,
    );
    const document = await choose(folder, '--choose', 'min');
    expect(Object.keys(document.coefficients)).not.toContain('known');
    expect(document.coefficients.age).toBeGreaterThan(0.6);
    const session = await InferenceSession.create(document.model);
    const one = (text: string): Tensor => new Tensor('float32', Float32Array.of(Number(text)), [1, 1]);
    const word = (text: string): Tensor => new Tensor('string', [text], [1, 1]);
    const answer = async (known: string): Promise<number> => {
      const inputs = { age: one('40'), income: one('3'), city: word('oslo'), sex: word('f'), known: one(known) };
      return (await session.run(inputs)).prediction.data[0] as number;
    };
    expect((await answer('5')) - (await answer('-1'))).toBeCloseTo(6, 3);
    const evaluated = await ballast(folder, 'evaluate', document.run, '--holdout', '--json');
    expect(evaluated.code, evaluated.stderr).toBe(0);
    const { metrics } = evaluated.json<{ metrics: Record<string, { value: number }> }>();
    // The offset alone is spread by 2, the noise by 3.
    expect(metrics.rmse.value).toBeLessThan(4.5);
  });

  test('that is missing in a row is refused, and by training any', async () => {
    const data = { source: 'customers.csv', target: 'spent', columns: { offset: 'age' }, features: { exclude } };
    const missing = await ballast(folderWith({ data }), 'path', 'spec.yaml', '--json', ...FEW);
    expect(missing.json<{ error: { code: string } }>().error.code).toBe('DATA_OFFSET_INVALID');
    const trained = await ballast(folderWith({ data }), 'train', 'spec.yaml', '--json');
    expect(trained.json<{ error: { code: string } }>().error.code).toBe('SPEC_NOT_SUPPORTED');
  });
});

describe('folds', () => {
  test('are cut again and again, whole groups at a time, and fitted several at once', async () => {
    const grouped = {
      source: 'customers.csv',
      target: 'spent',
      columns: { group: 'household' },
      features: { exclude: ['day', 'plan', 'weight'] },
    };
    const folder = folderWith({ data: grouped });
    const document = await choose(folder, '--repeats', '2', '--workers', '2');
    expect(document.cv).toMatchObject({ folds: 3, repeats: 2 });
    expect(readdirSync(join(folder, '.ballast', 'paths', 'folds'))).toEqual([]);
    const alone = await choose(folder, '--repeats', '2', '--workers', '1');
    document.cv.mean.forEach((value, k) => {
      expect(value).toBeCloseTo(alone.cv.mean[k], 6);
    });
    expect(readFileSync(document.report, 'utf8')).toContain('3 folds, 2 times');
  });
});

describe('a choice that cannot be', () => {
  test.each<[string, Record<string, unknown>, string[], string]>([
    ['of a threshold without stability selection', {}, ['--threshold', '0.9'], 'USAGE'],
    ['of a rate without knockoffs', {}, ['--fdr', '0.2', '--choose', 'stability'], 'USAGE'],
    ['at a level without intervals', {}, ['--level', '0.9'], 'USAGE'],
    ['at a threshold that bounds nothing', {}, ['--choose', 'stability', '--threshold', '0.4'], 'PATH_STABILITY'],
    ['with intervals of a feature that there is not', {}, ['--intervals', 'agee'], 'PATH_FEATURE_UNKNOWN'],
    ['of a gamma without a concave penalty', {}, ['--gamma', '3'], 'USAGE'],
    ['of a gamma at which there is no penalty', {}, ['--penalty', 'scad', '--gamma', '1.5'], 'PATH_GAMMA'],
    ['of a mixture with ridge under a concave penalty', {}, ['--penalty', 'mcp', '--alpha', '0.5'], 'USAGE'],
    ['by knockoffs under a concave penalty', {}, ['--penalty', 'mcp', '--choose', 'knockoffs'], 'PATH_PENALTY'],
    ['adaptive and concave', {}, ['--penalty', 'mcp', '--choose', 'adaptive'], 'USAGE'],
    ['of a column that there is not', {}, ['--factors', 'agee=0'], 'PATH_FEATURE_UNKNOWN'],
    ['with a factor below 0', {}, ['--factors', 'age=-1'], 'USAGE'],
    ['with bounds that leave 0 out', {}, ['--lower', 'age=1'], 'USAGE'],
    ['with a list that is none', {}, ['--upper', 'age'], 'USAGE'],
    ['with two lower bounds', {}, ['--lower', 'age=-1', '--non-negative', 'age'], 'PATH_BOUNDS'],
    ['without any penalty', {}, ['--factors', 'age=0,income=0,city=0,sex=0'], 'PATH_FACTOR'],
    ['with intervals between bounds', {}, ['--non-negative', '--intervals', 'age'], 'PATH_INTERVALS'],
    [
      'of blocks of time, again and again',
      {
        data: {
          source: 'customers.csv',
          target: 'spent',
          columns: { time: 'day' },
          features: { exclude: ['household', 'plan', 'weight'] },
        },
      },
      ['--repeats', '2'],
      'PATH_REPEATS',
    ],
    ['in one outer fold', {}, ['--nested', '1'], 'USAGE'],
    ['along a strength', {}, ['--along', 'l2', '--nested', '3'], 'USAGE'],
    [
      'with intervals of two classes',
      {
        task: 'classification',
        data: { source: 'customers.csv', target: 'plan', features: { exclude: ['household', 'day', 'spent'] } },
      },
      ['--intervals'],
      'PATH_INTERVALS',
    ],
  ])('%s is one clear error', async (_name, changes, options, code) => {
    const result = await ballast(folderWith(changes), 'path', 'spec.yaml', '--json', ...FEW, ...options);
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string } }>().error.code).toBe(code);
  });
});

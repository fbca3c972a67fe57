import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { CUSTOMER_COLUMNS, customerRows, customerSpec, writeCsv, writeCustomers } from '../support/small-data.js';

interface PathDocument {
  readonly run: string;
  readonly regularizerId: string;
  readonly family: string;
  readonly alpha: number;
  readonly lambdas: number[];
  readonly nonzero: number[];
  readonly deviance: number[];
  readonly dualityGap: number[];
  readonly kkt: number[];
  readonly cv: { mean: number[]; se: number[]; lambdaMin: number; lambda1se: number };
  readonly chosen: { by: string; lambda: number; index: number };
  readonly coefficients: Record<string, number>;
  readonly intercept: number;
  readonly metrics: Record<'train' | 'validation', Record<string, { value: number }>>;
  readonly model: string;
  readonly report: string;
  readonly seconds: number;
}

const root = mkdtempSync(join(tmpdir(), 'ballast-path-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
function folderWith(changes: Record<string, unknown>): string {
  folders += 1;
  const folder = join(root, `path ${folders}`);
  mkdirSync(folder);
  writeCustomers(folder, { model: { type: 'linear' }, regularizers: [], training: {}, ...changes });
  return folder;
}

const spending = {
  task: 'regression',
  data: {
    source: 'customers.csv',
    target: 'spent',
    columns: { weight: 'weight' },
    features: { exclude: ['household', 'day', 'plan'] },
  },
};

async function path(folder: string, ...options: string[]): Promise<PathDocument> {
  const { code, stdout, stderr, json } = await ballast(folder, 'path', 'spec.yaml', '--json', ...options);
  expect(code, stderr).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return json<PathDocument>();
}

describe('the path of a regression', () => {
  let folder: string;
  let document: PathDocument;

  beforeAll(async () => {
    folder = folderWith(spending);
    document = await path(folder, '--folds', '5', '--lambdas', '30', '--choose', 'min');
  });

  test('answers with every model of the path, from the largest penalty down', () => {
    const { lambdas, nonzero, deviance, dualityGap, kkt, cv } = document;
    for (const list of [nonzero, deviance, dualityGap, kkt, cv.mean, cv.se]) expect(list).toHaveLength(lambdas.length);
    expect(lambdas).toEqual(lambdas.toSorted((a, b) => b - a));
    expect(deviance).toEqual(deviance.toSorted((a, b) => b - a));
    expect(nonzero[0]).toBe(0);
    expect(Math.max(...dualityGap)).toBeLessThanOrEqual(1e-8);
  });

  test('chooses by cross-validation', () => {
    const { cv, lambdas, chosen } = document;
    const least = cv.mean.indexOf(Math.min(...cv.mean));
    expect(cv.lambdaMin).toBe(lambdas[least]);
    expect(cv.lambda1se).toBeGreaterThanOrEqual(cv.lambdaMin);
    expect(chosen).toMatchObject({ by: 'min', lambda: cv.lambdaMin, index: least });
  });

  test('names coefficients in the units of the raw columns, which the model answers by', async () => {
    const rows = customerRows(240).filter(([age, , city]) => age !== '' && city !== '');
    const session = await InferenceSession.create(document.model);
    const column = (index: number): Tensor =>
      new Tensor(
        'float32',
        Float32Array.from(rows, (row) => Number(row[index])),
        [rows.length, 1],
      );
    const text = (index: number): Tensor =>
      new Tensor(
        'string',
        rows.map((row) => row[index] ?? ''),
        [rows.length, 1],
      );
    const answers = await session.run({ age: column(0), income: column(1), city: text(2), sex: text(3) });
    const predictions = answers.prediction.data as Float32Array;
    rows.forEach(([age, income, city, sex], i) => {
      const { coefficients: by, intercept } = document;
      const wanted =
        intercept +
        (by.age ?? 0) * Number(age) +
        (by.income ?? 0) * Number(income) +
        (by[`city=${city}`] ?? 0) +
        (by[`sex=${sex}`] ?? 0);
      expect(predictions[i]).toBeCloseTo(wanted, 2);
    });
  });

  test('writes a report that stands alone, and its plots', () => {
    const html = readFileSync(document.report, 'utf8');
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).not.toMatch(/(src|href)="https?:/);
    expect(html).toContain('<title>income,');
    expect(readdirSync(dirname(document.report))).toEqual(
      expect.arrayContaining(['coefficient-path.svg', 'cross-validation.svg', 'sparsity.svg']),
    );
  });

  test('records run, path and folds, and is evaluated like any run', async () => {
    const store = await openStore(join(folder, '.ballast'));
    try {
      const run = await store.getRun(document.run);
      expect(run).toMatchObject({ kind: 'path', status: 'finished', regularizerId: document.regularizerId });
      const artifact = await store.openArtifact(document.run, 'path.json');
      const record = JSON.parse(Buffer.from(await artifact.bytes()).toString());
      expect(record.cv.folds).toHaveLength(5);
      expect(record.path.points).toHaveLength(document.lambdas.length);
      expect(await store.holdoutReads()).toEqual([]);
      const history = await store.metricHistory(document.run, 'cv.mean');
      expect(history.map(({ value }) => value)).toEqual(document.cv.mean);
    } finally {
      await store.close();
    }
    const { code, stderr } = await ballast(folder, 'evaluate', document.run, '--holdout', '--json');
    expect(code, stderr).toBe(0);
  });
});

describe('the path of two classes', () => {
  test('is binomial, and its model answers with the class', async () => {
    const folder = folderWith({ model: { type: 'logistic' } });
    const document = await path(folder, '--folds', '3', '--lambdas', '20', '--alpha', '0.5');
    expect(document).toMatchObject({ family: 'binomial', alpha: 0.5, chosen: { by: '1se' } });
    expect(existsSync(document.model)).toBe(true);
    const session = await InferenceSession.create(document.model);
    expect(session.outputNames).toEqual(expect.arrayContaining(['probabilities', 'label']));
  });
});

describe('the path of three classes', () => {
  const rows = customerRows(240).map((row, i) => [...row.slice(0, -1), i % 7 === 3 ? 'silver' : row[row.length - 1]]);
  function classes(changes: Record<string, unknown> = {}): string {
    const folder = folderWith({ model: { type: 'logistic' }, ...changes });
    writeCsv(join(folder, 'customers.csv'), rows);
    return folder;
  }

  test('is multinomial, tells coefficients by class, and its model answers with all of their probabilities', async () => {
    const folder = classes();
    const document = await path(folder, '--folds', '3', '--lambdas', '12', '--choose', 'min', '--workers', '2');
    expect(document).toMatchObject({ family: 'multinomial', grouped: false, chosen: { by: 'min' } });
    expect(Object.keys(document.coefficients)).toEqual(['basic', 'gold', 'silver']);
    expect(Object.keys(document.intercept)).toEqual(['basic', 'gold', 'silver']);
    const session = await InferenceSession.create(document.model);
    expect(session.outputNames).toEqual(expect.arrayContaining(['probabilities', 'label']));
    const store = await openStore(join(folder, '.ballast'));
    try {
      const artifact = await store.openArtifact(document.run, 'path.json');
      const record = JSON.parse(Buffer.from(await artifact.bytes()).toString());
      expect(record.path.points.at(-1).outputs).toHaveLength(3);
    } finally {
      await store.close();
    }
    const { code, stderr, json } = await ballast(folder, 'evaluate', document.run, '--holdout', '--json');
    expect(code, stderr).toBe(0);
    expect(Object.keys(json<PathDocument>())).toContain('metrics');
  });

  test('is grouped, and scored in outer folds', async () => {
    const few = ['--folds', '2', '--lambdas', '6', '--grouped'];
    const document = await path(classes(), ...few, '--choose', 'min', '--nested', '2');
    expect(document).toMatchObject({ family: 'multinomial', grouped: true, chosen: { by: 'min' } });
    const [first, ...others] = Object.values(document.coefficients).map((each) => Object.keys(each));
    for (const names of others) expect(names).toEqual(first);
    expect(document).not.toHaveProperty('criteria');
  });

  test('is not that of several targets', async () => {
    const result = await ballast(classes(), 'path', 'spec.yaml', '--family', 'mgaussian', '--json');
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string } }>().error.code).toBe('PATH_FAMILY');
  });
});

describe('the path of several targets', () => {
  const several = (targets: string | string[]): Record<string, unknown> => ({
    ...spending,
    data: { ...spending.data, columns: { weight: 'weight', targets } },
  });

  test('is told by target, its model predicts each, and each is judged on the holdout', async () => {
    const folder = folderWith(several('income'));
    const document = await path(folder, '--folds', '3', '--lambdas', '12', '--choose', 'min', '--nested', '2');
    expect(document).toMatchObject({ family: 'mgaussian', grouped: true, targets: { income: { validation: {} } } });
    expect(Object.keys(document.coefficients)).toEqual(['spent', 'income']);
    const [spent, income] = Object.values(document.coefficients).map((each) => Object.keys(each));
    expect(income).toEqual(spent);
    expect(spent).not.toContain('income');
    expect(Math.max(...document.dualityGap)).toBeLessThanOrEqual(1e-8);

    const session = await InferenceSession.create(document.model);
    expect(session.outputNames).toEqual(['prediction', 'prediction.income']);
    expect(session.inputNames).not.toContain('income');
    const page = readFileSync(document.report, 'utf8');
    expect(page).toContain('Metrics of income');
    const { code, stderr, json } = await ballast(folder, 'evaluate', document.run, '--holdout', '--json');
    expect(code, stderr).toBe(0);
    const { targets } = json<{ targets: Record<string, Record<string, { value: number }>> }>();
    expect(Number.isFinite(targets.income.rmse.value)).toBe(true);
  });

  test.each([
    ['under a family of one', several('income'), ['--family', 'huber'], 'PATH_FAMILY'],
    ['of which there is one', spending, ['--family', 'mgaussian'], 'PATH_FAMILY'],
    ['one of which is a word', several(['income', 'city']), [], 'DATA_TARGET_NOT_NUMERIC'],
    ['one of which is missing in some rows', several('age'), [], 'DATA_TARGET_MISSING_VALUES'],
    ['one of which is named twice', several(['spent']), [], 'DATA_TARGET_TWICE'],
  ])('%s is one clear error', async (_name, changes, options, code) => {
    const result = await ballast(folderWith(changes), 'path', 'spec.yaml', '--json', ...options);
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string } }>().error.code).toBe(code);
  });

  test('is no training', async () => {
    const result = await ballast(folderWith(several('income')), 'train', 'spec.yaml', '--json');
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string } }>().error.code).toBe('SPEC_NOT_SUPPORTED');
  });
});

describe('groups of columns', () => {
  test('come and go together', async () => {
    const few = ['--folds', '3', '--lambdas', '15', '--choose', 'bic'];
    const named = await path(folderWith(spending), ...few, '--groups', 'place=city+sex,means=age+income');
    expect(named).toMatchObject({ penalty: { groups: { place: ['city', 'sex'], means: ['age', 'income'] } } });
    const inModel = (names: string[]): number => names.filter((name) => name in named.coefficients).length;
    expect([0, 2]).toContain(inModel(['age', 'income']));
  });

  test('that share a column are refused by name', async () => {
    const options = ['--groups', 'a=age+income,b=age'];
    const result = await ballast(folderWith(spending), 'path', 'spec.yaml', '--json', ...options);
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string } }>().error.code).toBe('PATH_GROUPS');
  });
});

describe('the path of counts', () => {
  test('is one of their logarithm, and its model answers with their mean', async () => {
    const folder = folderWith({
      ...spending,
      data: { ...spending.data, target: 'age', features: { exclude: ['household', 'day', 'plan'] } },
    });
    const rows = customerRows(240).map(([age, ...rest]) => [String(Math.round(Number(age) / 4)), ...rest]);
    writeCsv(join(folder, 'customers.csv'), rows);
    const document = await path(folder, '--family', 'poisson', '--folds', '3', '--lambdas', '20', '--choose', 'bic');
    expect(document).toMatchObject({ family: 'poisson', chosen: { by: 'bic' } });
    const session = await InferenceSession.create(document.model);
    expect(session.outputNames).toEqual(['prediction']);
  });

  test('below 0 are refused', async () => {
    const result = await ballast(folderWith(spending), 'path', 'spec.yaml', '--family', 'poisson', '--json');
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string } }>().error.code).toBe('PATH_TARGET');
  });
});

describe('the path of survival times', () => {
  // The longer a customer stays the younger and poorer; those who are still here were last seen, not lost.
  const survival = {
    ...spending,
    data: {
      ...spending.data,
      target: 'stayed',
      columns: { event: 'left' },
      features: { exclude: ['household', 'day', 'plan', 'weight', 'spent'] },
    },
  };
  const columns = [...CUSTOMER_COLUMNS, 'stayed', 'left'];
  function survivors(changes: Record<string, unknown> = survival): string {
    const folder = folderWith(changes);
    const rows = customerRows(240).map((row, i) => {
      const risk = (Number(row[0] || 40) - 40) / 12 + Number(row[1]) - 3;
      const time = Math.ceil(-30 * Math.exp(-risk) * Math.log(((i * 37) % 240) / 240 + 0.002));
      return [...row, String(Math.min(time, 60)), time > 60 ? '0' : '1'];
    });
    writeCsv(join(folder, 'customers.csv'), rows, columns);
    return folder;
  }

  test('is one of their relative risk, judged by concordance, which its model answers', async () => {
    const folder = survivors();
    const checked = await ballast(folder, 'data', 'check', 'spec.yaml');
    expect([checked.code, checked.stdout], checked.stderr).toEqual([
      0,
      expect.stringContaining('ballast path spec.yaml'),
    ]);
    const document = await path(folder, '--folds', '4', '--lambdas', '25');
    expect(document).toMatchObject({ family: 'cox', intercept: 0, metrics: { validation: {} } });
    expect(Math.max(...document.dualityGap)).toBeLessThanOrEqual(1e-8);
    const { concordance } = document.metrics.validation;
    expect(Object.keys(document.metrics.validation)).toEqual(['concordance']);
    expect(concordance.value).toBeGreaterThan(0.65);
    const session = await InferenceSession.create(document.model);
    const feed = (age: number): Record<string, Tensor> => ({
      age: new Tensor('float32', [age], [1, 1]),
      income: new Tensor('float32', [3], [1, 1]),
      city: new Tensor('string', ['oslo'], [1, 1]),
      sex: new Tensor('string', ['f'], [1, 1]),
    });
    const asked = Object.fromEntries(session.inputNames.map((name) => [name, name]));
    const of = async (age: number): Promise<number> => {
      const all = feed(age);
      const answer = await session.run(Object.fromEntries(Object.keys(asked).map((name) => [name, all[name]])));
      return Number(answer.prediction.data[0]);
    };
    expect((await of(50)) - (await of(40))).toBeCloseTo(10 * document.coefficients.age, 4);
    const { code, stderr, stdout } = await ballast(folder, 'evaluate', document.run, '--holdout');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('concordance');
    expect(stdout).not.toContain('RMSE');
  });

  test.each<[string, string[], Record<string, unknown>, string]>([
    [
      'of a target without events',
      ['--family', 'cox'],
      { ...survival, data: { ...survival.data, columns: {} } },
      'PATH_EVENT',
    ],
    ['of another family', ['--family', 'huber'], survival, 'PATH_FAMILY'],
    [
      'whose events are no 0 or 1',
      [],
      { ...survival, data: { ...survival.data, columns: { event: 'age' } } },
      'EVALUATE_EVENT',
    ],
  ])('%s is refused', async (_name, options, changes, code) => {
    const result = await ballast(survivors(changes), 'path', 'spec.yaml', '--json', ...options);
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string } }>().error.code).toBe(code);
  });
});

describe('the path of numbers with outliers', () => {
  test('bears them: coefficients are near those without', async () => {
    const spoilt = folderWith(spending);
    const rows = customerRows(240).map((row, i) => row.map((value, j) => (j === 7 && i % 12 === 0 ? '900' : value)));
    writeCsv(join(spoilt, 'customers.csv'), rows);
    const clean = await path(folderWith(spending), '--folds', '3', '--lambdas', '20', '--choose', 'min');
    const robust = await path(spoilt, '--family', 'huber', '--folds', '3', '--lambdas', '20', '--choose', 'min');
    expect(robust).toMatchObject({ family: 'huber', delta: expect.any(Number) });
    expect(Math.abs(robust.coefficients.age - clean.coefficients.age)).toBeLessThan(0.15);
    expect(Math.max(...robust.dualityGap)).toBeLessThanOrEqual(1e-8);
  });
});

describe('the path of a quantile', () => {
  test('is judged by its own loss, on the holdout too', async () => {
    const folder = folderWith(spending);
    const options = ['--family', 'quantile', '--quantile', '0.8', '--folds', '3', '--lambdas', '10'];
    const document = await path(folder, ...options, '--choose', 'min');
    expect(document).toMatchObject({ family: 'quantile', quantile: 0.8 });
    expect(Math.max(...document.dualityGap)).toBeLessThanOrEqual(1e-8);
    expect(document.metrics.validation['pinball@0.8'].value).toBeGreaterThan(0);
    const { code, stderr, json } = await ballast(folder, 'evaluate', document.run, '--holdout', '--json');
    expect(code, stderr).toBe(0);
    expect(json<{ metrics: Record<string, unknown> }>().metrics).toHaveProperty(['pinball@0.8']);
  });
});

describe('the path along a strength', () => {
  test('trains a deep model along it, tells its response, and records it', async () => {
    const folder = folderWith({
      ...customerSpec({ regularizers: [] }),
      training: { epochs: 30, batchSize: 32, optimizer: { type: 'adam', learningRate: 0.01 } },
    });
    const { code, stderr, json } = await ballast(
      folder,
      ...[
        'path',
        'spec.yaml',
        '--along',
        'l2',
        '--strengths',
        '3',
        '--members',
        '2',
        '--from',
        '0.01',
        '--to',
        '3',
        '--json',
      ],
    );
    expect(code, stderr).toBe(0);
    const document = json<{
      run: string;
      loss: string;
      best: number;
      knee: number | null;
      points: { strength: number; train: { mean: number }; validation: { mean: number }; variance: number }[];
      report: string;
    }>();
    const strengths = document.points.map(({ strength }) => strength);
    expect(strengths).toHaveLength(4);
    expect(strengths.slice(0, 2)).toEqual([0, 0.01]);
    expect(strengths).toContain(document.best);
    expect(document.loss).toBe('logLoss');
    // A penalty this strong leaves nothing but the bias: all members say the same.
    expect(document.points[3].variance).toBeLessThan(document.points[0].variance);
    expect(document.points[3].train.mean).toBeGreaterThan(document.points[0].train.mean);
    expect(readFileSync(document.report, 'utf8')).toContain('Bias and variance along l2');
    const shown = await ballast(folder, 'runs', 'show', document.run);
    expect(shown.code, shown.stderr).toBe(0);
  });
});

describe('a path that cannot be', () => {
  test.each<[string, Record<string, unknown>, string[], string]>([
    ['of a deep model', customerSpec({ regularizers: [] }), [], 'PATH_MODEL'],
    [
      'with regularizers beside its penalty',
      { regularizers: [{ type: 'l2', strength: 0.1 }] },
      [],
      'PATH_REGULARIZERS',
    ],
    ['of a family that the target does not have', {}, ['--family', 'gaussian'], 'PATH_FAMILY'],
    ['at an alpha that is no share', {}, ['--alpha', '2'], 'USAGE'],
    ['with a delta of a loss that has none', spending, ['--delta', '1'], 'PATH_DELTA'],
    ['in one fold', {}, ['--folds', '1'], 'USAGE'],
    ['along a strength that there is not', {}, ['--along', 'no-such'], 'REGULARIZER_UNKNOWN'],
    ['along what has no more or less', {}, ['--along', 'ensemble'], 'STRENGTH_SWITCH'],
    ['along a strength, of an alpha', {}, ['--along', 'l2', '--alpha', '0.5'], 'USAGE'],
    ['of members without a strength', {}, ['--members', '2'], 'USAGE'],
    ['along strengths that run downwards', {}, ['--along', 'l2', '--from', '1', '--to', '0.1'], 'STRENGTH_RANGE'],
    ['with a tolerance of 0', {}, ['--tolerance', '0'], 'USAGE'],
  ])('%s is one clear error', async (_name, changes, options, code) => {
    const result = await ballast(folderWith(changes), 'path', 'spec.yaml', '--json', ...options);
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string } }>().error.code).toBe(code);
    expect(
      result.stderr
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('ballast:')),
    ).toHaveLength(1);
  });
});

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import {
  CUSTOMER_COLUMNS,
  customerRows,
  customerSpec,
  writeCsv,
  writeCustomers,
  writeSpec,
} from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

const root = mkdtempSync(join(tmpdir(), 'ballast-train-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
function newFolder(): string {
  folders += 1;
  const folder = join(root, `train ${folders} größe`);
  mkdirSync(folder);
  return folder;
}

async function train(folder: string, ...options: string[]): Promise<TrainDocument> {
  const { code, stdout, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--json', ...options);
  expect(code, stderr).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return json<TrainDocument>();
}

/** Every figure is a value within an interval of two bounds. */
function expectFigures(metrics: Record<string, { value: number; interval: [number, number] }>): void {
  for (const [name, { value, interval }] of Object.entries(metrics)) {
    expect(Number.isFinite(value), name).toBe(true);
    expect(interval, name).toHaveLength(2);
    expect(interval[0], name).toBeLessThanOrEqual(value + 1e-12);
    expect(interval[1], name).toBeGreaterThanOrEqual(value - 1e-12);
  }
}

describe('train of a classification', () => {
  let folder: string;
  let document: TrainDocument;

  beforeAll(async () => {
    folder = newFolder();
    writeCustomers(folder);
    document = await train(folder);
  });

  test('answers with the data version and the rows of the parts', () => {
    expect(document.dataset).toMatchObject({ rows: { train: 144, validation: 48, holdout: 48 } });
    expect(document.dataset.version).toMatch(/^\S+$/);
  });

  test('answers with baseline and model, their figures with intervals, and the gap', () => {
    expect(document.runs.map(({ role }) => role)).toEqual(['baseline', 'model']);
    for (const run of document.runs) {
      expect(run.runId).toMatch(/^[0-9a-f]{32}$/);
      expect(run.regularizerId).toMatch(/^rg-[0-9a-f]{16}$/);
      expect(run).toMatchObject({ seed: 1, epochs: 3 });
      for (const part of ['train', 'validation'] as const) {
        expect(Object.keys(run.metrics[part])).toEqual(
          expect.arrayContaining(['accuracy', 'logLoss', 'brier', 'rocAuc', 'prAuc', 'f1', 'ece']),
        );
        expectFigures(run.metrics[part]);
      }
      expect(run.gap.metric).toBe('accuracy');
      const [lost, here] = [run.metrics.train.accuracy, run.metrics.validation.accuracy];
      expect(run.gap.value).toBeCloseTo(lost.value - here.value, 10);
      expectFigures({ gap: run.gap });
    }
    expect(document.runs[0].regularizerId).not.toBe(document.runs[1].regularizerId);
  });

  test('writes a report that stands alone', () => {
    expect(isAbsolute(document.report)).toBe(true);
    const html = readFileSync(document.report, 'utf8');
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).not.toMatch(/(src|href)="https?:/);
  });

  test('writes models that answer raw columns in ONNX Runtime without Ballast', async () => {
    const rows = customerRows(240);
    for (const run of document.runs) {
      const session = await InferenceSession.create(resolve(folder, run.model));
      expect([...session.inputNames].sort()).toEqual(['age', 'city', 'income', 'sex']);
      const column = (name: (typeof CUSTOMER_COLUMNS)[number]) =>
        rows.map((row) => row[CUSTOMER_COLUMNS.indexOf(name)]);
      const numbers = (name: 'age' | 'income') =>
        new Tensor(
          'float32',
          Float32Array.from(column(name), (text) => (text === '' ? Number.NaN : Number(text))),
          [240, 1],
        );
      const answer = await session.run({
        age: numbers('age'),
        income: numbers('income'),
        city: new Tensor('string', column('city'), [240, 1]),
        sex: new Tensor('string', column('sex'), [240, 1]),
      });
      const probabilities = answer.probabilities.data as Float32Array;
      expect(answer.probabilities.dims).toEqual([240, 2]);
      const weight = column('weight').map(Number);
      const right = column('plan').map((plan, i) => {
        expect(probabilities[2 * i] + probabilities[2 * i + 1]).toBeCloseTo(1, 5);
        return probabilities[2 * i + 1] > probabilities[2 * i] === (plan === 'gold');
      });
      const total = weight.reduce((sum, w) => sum + w, 0);
      const accuracy = weight.reduce((sum, w, i) => sum + (right[i] ? w : 0), 0) / total;
      const evaluated = await ballast(folder, 'evaluate', run.runId, '--data', 'customers.csv', '--json');
      const { metrics, rows: count } = evaluated.json<{ rows: number; metrics: { accuracy: { value: number } } }>();
      expect(count).toBe(240);
      expect(metrics.accuracy.value).toBeCloseTo(accuracy, 10);
    }
  });

  test('shows progress on stderr only, and a table with the next step without --json', async () => {
    const { code, stdout, stderr } = await ballast(folder, 'train', 'spec.yaml');
    expect(code).toBe(0);
    expect(stderr).toMatch(/epoch 3\/3/);
    expect(stdout).not.toMatch(/epoch 3\/3/);
    expect(stdout).toMatch(/accuracy +\d/);
    expect(stdout).toMatch(/Next: ballast evaluate [0-9a-f]{8} --holdout/);
  });

  test('puts report and models where --out says', async () => {
    const again = await train(folder, '--out', 'results/first');
    expect(again.report).toBe(join(folder, 'results', 'first', 'report.html'));
    expect(existsSync(again.report)).toBe(true);
  });

  test('gives another strength another id, and the same strengths the same', async () => {
    const other = newFolder();
    writeCustomers(other, {
      regularizers: [
        { type: 'weight-decay', strength: 0.02 },
        { type: 'dropout', strength: 0.2 },
      ],
    });
    const changed = await train(other);
    writeCustomers(other, {
      regularizers: [
        { type: 'dropout', strength: 0.2 },
        { type: 'weight-decay', strength: 0.01 },
      ],
    });
    const reordered = await train(other);
    const ids = (run: TrainDocument) => run.runs.map(({ regularizerId }) => regularizerId);
    expect(ids(changed)[0]).toBe(ids(document)[0]);
    expect(ids(changed)[1]).not.toBe(ids(document)[1]);
    expect(ids(reordered)).toEqual(ids(document));
  });
});

describe('train', () => {
  test('of a regression has its metrics, and its model answers in the target’s own unit', async () => {
    const folder = newFolder();
    writeCustomers(folder, {
      task: 'regression',
      data: { source: 'customers.csv', target: 'spent', features: { exclude: ['household', 'day', 'plan', 'weight'] } },
      model: { type: 'linear' },
      regularizers: [{ type: 'weight-decay', strength: 0.01 }],
      training: { epochs: 40, batchSize: 32, optimizer: { type: 'adam', learningRate: 0.05 } },
    });
    const { runs } = await train(folder);
    for (const run of runs) {
      expect(Object.keys(run.metrics.validation)).toEqual(expect.arrayContaining(['rmse', 'mae', 'mape', 'r2']));
      expectFigures(run.metrics.validation);
      expect(run.gap.metric).toBe('rmse');
      expect(run.gap.value).toBeCloseTo(run.metrics.validation.rmse.value - run.metrics.train.rmse.value, 8);
    }
    // The target was made as 10 times a linear score plus noise of deviation 3.
    expect(runs[0].metrics.validation.r2.value).toBeGreaterThan(0.85);
    const session = await InferenceSession.create(resolve(folder, runs[0].model));
    const one = (type: 'float32' | 'string', value: number | string) =>
      type === 'string' ? new Tensor([String(value)], [1, 1]) : new Tensor('float32', [Number(value)], [1, 1]);
    const answer = await session.run({
      age: one('float32', 52),
      income: one('float32', 4),
      city: one('string', 'rome'),
      sex: one('string', 'f'),
    });
    expect(Number(answer.prediction.data[0])).toBeGreaterThan(20);
    expect(Number(answer.prediction.data[0])).toBeLessThan(40);
  });

  test('repeats seeds, each role once a seed, and sums them up', async () => {
    const folder = newFolder();
    writeCustomers(folder, { training: { epochs: 2, batchSize: 64, seed: 5, repeats: 2 } });
    const { runs, seeds } = await train(folder);
    expect(runs.map(({ role, seed }) => `${role} ${seed}`)).toEqual(['baseline 5', 'model 5', 'baseline 6', 'model 6']);
    expect(new Set(runs.map(({ model }) => model)).size).toBe(4);
    expect(seeds).toMatchObject({
      metric: 'accuracy',
      difference: { interval: [expect.any(Number), expect.any(Number)] },
    });
  });

  test('cross-validates over folds of the rows outside the holdout', async () => {
    const folder = newFolder();
    writeCustomers(folder, { training: { epochs: 1, batchSize: 64, crossValidation: { folds: 2 } } });
    const { runs } = await train(folder);
    expect(runs.map(({ role, fold }) => `${role} ${fold}`)).toEqual(['baseline 1', 'model 1', 'baseline 2', 'model 2']);
  });

  test('splits by group and by time', async () => {
    for (const [role, column] of [
      ['group', 'household'],
      ['time', 'day'],
    ]) {
      const folder = newFolder();
      const data = {
        source: 'customers.csv',
        target: 'plan',
        columns: { [role]: column },
        features: { exclude: ['spent'] },
      };
      writeCustomers(folder, { data, training: { epochs: 1, batchSize: 64 } });
      const { dataset } = await train(folder);
      expect(dataset.rows.train + dataset.rows.validation + dataset.rows.holdout).toBe(240);
    }
  });

  test('records fairness signals of every epoch where a sensitive column is declared', async () => {
    const folder = newFolder();
    const data = {
      source: 'customers.csv',
      target: 'plan',
      columns: { sensitive: 'sex' },
      features: { exclude: ['spent', 'day', 'household'] },
    };
    writeCustomers(folder, { data });
    const { runs } = await train(folder);
    await using store = await openStore(join(folder, '.ballast'));
    const history = await store.metricHistory(runs[1].runId, 'validation.demographicParityDifference.sex');
    expect(history.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(readFileSync((await train(folder)).report, 'utf8')).toMatch(/fair/i);
  });

  test('learns from a folder of images', async () => {
    const folder = newFolder();
    for (const [label, value] of [
      ['dark', 40],
      ['light', 200],
    ] as const) {
      mkdirSync(join(folder, 'images', label), { recursive: true });
      for (let i = 0; i < 12; i++) {
        const pixels = Buffer.from(Array.from({ length: 64 }, (_, at) => value + ((7 * at + 13 * i) % 31)));
        await sharp(pixels, { raw: { width: 8, height: 8, channels: 1 } })
          .png()
          .toFile(join(folder, 'images', label, `${i}.png`));
      }
    }
    writeSpec(folder, {
      name: 'images',
      data: { source: 'images/', target: 'label', split: { validation: 0.25, holdout: 0.25 } },
      task: 'classification',
      model: { type: 'cnn', layers: [{ conv: 4 }, { pool: 2 }, { dense: 8 }] },
      training: { epochs: 2, batchSize: 8 },
      regularizers: [{ type: 'image-augmentation', strength: 0.5 }],
    });
    const { dataset, runs } = await train(folder);
    expect(dataset.rows).toEqual({ train: 12, validation: 6, holdout: 6 });
    expect(basename(runs[1].model)).toBe('model.onnx');
  });

  test('keeps the last good weights of a run that diverges, writes the report, and exits 1', async () => {
    const folder = newFolder();
    const optimizer = { type: 'sgd', learningRate: 100 };
    writeCustomers(folder, {
      model: { type: 'mlp', hidden: [64, 64, 64] },
      training: { epochs: 5, batchSize: 32, optimizer },
    });
    const { code, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(code, stderr).toBe(1);
    const { runs, report } = json<TrainDocument>();
    expect(runs.map(({ outcome }) => outcome)).toEqual(['diverged', 'diverged']);
    expect(stderr).toMatch(/the loss became (NaN|infinite|Infinity) at step \d+/);
    for (const run of runs) {
      expectFigures(run.metrics.validation);
      await InferenceSession.create(resolve(folder, run.model));
    }
    expect(readFileSync(report, 'utf8')).toMatch(/the loss became/);
    const { runs: listed } = (await ballast(folder, 'runs', 'list', '--status', 'diverged', '--json')).json<{
      runs: unknown[];
    }>();
    expect(listed).toHaveLength(2);
  });
});

describe('the locked holdout', () => {
  const withSeed = (seed: number) => {
    const { data } = customerSpec() as { data: object };
    return { data: { ...data, split: { seed } }, training: { epochs: 1, batchSize: 64 } };
  };

  test('is not drawn anew by another split seed, unless that is asked for and recorded', async () => {
    const folder = newFolder();
    writeCustomers(folder, withSeed(1));
    await train(folder);
    writeSpec(folder, customerSpec(withSeed(2)));
    const refused = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(refused.code).toBe(2);
    expect(refused.json()).toMatchObject({
      error: { code: 'HOLDOUT_CONFLICT', remedy: expect.stringContaining('--new-holdout') },
    });
    await train(folder, '--new-holdout');
    await using store = await openStore(join(folder, '.ballast'));
    const changes = await store.holdoutChanges('customers.csv');
    expect(changes.map(({ generation }) => generation)).toEqual([1, 2]);
  });

  test('keeps its rows when rows are added', async () => {
    const folder = newFolder();
    writeCustomers(folder, withSeed(1));
    await train(folder);
    writeCsv(join(folder, 'customers.csv'), customerRows(300));
    const { dataset } = await train(folder);
    expect(dataset.rows.train + dataset.rows.validation + dataset.rows.holdout).toBe(300);
    await using store = await openStore(join(folder, '.ballast'));
    const changes = await store.holdoutChanges('customers.csv');
    expect(changes.every(({ removed }) => removed === 0)).toBe(true);
  });

  test('is not drawn by a spec that does not work', async () => {
    const folder = newFolder();
    writeCustomers(folder, withSeed(1));
    writeSpec(folder, customerSpec({ ...withSeed(1), regularizers: [{ type: 'image-augmentation' }] }));
    const { code, json } = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(code).toBe(2);
    expect(json()).toMatchObject({ error: { code: 'IMAGE_AUGMENTATION_NEEDS_INPUT' } });
    await using store = await openStore(join(folder, '.ballast'));
    expect(await store.listRuns()).toEqual([]);
    expect(await store.holdoutChanges('customers.csv')).toEqual([]);
    expect(existsSync(join(folder, '.ballast', 'experiments'))).toBe(false);
  });
});

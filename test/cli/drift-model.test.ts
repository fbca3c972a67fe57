import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProductionReport } from '../../src/monitoring/production-report.js';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { answerRows, writeLabels } from '../support/production.js';
import { customerRows, customerSpec, writeCsv, writeCustomers, writeSpec } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

const DAY = 24 * 3_600_000;
const FEATURES = ['age', 'income', 'city', 'sex'];

describe('ballast drift MODEL', () => {
  let folder: string;
  let runId: string;
  const labels = new Map<string, string>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-drift-model-'));
    writeCustomers(
      folder,
      { training: { epochs: 25, batchSize: 64, optimizer: { type: 'adamw', learningRate: 0.01 } } },
      3000,
    );
    const trained = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(trained.code, trained.stderr).toBe(0);
    runId = trained.json<TrainDocument>().runs[1].runId;
    const registered = await ballast(folder, 'models', 'register', runId, 'steady', '--json');
    expect([registered.code, registered.stderr]).toEqual([0, '']);
    await ballast(folder, 'models', 'register', runId, 'shifted', '--json');
    await using store = await openStore(join(folder, '.ballast'));
    const now = Date.now();
    for (const model of ['steady', 'shifted']) {
      const rows = customerRows(5000, 7).map(([age, ...rest], i) =>
        model === 'shifted' && i % 10 >= 7 ? [age === '' ? '' : String(Number(age) + 15), ...rest] : [age, ...rest],
      );
      const answered = await answerRows(store, folder, rows, {
        ...{ model, version: '1', runId, target: 'plan', features: FEATURES },
        at: (row) => now - (9.5 - (row % 10)) * DAY,
        metadata: (row) => ({ device: row % 2 === 0 ? 'phone' : 'desk' }),
      });
      for (const [id, label] of answered) labels.set(id, label);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const drift = async (...words: string[]) => {
    const { code, json, stderr } = await ballast(folder, 'drift', ...words, '--json');
    expect([0, 1], stderr).toContain(code);
    return { code, ...json<ProductionReport>() };
  };

  test('is silent where nothing changed, and estimates accuracy without labels to within two points', async () => {
    const report = await drift('steady');
    expect(report).toMatchObject({ code: 0, drifted: false, version: '1' });
    expect(report.windows).toHaveLength(10);
    expect(report.performance.licence).toMatchObject({ granted: true, production: null });
    const estimated = report.performance.windows.reduce((sum, each) => sum + (each.estimated?.value ?? 0), 0) / 10;
    writeLabels(join(folder, 'truth.csv'), labels);
    const done = await ballast(folder, 'labels', 'ingest', 'truth.csv', '--json');
    expect(done.json()).toMatchObject({ joined: 10_000, unknown: [] });
    const labelled = await drift('models:/steady/1');
    const realised = labelled.performance.windows.reduce((sum, each) => sum + (each.realised?.value ?? 0), 0) / 10;
    expect(Math.abs(estimated - realised)).toBeLessThan(0.02);
    expect(Math.abs(labelled.performance.reconciled?.meanDifference ?? 1)).toBeLessThan(0.02);
    expect(labelled.calibration.windows).toHaveLength(10);
  });

  test('names the feature that moved, from when on, and what it does to quality', async () => {
    const report = await drift('shifted@none', '--window', '1d').catch(() => undefined);
    expect(report).toBeUndefined();
    const found = await drift('shifted', '--window', '24h');
    expect(found).toMatchObject({ code: 1, drifted: true });
    expect(found.features.filter(({ drifted }) => drifted).map(({ name }) => name)).toEqual(['age']);
    const [age] = found.features;
    expect(age.windows.map(({ drifted }) => drifted)).toEqual([...Array<boolean>(7).fill(false), true, true, true]);
    expect(age.qualityEffect).toEqual(expect.any(Number));
    expect(found.predictions.find(({ name }) => name === 'prediction')?.drifted).toBe(true);
    // What was measured is kept with the run.
    await using store = await openStore(join(folder, '.ballast'));
    const kept = (await store.getEvaluations(runId)).find(({ stage }) => stage === 'drift');
    expect(kept?.record).toMatchObject({ model: 'shifted', drifted: true });
    const text = await ballast(folder, 'drift', 'shifted');
    expect(text.stdout).toMatch(/age +ks .*3 of 10 .*drifted/);
    expect(text.stdout).toMatch(/Accuracy/);
  });

  test.each([
    [['drift', 'nobody'], 'MODEL_NOT_OBSERVED'],
    [['drift', 'steady', '--columns', 'age'], 'USAGE'],
    [['drift', 'customers.csv', 'customers.csv', '--window', '1d'], 'USAGE'],
    [['drift', 'shifted', '--window', '10m'], 'USAGE'],
  ])('%j is one clear error', async (words, error) => {
    const { code, json } = await ballast(folder, ...words, '--json');
    expect([code, json().error]).toEqual([2, expect.objectContaining({ code: error })]);
  });
});

test('a row that is there often is no drift, though a split has all of it in one part', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballast-drift-repeats-'));
  try {
    const often = (count: number, seed: number): string[][] => {
      const [usual, ...rows] = customerRows(count, seed);
      return rows.map((row, i) => (i % 10 < 3 ? customerRows(1, 1)[0] : row)).concat([usual]);
    };
    writeCsv(join(folder, 'customers.csv'), often(3000, 1));
    const training = { epochs: 3, batchSize: 64, seed: 2 };
    writeSpec(folder, customerSpec({ training }));
    const trained = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(trained.code, trained.stderr).toBe(0);
    const { runId } = trained.json<TrainDocument>().runs[1];
    await ballast(folder, 'models', 'register', runId, 'often', '--json');
    await using store = await openStore(join(folder, '.ballast'));
    await answerRows(store, folder, often(3000, 9), {
      ...{ model: 'often', version: '1', runId, target: 'plan', features: FEATURES },
      at: () => Date.now() - DAY,
    });
    const { json } = await ballast(folder, 'drift', 'often', '--json');
    const { drifted, features, predictions, unknown } = json<ProductionReport>();
    expect({ drifted, unknown }).toEqual({ drifted: false, unknown: expect.any(Number) });
    for (const { name, effect } of [...features, ...predictions]) expect([name, effect < 0.06]).toEqual([name, true]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

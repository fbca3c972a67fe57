import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MissingLabels } from '../../src/monitoring/labels/missing.js';
import type { ProductionReport } from '../../src/monitoring/production-report.js';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { serveModels } from '../support/served.js';
import { customerRows, writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

describe('a model that is served', () => {
  let folder: string;
  const ids: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-serve-drift-'));
    writeCustomers(folder, { training: { epochs: 8, batchSize: 64 } }, 1500);
    const trained = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(trained.code, trained.stderr).toBe(0);
    const { runId } = trained.json<TrainDocument>().runs[1];
    await ballast(folder, 'models', 'register', runId, 'customers', '--json');
    await using store = await openStore(join(folder, '.ballast'), { thread: true });
    await using served = await serveModels(store, ['customers/1']);
    const rows = customerRows(800, 21);
    for (let from = 0; from < rows.length; from += 100) {
      const some = rows.slice(from, from + 100);
      const numbers = (column: number) => some.map((row) => (row[column] === '' ? null : Number(row[column])));
      const texts = (column: number) => some.map((row) => row[column]);
      const input = (name: string, datatype: string, data: unknown) => ({
        name,
        datatype,
        shape: [some.length, 1],
        data,
      });
      const { status, json } = await served.ask('POST', '/v2/models/customers/infer', {
        inputs: [
          input('age', 'FP32', numbers(0)),
          input('income', 'FP32', numbers(1)),
          input('city', 'BYTES', texts(2)),
          input('sex', 'BYTES', texts(3)),
        ],
      });
      expect(status, JSON.stringify(json)).toBe(200);
      for (let row = 0; row < some.length; row++) ids.push(`${String((json as { id: string }).id)}/${row}`);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is observed as its reference is: nothing drifted, in any column, kind or answer', async () => {
    const { code, json, stderr } = await ballast(folder, 'drift', 'customers', '--json');
    const report = json<ProductionReport>();
    const moved = [...report.features, ...report.predictions].filter(({ drifted }) => drifted);
    expect([moved, report.multivariate, stderr]).toEqual([[], expect.objectContaining({ drifted: false }), '']);
    expect(code).toBe(0);
    expect(report.columns).toEqual({ onlyReference: [], onlyCurrent: [] });
    expect(report.features.map(({ name }) => name).sort()).toEqual(['age', 'city', 'income', 'sex']);
    expect(report.predictions.map(({ name }) => name).sort()).toEqual([
      'confidence',
      'prediction',
      'score/0',
      'score/1',
    ]);
    expect(report.windows).toMatchObject([{ rows: 800 }]);
  });

  test('takes labels by the ids that it answered with', async () => {
    await using store = await openStore(join(folder, '.ballast'));
    const done = await store.ingestLabels(
      ids.map((id) => ({ id, label: 'gold', knownAt: Date.now(), source: 'test' })),
    );
    expect(done).toMatchObject({ joined: 800, unknown: [] });
    const { json } = await ballast(folder, 'labels', 'missing', 'customers', '--json');
    expect(json<MissingLabels>()).toMatchObject({ answered: 800, labelled: 800, share: 1 });
  });
});

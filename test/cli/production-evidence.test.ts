import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../src/diagnosis/finding.js';
import type { Ledger } from '../../src/evaluation/ledger.js';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import { Recorder } from '../../src/monitoring/record/recorder.js';
import { productionEvidence } from '../../src/monitoring/stages/production-evidence.js';
import { derive } from '../../src/numeric/index.js';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { answerRows, writeLabels } from '../support/production.js';
import { customerRows, writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

const DAY = 24 * 3_600_000;
const FEATURES = ['age', 'income', 'city', 'sex'];

describe('what production says of a model', () => {
  let folder: string;
  let model: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-production-'));
    writeCustomers(
      folder,
      {
        training: { epochs: 40, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.02 } },
        regularizers: [{ type: 'weight-decay', strength: 0.3 }],
        model: { type: 'mlp', hidden: [64, 64] },
      },
      400,
    );
    const trained = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(trained.code, trained.stderr).toBe(0);
    const [baseline, regularized] = trained.json<TrainDocument>().runs.map(({ runId }) => runId);
    model = regularized;
    for (const runId of [baseline, regularized])
      await ballast(folder, 'models', 'register', runId, 'customers', '--json');
    await using store = await openStore(join(folder, '.ballast'));
    const at = (row: number): number => Date.now() - (3.5 - (row % 4)) * DAY;
    // Customers became older and poorer than those of the training.
    const rows = customerRows(1600, 9).map(([age, income, ...rest]) => [
      age === '' ? '' : String(Number(age) + 14),
      String(Number(income) - 0.8),
      ...rest,
    ]);
    const common = { model: 'customers', target: 'plan', features: FEATURES, at };
    const device = (row: number) => ({ device: row % 3 === 0 ? 'phone' : 'desk' });
    const labels = await answerRows(store, folder, rows, {
      ...common,
      version: '2',
      runId: regularized,
      metadata: device,
    });
    let place = 0;
    for (const [id, label] of labels) if (place++ % 4 === 0) labels.set(id, label === 'gold' ? 'basic' : 'gold');
    const canary = await answerRows(store, folder, rows.slice(0, 400), {
      ...{ ...common, version: '2', runId: regularized, role: 'candidate', at: (row) => at(row) + 1 },
    });
    // The baseline stood beside it, and was right more often there.
    const random = derive(4, 'shadows');
    const recorder = new Recorder(store);
    for (const observation of await store.observationsBetween('customers', { role: 'live', limit: 5000 })) {
      const truth = labels.get(observation.id) ?? '';
      recorder.observe({
        ...{ ...observation, id: `${observation.id}~1`, beside: observation.id, role: 'shadow', version: '1' },
        prediction: random.uniform() < 0.97 ? truth : 'basic',
        latencyMs: 0.5,
      });
    }
    await recorder.stop();
    writeLabels(join(folder, 'truth.csv'), new Map([...labels, ...canary]));
    const { code } = await ballast(folder, 'labels', 'ingest', 'truth.csv', '--json');
    expect(code).toBe(0);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('the ledger goes on to canary and production, with intervals, by slice too', async () => {
    const { code, json, stderr } = await ballast(folder, 'ledger', 'models:/customers/2', '--json');
    expect(code, stderr).toBe(0);
    const { stages } = json<Ledger>();
    expect(stages.map(({ stage }) => stage)).toEqual(['train', 'validation', 'canary', 'production']);
    const production = stages[3];
    expect(production).toMatchObject({ rows: 1600, from: 'canary' });
    expect(production.interval[1] - production.interval[0]).toBeLessThan(0.06);
    const slice = await ballast(folder, 'ledger', 'models:/customers/2', '--slice', 'device=phone', '--json');
    expect(slice.json<Ledger>().stages.find(({ stage }) => stage === 'production')?.rows).toBe(534);
    const shadow = await ballast(folder, 'ledger', 'models:/customers/1', '--json');
    expect(shadow.json<Ledger>().stages.at(-1)).toMatchObject({ stage: 'shadow', rows: 1600 });
  });

  test('diagnose names the drifted inputs, and the compressed model that is slower', async () => {
    await ballast(folder, 'models', 'tag', 'customers/2', 'made=int8');
    const { code, json, stderr } = await ballast(folder, 'diagnose', 'models:/customers/2', '--no-probes', '--json');
    expect(code, stderr).toBe(1);
    const { findings } = json<{ findings: Finding[] }>();
    const told = Object.fromEntries(findings.map(({ id, evidence }) => [id, evidence.join('; ')]));
    expect(told.F5).toMatch(
      /age drifted in models:\/customers\/2.*production lost .* of accuracy since validation, on 1600/,
    );
    expect(told.F9).toMatch(/p99 is .* over 2000 requests; that of models:\/customers\/1 was/);
  });

  test('a shadow that differs in one regularizer shows what that one does here, row by row', async () => {
    await using store = await openStore(join(folder, '.ballast'));
    const evidence = await productionEvidence(store, await store.getRun(model), {
      ...{ metric: 'accuracy', runtime: await openRuntime(), level: 0.99 },
    });
    expect(evidence?.mismatched).toMatchObject({
      regularizer: 'weight-decay',
      other: 'models:/customers/1',
      pairs: 1600,
    });
    expect(evidence?.mismatched?.production.interval[0]).toBeGreaterThan(0.1);
    expect(evidence?.slower).toMatchObject({ than: 'models:/customers/1', compressed: true });
  });
});

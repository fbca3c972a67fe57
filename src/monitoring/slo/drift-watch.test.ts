import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newRun } from '../../../test/contracts/store/subject.js';
import { derive } from '../../numeric/index.js';
import { sloOptions } from '../../spec/slo-options.js';
import { noCounts, openStore, type Store } from '../../store/index.js';
import { evaluateAlerts } from '../alerts/evaluate-alerts.js';
import { Recorder } from '../record/recorder.js';
import { REFERENCE_ARTIFACT } from '../reference/build.js';
import { encodeReference } from '../reference/reference.js';
import { ColumnSketch } from '../sketch/column-sketch.js';
import { DriftWatch } from './drift-watch.js';
import { measureModel } from './measure-model.js';

const HOUR = 3_600_000;
const NOW = Math.floor(Date.now() / HOUR) * HOUR;

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ballast-drift-watch-'));
  store = await openStore(join(folder, 'store'));
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a column that moved and stays so is a ticket, and costs the objective its days', async () => {
  const random = derive(5, 'ages');
  const age = new ColumnSketch();
  age.add(Array.from({ length: 3000 }, () => random.normal(40, 10)));
  const run = await store.createRun(newRun());
  const { labelled, labelledSum, right } = noCounts().confidence;
  const reference = encodeReference({
    ...{ task: 'classification', classes: ['no', 'yes'], loss: { mean: 0, rows: 0 }, unknown: 0 },
    columns: new Map([['feature/age', { kind: 'number', sketch: age }]]),
    sample: { columns: {}, loss: [] },
    confidence: { labelled, labelledSum, right },
  });
  await store.putArtifact(run, REFERENCE_ARTIFACT, reference);
  await store.putArtifact(run, 'model.onnx', Buffer.from('model'));
  await store.createVersion({
    name: 'm',
    source: `runs:/${run}`,
    from: { kind: 'run', runId: run, path: 'model.onnx' },
  });
  await store.putSlos(
    'm',
    [{ name: 'calm', definition: { name: 'calm', sli: { type: 'drift' }, objective: 0.9 } }],
    'x',
  );
  const recorder = new Recorder(store);
  for (let day = 6; day >= 1; day--) {
    for (let i = 0; i < 400; i++) {
      recorder.observe({
        ...{ id: `${day}-${i}`, at: NOW - day * 24 * HOUR + i * 1000, model: 'm', version: '1', regularizerId: 'rg' },
        ...{ role: 'live', status: 'ok', latencyMs: 1, flags: [], metadata: {}, prediction: 'yes' },
        features: { age: random.normal(day <= 3 ? 52 : 40, 10) },
      });
    }
  }
  await recorder.stop();
  const drift = new DriftWatch(store);
  const { statuses, drift: watched } = await measureModel(store, 'm', { now: NOW, drift });
  expect(watched?.drifted.map(({ name }) => name)).toEqual(['age']);
  expect(statuses[0]).toMatchObject({ state: 'breached', slo: sloOptions.parse(statuses[0].slo) });
  expect(statuses[0].events).toEqual({ good: 3, total: 6, pending: 0 });
  const { alerts } = await evaluateAlerts(store, { now: NOW, drift });
  const ticket = alerts.find(({ rule }) => rule === 'drift');
  expect(ticket?.severity).toBe('ticket');
  expect(ticket?.annotations.summary).toMatch(/^m: 1 column drifted: age \(4\d/);
});

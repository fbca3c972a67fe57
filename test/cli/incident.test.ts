import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluate } from '../../src/evaluation/index.js';
import { evaluateAlerts } from '../../src/monitoring/alerts/evaluate-alerts.js';
import { Recorder } from '../../src/monitoring/index.js';
import { openStore, parseSource } from '../../src/store/index.js';
import { ballast } from '../support/command.js';

const HOUR = 3_600_000;

describe('ballast alerts incident and postmortem', () => {
  let folder: string;
  let fingerprint: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-incident-'));
    const store = await openStore(join(folder, '.ballast'));
    for (const strength of [0.2, 0.9]) {
      const runId = await store.createRun({
        ...{
          name: 'fraud',
          experiment: 'fraud',
          kind: 'train',
          spec: { training: { epochs: 10 * strength } },
          seed: 1,
        },
        ...{ datasetName: null, dataVersion: null, environment: {}, codeCommit: `c${strength}` },
        ...{ regularizerId: `rg-${strength}`, manifest: { regularizers: [{ type: 'dropout', strength }] } },
      });
      await store.putArtifact(runId, 'model/model.onnx', Buffer.from(`weights ${strength}`));
      // On the holdout class b is taken for a; in production c is.
      const target = Array.from({ length: 60 }, (_, i) => i % 3);
      const predictions = target.map((code, i) => (code === 1 && i % 2 === 0 ? 0 : code));
      const record = evaluate({ task: 'classification', classes: ['a', 'b', 'c'], target, predictions, seed: 1 });
      await store.putEvaluation(runId, 'holdout', record);
      await store.finishRun(runId, 'finished');
      const source = `runs:/${runId}/model`;
      await store.createVersion({ name: 'fraud', source, from: await parseSource(store, source) });
    }
    await store.setAlias('fraud', 'champion', 2);
    await store.updateModel('fraud', { owner: 'ann', escalation: 'bob' });
    const slo = { name: 'right', sli: { type: 'correctness' }, objective: 0.9, labels: { delay: '1m' }, window: '1d' };
    await store.putSlos('fraud', [{ name: 'right', definition: slo }], 'test');
    const recorder = new Recorder(store);
    const at = Date.now() - HOUR;
    for (let i = 0; i < 200; i++) {
      recorder.observe({
        ...{ id: `p${i}`, at: at + i, model: 'fraud', version: '2', regularizerId: 'rg-0.9', role: 'live' },
        ...{ latencyMs: 2, features: {}, flags: [], metadata: { device: i % 2 === 0 ? 'phone' : 'desk' } },
        ...(i < 5 ? { status: 'failed', fault: 'WORKER_ENDED: it ended' } : { status: 'ok', prediction: 'a' }),
      });
    }
    await recorder.stop();
    const label = (i: number) => ({
      id: `p${i}`,
      label: i % 2 === 0 ? 'c' : 'a',
      knownAt: at + HOUR / 2,
      source: 'test',
    });
    await store.ingestLabels(Array.from({ length: 150 }, (_, i) => label(i + 5)));
    const { alerts } = await evaluateAlerts(store);
    fingerprint = alerts.find(({ rule }) => rule === 'slo-breach')?.fingerprint ?? '';
    await store.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const alerts = (...words: string[]) => ballast(folder, 'alerts', ...words);

  test('the checklist is answered from the record, and open until the version is back and another is trained', async () => {
    const { code, stdout } = await alerts('incident', 'fraud', '--since', '2h');
    expect(code).toBe(1);
    expect(stdout).toContain('version 2, run ');
    expect(stdout).toContain('c taken for a (100 %): new, the holdout did not have it');
    expect(stdout).toContain('manifest.regularizers[0].strength: 0.2 -> 0.9');
    expect(stdout).toContain('[ ] Is the version before back');
    expect(stdout).toContain('ballast models alias fraud@champion 1');
    const store = await openStore(join(folder, '.ballast'));
    const recorded = { seed: 1, datasetName: null, dataVersion: null, manifest: {}, environment: {}, spec: {} };
    const runId = await store.createRun({
      name: 'f',
      experiment: 'fraud',
      kind: 'train',
      regularizerId: 'rg-x',
      ...recorded,
    });
    await store.finishRun(runId, 'finished');
    const recorder = new Recorder(store);
    const answer = { role: 'live', status: 'ok', latencyMs: 2, features: {}, flags: [], metadata: {} } as const;
    recorder.observe({ id: 'q', at: Date.now(), model: 'fraud', version: '1', regularizerId: 'rg-0.2', ...answer });
    await recorder.stop();
    await store.close();
    const done = await alerts('incident', fingerprint, '--json');
    expect(done.code).toBe(0);
    expect(done.json<{ checklist: { done?: boolean }[] }>().checklist.map((each) => each.done)).toEqual([
      ...[undefined, undefined, undefined],
      ...[true, true],
    ]);
  });

  test('the postmortem has what users met, what happened, and what the record knows of why', async () => {
    const { code } = await alerts('postmortem', 'fraud', '--since', '2h', '--out', 'postmortem.md');
    expect(code).toBe(0);
    const text = readFileSync(join(folder, 'postmortem.md'), 'utf8');
    expect(text).toMatch(/^# Postmortem: fraud, /);
    expect(text).toContain('| 2 | live | 200 | 5 | 150 | 75 |');
    expect(text).toMatch(/- page, firing: fraud: right is broken/);
    expect(text).toMatch(/model\.promote/);
    expect(text).toContain('Version 2, before it 1');
    expect(text).toContain('Owner ann');
    for (const question of ['changed recently', 'underfitting', 'represent production', 'labels were missing']) {
      expect(text).toContain(question);
    }
    const nowhere = await alerts('postmortem', 'fraud', '--out', 'absent/postmortem.md', '--json');
    expect([nowhere.code, nowhere.json().error]).toEqual([3, expect.objectContaining({ code: 'FILE_WRITE' })]);
    const nobody = await alerts('postmortem', 'nobody', '--json');
    expect([nobody.code, nobody.json().error]).toEqual([2, expect.objectContaining({ code: 'ALERT_NOT_FOUND' })]);
  });

  test('where nothing went wrong it is about the version that is live, whichever answered in the same minute', async () => {
    const store = await openStore(join(folder, '.ballast'));
    const { source } = await store.getVersion('fraud', 1);
    for (let i = 0; i < 2; i++)
      await store.createVersion({ name: 'calm', source, from: await parseSource(store, source) });
    await store.setTraffic('calm', { shares: [{ version: 1, role: 'live', weight: 1 }], reason: 'rolled back' });
    const recorder = new Recorder(store);
    const answer = { role: 'live', status: 'ok', latencyMs: 2, features: {}, flags: [], metadata: {} } as const;
    for (const version of ['1', '2']) {
      const of = { at: Date.now(), model: 'calm', version, regularizerId: '' };
      recorder.observe({ id: `calm ${version}`, ...of, ...answer });
    }
    await recorder.stop();
    await store.close();
    const found = (await alerts('incident', 'calm', '--json')).json<{ answering: string; known: { facts: object } }>();
    expect([found.answering, found.known.facts]).toEqual([
      '1',
      expect.objectContaining({ VERSION: '1', PREVIOUS: '2' }),
    ]);
  });
});

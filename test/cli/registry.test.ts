import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

interface GateDocument {
  readonly pass: boolean;
  readonly rules: readonly { readonly rule: string; readonly pass: boolean; readonly interval: unknown }[];
  readonly skipped: readonly { readonly rule: string }[];
}

describe('models and gate', () => {
  let folder: string;
  let run: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-registry-'));
    writeCustomers(folder, {
      training: { epochs: 8, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.01 } },
      regularizers: [{ type: 'weight-decay', strength: 0.1 }],
      owner: 'risk-team',
    });
    const { code, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(code, stderr).toBe(0);
    run = json<TrainDocument>().runs[1].runId;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a version goes from a run to traffic by its checklists', async () => {
    const ask = (...words: string[]) => ballast(folder, 'models', ...words, '--json');
    expect((await ask('register', run.slice(0, 10), 'customers')).json()).toMatchObject({ version: 1, runId: run });
    expect((await ask('show', 'customers')).json()).toMatchObject({ owner: 'risk-team' });
    const open = await ask('checklist', 'customers/1');
    expect([open.code, open.json().ready]).toEqual([1, false]);
    const refused = await ask('alias', 'customers@champion', '1');
    expect([refused.code, refused.json().error]).toEqual([2, expect.objectContaining({ code: 'MODEL_NOT_READY' })]);
    expect((await ballast(folder, 'evaluate', 'models:/customers/1', '--holdout', '--json')).code).toBe(0);
    expect((await ballast(folder, 'runs', 'reproduce', run, '--json')).code).toBe(0);
    for (const item of [
      'canary-plan',
      'slis-emitted',
      'canary-configured',
      'rollback-drilled',
      'runbooks-accessible',
    ]) {
      await ask('checklist', 'customers/1', '--sign', item, '--note', 'done in the drill');
    }
    const words = ['--owner', 'ann', '--on-call', '#ml', '--escalation', 'bob', '--criticality', 'low'];
    expect((await ask('set', 'customers', ...words, '--threat-model', 'none')).code).toBe(0);
    expect((await ask('checklist', 'customers/1')).json()).toMatchObject({ ready: true });
    expect((await ask('alias', 'customers@champion', '1')).code).toBe(0);
    const lineage = (await ask('lineage', 'customers@champion')).json<{ edges: { relation: string }[] }>();
    expect(lineage.edges.map(({ relation }) => relation)).toEqual(['used-by', 'produced', 'registered-as']);
    expect((await ask('tag', 'customers/1', 'reviewed=yes')).json()).toMatchObject({ tags: { reviewed: 'yes' } });
    expect((await ask('archive', 'customers/1')).json().error).toMatchObject({ code: 'MODEL_IN_USE' });
    expect((await ask('show', 'nothing')).json().error).toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  test('a gate judges a run, reads the holdout once and tells it in Markdown', async () => {
    const words = ['--max-ece', '1', '--max-gap', '1', '--min-worst-class', '0', '--summary', 'summary.md', '--json'];
    const first = await ballast(folder, 'gate', run, ...words);
    expect(first.code, first.stderr).toBe(0);
    const { pass, rules, skipped } = first.json<GateDocument>();
    expect(pass).toBe(true);
    expect(rules.map(({ rule }) => rule)).toEqual(['manifest', 'leakage', 'gap', 'ece', 'worst-class', 'holdout']);
    expect(skipped.map(({ rule }) => rule)).toEqual(['fairness', 'compression']);
    await using store = await openStore(join(folder, '.ballast'));
    const reads = (await store.holdoutReads()).length;
    expect((await ballast(folder, 'gate', 'models:/customers/1', ...words)).code).toBe(0);
    expect((await store.holdoutReads()).length).toBe(reads);
    expect(readFileSync(join(folder, 'summary.md'), 'utf8')).toContain('| ✅ | manifest | 1 |');
    const failed = await ballast(folder, 'gate', run, '--max-gap', '-1', '--no-holdout', '--json');
    expect([failed.code, failed.json<GateDocument>().pass]).toEqual([1, false]);
    expect((await ballast(folder, 'gate', run, '--require', 'nonsense', '--json')).code).toBe(2);
  });

  test('a run that a client logged is diagnosed and gated by what it logged', async () => {
    await using store = await openStore(join(folder, '.ballast'));
    const id = await store.createRemoteRun({
      experimentId: await store.createExperiment('clients'),
      name: 'keras',
      tags: {},
      startedAt: new Date(),
    });
    const metrics = [0.7, 0.9, 0.99].flatMap((value, step) => [
      { name: 'accuracy', value, step },
      { name: 'val_accuracy', value: 0.7, step },
    ]);
    await store.logBatch(id, { metrics });
    const diagnosis = await ballast(folder, 'diagnose', id, '--json');
    expect(diagnosis.code, diagnosis.stderr).toBe(1);
    expect(diagnosis.json<{ findings: { id: string }[] }>().findings.map((each) => each.id)).toEqual(['F2', 'X10']);
    expect((await ballast(folder, 'diagnose', id, '--apply', '--json')).code).toBe(2);
    const gate = await ballast(folder, 'gate', id, '--json');
    const failed = gate.json<GateDocument>().rules.filter((rule) => !rule.pass);
    expect([gate.code, failed.map(({ rule }) => rule)]).toEqual([1, ['manifest', 'gap']]);
    expect((await ballast(folder, 'runs', 'show', id)).stdout).toContain('val_accuracy');
    expect((await ballast(folder, 'runs', 'list')).code).toBe(0);
  });
});

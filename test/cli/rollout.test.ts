import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RolloutDocument } from '../../src/rollout/index.js';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { registerVersions } from '../support/registered-versions.js';
import { Simulation } from '../support/simulated-traffic.js';

describe('ballast rollout', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-rollout-'));
    const store = await openStore(join(folder, '.ballast'));
    await registerVersions(store, 'fraud', 2);
    await store.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const rollout = (...words: string[]) => ballast(folder, 'rollout', ...words, '--json');

  test('starts, judges what was observed, rolls back', async () => {
    writeFileSync(
      join(folder, 'rollout.yaml'),
      'steps: [{ weight: 0, watch: 1h }, { weight: 0.1 }]\nslis: [{ type: failures }, { type: disagreement }]\nevery: 1s\n',
    );
    const started = await rollout('start', 'fraud', '--candidate', '2', '--options', 'rollout.yaml');
    expect(started.code).toBe(0);
    const { rolloutId, ...document } = started.json<RolloutDocument>();
    expect(document).toMatchObject({
      ...{ state: 'running', step: 1, weights: { 1: 1 }, shadow: ['2'], alphaSpent: 0 },
      decision: { kind: 'start' },
    });
    const again = await rollout('start', 'fraud', '--candidate', '2');
    expect([again.code, again.json<{ error: { code: string } }>().error.code]).toEqual([2, 'ROLLOUT_UNDER_WAY']);
    const store = await openStore(join(folder, '.ballast'));
    const simulation = new Simulation({
      ...{ model: 'fraud', seed: 1, rate: 200, labels: { share: 0, delayMs: 0 } },
      baseline: { version: '1', behaviour: {} },
      candidate: { version: '2', behaviour: { failed: () => 0.4 } },
    });
    const { observations } = simulation.second(Date.now(), 0, true);
    await store.recordObservations({ id: 'one', observations, windows: [], sketches: [] });
    await store.close();
    await new Promise((resolve) => setTimeout(resolve, 4500));
    const looked = await rollout('look', 'fraud');
    expect(looked.code).toBe(1);
    expect(looked.json<RolloutDocument>()).toMatchObject({
      ...{ rolloutId, state: 'rolled-back', weights: { 1: 1 }, decision: { kind: 'roll-back', by: 'controller' } },
    });
    const [failures] = looked.json<RolloutDocument>().slis;
    expect(failures).toMatchObject({ name: 'failures', verdict: 'regressed' });
    expect(failures.delta).toBeGreaterThan(0.2);
    const all = await rollout('status');
    expect(all.json<{ success: object }>().success).toEqual({ succeeded: 0, failed: 1, aborted: 0, rate: 0 });
    const text = await ballast(folder, 'rollout', 'status', rolloutId);
    expect(text.code).toBe(1);
    expect(text.stdout).toContain('rolled-back');
  });

  test('exports manifests of what is served', async () => {
    for (const [what, said] of [
      ['kubernetes', 'kind: HTTPRoute'],
      ['kserve', 'kind: InferenceService'],
      ['envoy', 'x-ballast-version'],
    ]) {
      const { code, json } = await ballast(folder, 'export', what, 'fraud', '--rate', '50', '--json');
      expect(code).toBe(0);
      expect(json<{ text: string }>().text).toContain(said);
    }
    const fewer = await ballast(folder, 'export', 'kserve', 'fraud', '--min-replicas', '9', '--max-replicas', '2');
    expect([fewer.code, fewer.stderr]).toEqual([2, expect.stringContaining('--max-replicas')]);
  });

  test('refuses what it cannot begin', async () => {
    const codes = [];
    for (const words of [
      ['start', 'nowhere', '--candidate', '2'],
      ['start', 'fraud', '--candidate', '9'],
      ['start', 'fraud', '--candidate', 'two'],
      ['start', 'fraud', '--candidate', '1', '--baseline', '2'],
      ['start', 'fraud', '--candidate', '2', '--options', 'missing.yaml'],
      ['status', 'ro-none'],
    ]) {
      const { code, json } = await rollout(...words);
      codes.push([code, json<{ error: { code: string } }>().error.code]);
    }
    expect(codes).toEqual([
      [2, 'MODEL_NOT_FOUND'],
      [2, 'VERSION_NOT_FOUND'],
      [2, 'USAGE'],
      [2, 'ROLLOUT_BASELINE_NOT_LIVE'],
      [2, 'SPEC_UNREADABLE'],
      [2, 'ROLLOUT_NOT_FOUND'],
    ]);
  });
});

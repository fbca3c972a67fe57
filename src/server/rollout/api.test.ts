import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerVersions } from '../../../test/support/registered-versions.js';
import type { RolloutDocument } from '../../rollout/index.js';
import { openStore, type Store } from '../../store/index.js';
import { type RunningServer, startServer } from '../server.js';

describe('rollouts over HTTP', () => {
  let folder: string;
  let store: Store;
  let server: RunningServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ballast-rollout-api-'));
    store = await openStore(join(folder, 'store'));
    await registerVersions(store, 'podinfo', 2);
    server = await startServer({ store, port: 0 });
  });
  afterAll(async () => {
    await server.stop();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function ask<T>(path: string, body?: object): Promise<{ status: number; body: T }> {
    const response = await fetch(`${server.url}/api/v1${path}`, {
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  test('are begun, told, and judged for Argo Rollouts and Flagger', async () => {
    expect((await ask('/analysis/podinfo')).status).toBe(404);
    const begun = await ask<RolloutDocument>('/rollouts', { model: 'podinfo', candidate: 2 });
    expect([begun.status, begun.body.state]).toEqual([201, 'running']);
    const { rolloutId } = begun.body;

    // Argo Rollouts, docs/analysis/web.md: jsonPath "{$.data.ok}".
    const metric = await ask<{ data: { ok: boolean; verdict: string } }>('/analysis/podinfo');
    expect(metric).toMatchObject({ status: 200, body: { data: { ok: true, verdict: 'hold' } } });

    // Flagger, docs/gitbook/usage/webhooks.md: the payloads as published. The phase is the canary's, whatever the hook.
    const published = {
      ...{ name: 'podinfo', namespace: 'test', phase: 'Progressing' },
      metadata: { test: 'all', token: '16688eb5e9f289f1991c' },
    };
    const event = {
      ...{ name: 'podinfo', namespace: 'test', phase: 'Waiting' },
      metadata: { eventMessage: 'Halt advancement', eventType: 'Warning', timestamp: '1578607635167' },
    };
    const webhook = (hook: string) => ask(`/analysis/flagger/${hook}`, hook === 'event' ? event : published);
    expect((await webhook('Progressing')).status).toBe(400);
    const named = { ...published, name: 'frontend', metadata: { model: 'podinfo' } };
    expect((await ask('/analysis/flagger/rollout', named)).status).toBe(200);
    const phases = ['confirm-rollout', 'pre-rollout', 'rollout', 'confirm-promotion', 'rollback', 'event'];
    const codes = async () =>
      Object.fromEntries(await Promise.all(phases.map(async (each) => [each, (await webhook(each)).status])));
    expect(await codes()).toEqual({
      ...{ 'confirm-rollout': 200, 'pre-rollout': 200, rollout: 200 },
      ...{ 'confirm-promotion': 412, rollback: 412, event: 200 },
    });

    expect((await ask(`/rollouts/${rolloutId}/promote`, {})).status).toBe(400);
    const promoted = await ask<RolloutDocument>(`/rollouts/${rolloutId}/promote`, { reason: 'looked at by hand' });
    expect(promoted.body).toMatchObject({ step: 2, weights: { 1: 0.95, 2: 0.05 } });
    await ask(`/rollouts/${rolloutId}/roll-back`, { reason: 'complaints' });
    expect(await codes()).toEqual({
      ...{ 'confirm-rollout': 412, 'pre-rollout': 412, rollout: 412 },
      ...{ 'confirm-promotion': 412, rollback: 200, event: 200 },
    });
    const failed = await ask<{ data: object }>('/analysis/podinfo');
    expect(failed).toMatchObject({ status: 200, body: { data: { ok: false, failed: true, verdict: 'roll-back' } } });

    const shown = await ask<{ decisions: { kind: string; by: string }[] }>(`/rollouts/${rolloutId}`);
    expect(shown.body.decisions.map(({ kind, by }) => [kind, by])).toEqual([
      ['start', 'local'],
      ['promote', 'local'],
      ['roll-back', 'local'],
    ]);
    const all = await ask<{ rollouts: object[]; success: object }>('/rollouts?model=podinfo');
    expect([all.body.rollouts.length, all.body.success]).toEqual([1, { succeeded: 0, failed: 1, aborted: 0, rate: 0 }]);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askRaw } from '../../../test/support/ask-raw.js';
import { evaluateAlerts } from '../../monitoring/alerts/evaluate-alerts.js';
import { logBucket } from '../../numeric/index.js';
import { noCounts, openStore, type Store } from '../../store/index.js';
import { type RunningServer, startServer } from '../index.js';

let folder: string;
let store: Store;
let server: RunningServer;
let authorization: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-observed-'));
  store = await openStore(join(folder, 'store'), { thread: true });
  await store.putUser('ann', 'admin');
  await store.putUser('bob', 'viewer');
  const token = await store.createToken('ann', { label: 'test', seconds: 600 });
  authorization = { authorization: `Bearer ${token}` };
  server = await startServer({ store, port: 0 });
});

afterAll(async () => {
  await server.stop();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

async function ask<T = Record<string, unknown>>(method: string, path: string, body?: unknown, as = authorization) {
  const options = { headers: as, ...(body === undefined ? {} : { body }) };
  const answer = await askRaw(server.url, method, path, options);
  return { status: answer.status, text: answer.body, json: () => JSON.parse(answer.body) as T };
}
const traffic = (id: string, start: number, failed: number): Promise<void> =>
  store.recordObservations({
    id,
    observations: [],
    windows: [
      {
        ...{ model: 'fraud', version: '3', regularizerId: 'rg-1', role: 'live', slice: '', start, ms: 60_000 },
        ...{ ...noCounts(), requests: 100, failed, labelled: 50, wrong: 5, latency: { [logBucket(20)]: 100 - failed } },
      },
    ],
    sketches: [],
  });

describe('objectives, alerts and series over HTTP', () => {
  test('what is promised is written, told with what was kept, and removed', async () => {
    const slos = [{ name: 'availability', sli: { type: 'availability' }, objective: 0.99 }];
    expect((await ask('POST', '/api/v1/slos', { model: 'fraud', slos })).status).toBe(200);
    const minute = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
    await traffic('a', minute, 50);
    const { models } = (await ask<{ models: { slos: object[] }[] }>('GET', '/api/v1/slos?model=fraud')).json();
    expect(models[0].slos).toMatchObject([{ state: 'breached', source: 'api', attained: { value: 0.5 } }]);
    const wrong = await ask('POST', '/api/v1/slos', { model: 'fraud', slos: [{ ...slos[0], objective: 2 }] });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('objective')]);
    const sli = { model: 'fraud', name: 'orders', good: 3, total: 4 };
    expect((await ask('POST', '/api/v1/slis', sli)).status).toBe(200);
    expect((await ask('GET', '/api/v1/slos?model=nobody')).status).toBe(404);
  });

  test('what fires is told, silenced with an audit entry, and heard again', async () => {
    await evaluateAlerts(store, {});
    interface Alerts {
      readonly alerts: { rule: string; fingerprint: string; suppressedBy?: string }[];
    }
    const { alerts } = (await ask<Alerts>('GET', '/api/v1/alerts?model=fraud')).json();
    expect(alerts.map(({ rule }) => rule).sort()).toEqual(['blind-spot', 'slo-breach', 'slo-burn']);
    const shown = await ask('GET', `/api/v1/alerts/${alerts[0].fingerprint}`);
    expect(shown.json()).toMatchObject({ events: [{ event: 'fired' }], deliveries: [] });
    const silence = { matchers: [{ label: 'model', value: 'fraud' }], minutes: 60, reason: 'known' };
    const made = (await ask<{ silence: { id: number } }>('POST', '/api/v1/silences', silence)).json();
    await evaluateAlerts(store, {});
    const quiet = (await ask<Alerts>('GET', '/api/v1/alerts')).json().alerts;
    expect(quiet.every(({ suppressedBy }) => suppressedBy === `silence ${made.silence.id}`)).toBe(true);
    expect((await ask('DELETE', `/api/v1/silences/${made.silence.id}`)).status).toBe(200);
    expect((await store.auditLog({ actor: 'ann', limit: 2 })).map(({ action }) => action)).toEqual([
      'alert.unsilence',
      'alert.silence',
    ]);
    expect((await ask('POST', '/api/v1/silences', { ...silence, reason: '' })).status).toBe(400);
  });

  test('the series tell each version, only grow, and take late labels', async () => {
    const first = await ask('GET', '/metrics');
    expect(first.text).toMatch(/# EOF\n$/);
    const value = (text: string, series: string): number =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.split(' ')[1],
      );
    const labels = 'model="fraud",version="3",role="live"';
    expect(value(first.text, `ballast_requests_total{${labels},outcome="failed"}`)).toBe(50);
    expect(value(first.text, `ballast_labels_total{${labels},outcome="wrong"}`)).toBe(5);
    expect(value(first.text, `ballast_request_latency_seconds_bucket{${labels},le="0.01"}`)).toBe(0);
    expect(value(first.text, `ballast_request_latency_seconds_bucket{${labels},le="0.025"}`)).toBe(50);
    expect(value(first.text, 'ballast_slo_breached{model="fraud",slo="availability"}')).toBe(1);
    await traffic('b', Math.floor(Date.now() / 60_000) * 60_000 - 60_000, 1);
    await new Promise((resolve) => {
      setTimeout(resolve, 2100);
    });
    const second = await ask('GET', '/metrics');
    expect(value(second.text, `ballast_requests_total{${labels},outcome="failed"}`)).toBe(51);
  });

  test('belongs to those who may: viewers read, nobody else does anything', async () => {
    const token = await store.createToken('bob', { label: 'test', seconds: 600 });
    const bob = { authorization: `Bearer ${token}` };
    expect((await ask('GET', '/api/v1/alerts', undefined, bob)).status).toBe(200);
    const silence = { matchers: [{ label: 'severity', value: 'page' }], minutes: 60, reason: 'quiet' };
    expect((await ask('POST', '/api/v1/silences', silence, bob)).status).toBe(403);
    const count = { model: 'fraud', name: 'orders', good: 1, total: 1 };
    expect((await ask('POST', '/api/v1/slis', count, bob)).status).toBe(403);
    for (const path of ['/metrics', '/api/v1/slos', '/api/v1/alerts', '/api/v1/silences']) {
      expect((await ask('GET', path, undefined, {})).status, path).toBe(401);
    }
  });
});

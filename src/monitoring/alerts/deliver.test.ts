import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AlertState, openStore, type Store } from '../../store/index.js';
import { deliver } from './deliver.js';
import { postJson } from './post-json.js';
import { isPrivateAddress } from './private-address.js';
import { alertmanager, webhook } from './targets.js';

const MINUTE = 60_000;

interface Got {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let folder: string;
let store: Store;
let peer: Server;
let url: string;
const got: Got[] = [];
let answers: number[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-alerts-'));
  store = await openStore(join(folder, 'store'));
  peer = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += String(piece);
    });
    request.on('end', () => {
      got.push({ path: request.url ?? '', headers: request.headers, body });
      response.writeHead(answers.shift() ?? 200, { location: 'http://127.0.0.1:1/' }).end('told');
    });
  });
  await new Promise<void>((resolve) => {
    peer.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await new Promise((resolve) => {
    peer.close(resolve);
  });
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  got.length = 0;
  answers = [];
});

const options = { allowPrivate: true, pauseMs: 1 };
let made = 0;
async function keep(change: Partial<AlertState> = {}): Promise<AlertState> {
  const alert: AlertState = {
    fingerprint: `f${made++}`,
    model: 'fraud',
    rule: 'slo-burn',
    severity: 'page',
    state: 'firing',
    labels: { alertname: 'Burn', model: 'fraud', version: '3', ledger_stage: 'production' },
    annotations: { summary: 'it burns' },
    startedAt: new Date(MINUTE),
    seenAt: new Date(MINUTE),
    resolvedAt: undefined,
    changes: [MINUTE],
    suppressedBy: undefined,
    ...change,
  };
  await store.saveAlerts([{ alert }]);
  return alert;
}

describe('posting', () => {
  test('refuses private addresses, however they are written, and follows no redirects', async () => {
    for (const target of [
      url,
      'http://[::1]:9/',
      'http://0x7f.1:9/',
      'http://localhost:9/',
      'http://169.254.169.254/',
    ]) {
      await expect(postJson(target, {}, { retries: 0 }), target).rejects.toMatchObject({ code: 'TARGET_PRIVATE' });
    }
    await expect(postJson('ftp://a', {})).rejects.toMatchObject({ code: 'TARGET_INVALID' });
    expect(got).toEqual([]);
    answers = [307];
    await expect(postJson(url, {}, options)).rejects.toMatchObject({ code: 'TARGET_REFUSED' });
    expect(got).toHaveLength(1);
  });

  test('knows what is private', () => {
    const all = ['10.1.2.3', '172.31.0.1', '192.168.1.1', '100.64.0.1', '::ffff:127.0.0.1', 'fe80::1', 'fd00::1', '::'];
    expect(all.filter((address) => !isPrivateAddress(address))).toEqual([]);
    expect(['8.8.8.8', '172.32.0.1', '2606:4700::1111'].filter(isPrivateAddress)).toEqual([]);
  });

  test('tries again what may pass, and signs', async () => {
    answers = [503, 429];
    await postJson(url, { a: 1 }, { ...options, secret: 'word' });
    expect(got).toHaveLength(3);
    const { headers, body } = got[2];
    const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-ballast-signature'])) ?? [];
    expect(hex).toBe(createHmac('sha256', 'word').update(`${seconds}.${body}`).digest('hex'));
    answers = [400];
    await expect(postJson(url, {}, options)).rejects.toMatchObject({ code: 'TARGET_REFUSED', value: 400 });
    expect(got).toHaveLength(4);
  });
});

describe('delivery', () => {
  test('tells a webhook of what is new, in one message for a model and version, and of its end', async () => {
    const target = webhook(`${url}/hook`, options);
    const [a, b] = [await keep(), await keep({ labels: { ...(await keep()).labels, alertname: 'Other' } })];
    expect(await deliver(store, [a, b], [target], 2 * MINUTE)).toEqual([]);
    expect(await deliver(store, [a, b], [target], 3 * MINUTE)).toEqual([]);
    expect(got).toHaveLength(1);
    const body = JSON.parse(got[0].body) as { alerts: { status: string }[]; commonLabels: object };
    expect(body).toMatchObject({ version: '4', status: 'firing', groupLabels: { model: 'fraud', version: '3' } });
    expect([body.alerts.length, body.commonLabels]).toEqual([
      2,
      { model: 'fraud', version: '3', ledger_stage: 'production' },
    ]);
    const ended = { ...a, state: 'resolved' as const, resolvedAt: new Date(4 * MINUTE) };
    await deliver(store, [ended, b], [target], 4 * MINUTE);
    await deliver(store, [ended, b], [target], 5 * MINUTE);
    expect(got).toHaveLength(2);
    expect(JSON.parse(got[1].body)).toMatchObject({ status: 'resolved', alerts: [{ status: 'resolved' }] });
  });

  test('keeps what could not be told due, with growing pauses, and holds up no other target', async () => {
    const alert = await keep();
    const targets = [webhook(`${url}/broken`, options), webhook(`${url}/fine`, options)];
    answers = [400, 400];
    const faults = await deliver(store, [alert], [targets[0]], 2 * MINUTE);
    expect(faults).toMatchObject([{ target: `${url}/broken`, error: { code: 'TARGET_REFUSED' } }]);
    await deliver(store, [alert], [targets[0]], 2 * MINUTE + 10_000);
    expect(got).toHaveLength(1);
    await deliver(store, [alert], [targets[0]], 3 * MINUTE);
    expect(await store.listDeliveries([alert.fingerprint])).toMatchObject([{ failures: 2, told: '' }]);
    await deliver(store, [alert], targets, 5 * MINUTE);
    expect(got.map(({ path }) => path)).toEqual(['/broken', '/broken', '/broken', '/fine'].sort());
  });

  test('does not tell what is suppressed, and tells who comes next of a page that stays', async () => {
    const target = webhook(`${url}/next`, options);
    await deliver(store, [await keep({ suppressedBy: 'silence 1' })], [target], 2 * MINUTE);
    expect(got).toHaveLength(0);
    const alert = await keep();
    await deliver(store, [alert], [target], 2 * MINUTE);
    await deliver(store, [alert], [target], 40 * MINUTE);
    await deliver(store, [alert], [target], 50 * MINUTE);
    expect(got).toHaveLength(2);
    expect(JSON.parse(got[1].body)).toMatchObject({ alerts: [{ labels: { escalated: 'true' } }] });
  });

  test('tells Alertmanager every minute, as it forgets', async () => {
    const target = alertmanager(`${url}/am/`, { ...options, page: 'http://ballast' });
    const alert = await keep();
    await deliver(store, [alert], [target], 2 * MINUTE);
    await deliver(store, [alert], [target], 3 * MINUTE);
    expect(got.map(({ path }) => path)).toEqual(['/am/api/v2/alerts', '/am/api/v2/alerts']);
    expect(JSON.parse(got[0].body)).toEqual([
      {
        labels: alert.labels,
        annotations: { ...alert.annotations, runbook_url: 'http://ballast/#/runbooks/slo-burn/fraud' },
        startsAt: '1970-01-01T00:01:00.000Z',
        endsAt: '1970-01-01T00:11:00.000Z',
        generatorURL: 'http://ballast/#/on-call/fraud',
      },
    ]);
  });
});

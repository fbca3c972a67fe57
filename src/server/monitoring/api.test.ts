import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askRaw } from '../../../test/support/ask-raw.js';
import { Recorder } from '../../monitoring/record/recorder.js';
import { openStore, type Store } from '../../store/index.js';
import { type RunningServer, startServer } from '../server.js';

describe('the monitoring API', () => {
  let folder: string;
  let store: Store;
  let open: RunningServer;
  let guarded: RunningServer;
  const tokens: Record<string, string> = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ballast-monitoring-api-'));
    store = await openStore(join(folder, 'store'), { thread: true });
    open = await startServer({ store, port: 0 });
    const recorder = new Recorder(store);
    for (const id of ['a', 'b', 'c']) {
      recorder.observe({
        ...{
          id,
          at: Date.now() - 1000,
          model: 'credit',
          version: '1',
          regularizerId: 'rg',
          role: 'live',
          status: 'ok',
        },
        ...{ latencyMs: 1, features: {}, prediction: 'yes', scores: [0.1, 0.9], flags: [], metadata: {} },
      });
    }
    await recorder.stop();
    for (const [name, role] of [
      ['ann', 'editor'],
      ['vic', 'viewer'],
    ] as const) {
      await store.putUser(name, role);
      tokens[name] = await store.createToken(name, { label: 'test', seconds: 60 });
    }
    guarded = await startServer({ store, port: 0 });
  });

  afterAll(async () => {
    await open.stop();
    await guarded.stop();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function ask(
    method: string,
    path: string,
    body?: unknown,
    as?: string,
  ): Promise<[number, Record<string, unknown>]> {
    const answer = await askRaw((as === undefined ? open : guarded).url, method, `/api/v1/${path}`, {
      body,
      headers: as === undefined ? {} : { authorization: `Bearer ${tokens[as]}` },
    });
    return [answer.status, JSON.parse(answer.body) as Record<string, unknown>];
  }

  test('takes labels and reports, and tells what is missing', async () => {
    expect(
      await ask('POST', 'labels', {
        labels: [
          { id: 'a', label: 'no', knownAt: '2026-03-01T12:00:00+01:00', source: 'settled' },
          { id: 'z', label: 'no' },
        ],
      }),
    ).toEqual([200, { joined: 1, corrected: 0, duplicates: 0, older: 0, unknown: ['z'], ambiguous: [] }]);
    expect(await ask('POST', 'reports', { reports: [{ id: 'a', note: 'not so' }] })).toEqual([
      200,
      { kept: 1, unknown: [] },
    ]);
    const [, missing] = await ask('GET', 'models/credit/labels');
    expect(missing).toMatchObject({ answered: 3, labelled: 1, reports: { count: 1, confirmed: 1 } });
    const [, { windows }] = await ask('GET', 'models/credit/windows?slice=&version=1');
    expect(windows).toMatchObject([{ requests: 3, labelled: 1, wrong: 1 }]);
  });

  test('refuses what it cannot read, and who may not', async () => {
    expect((await ask('POST', 'labels', { labels: [{ id: 'a' }] }))[0]).toBe(400);
    expect((await ask('POST', 'labels', { labels: [] }))[0]).toBe(400);
    expect((await ask('GET', 'models/none/labels'))[0]).toBe(404);
    const body = { labels: [{ id: 'b', label: 'yes' }] };
    expect((await ask('POST', 'labels', body, 'vic'))[0]).toBe(403);
    expect((await ask('POST', 'labels', body, 'ann'))[0]).toBe(200);
    expect((await ask('GET', 'models/credit/labels', undefined, 'vic'))[0]).toBe(200);
  });
});

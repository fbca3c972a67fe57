import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askRaw } from '../../test/support/ask-raw.js';
import { openStore, type Store } from '../store/index.js';
import { type RunningServer, startServer } from './index.js';

let folder: string;
let store: Store;
let server: RunningServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-server-'));
  store = await openStore(join(folder, 'store'), { thread: true });
  server = await startServer({ store, port: 0, artifactBytes: 1000 });
});

afterAll(async () => {
  await server.stop();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const ask = (method: string, path: string, options?: Parameters<typeof askRaw>[3]) =>
  askRaw(server.url, method, path, options);

async function code(method: string, path: string, body?: unknown): Promise<[number, string]> {
  const answer = await ask(method, `/api/2.0/mlflow/${path}`, { body });
  return [answer.status, (JSON.parse(answer.body) as { error_code: string }).error_code];
}

async function newRun(): Promise<{ id: string; root: string }> {
  const { body } = await ask('POST', '/api/2.0/mlflow/runs/create', { body: { experiment_id: '0' } });
  const { run } = JSON.parse(body) as { run: { info: { run_id: string; artifact_uri: string } } };
  return {
    id: run.info.run_id,
    root: run.info.artifact_uri.replace('mlflow-artifacts:', '/api/2.0/mlflow-artifacts/artifacts'),
  };
}

describe('the server', () => {
  test('answers only by its own names, and no page of another origin', async () => {
    const path = '/api/2.0/mlflow/experiments/get?experiment_id=0';
    expect((await ask('GET', path)).status).toBe(200);
    const strange: Record<string, string>[] = [
      { host: 'evil.example' },
      { host: 'evil.example:4780' },
      { host: '127.0.0.1.evil.example' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of strange) {
      const answer = await ask('GET', path, { headers });
      expect([answer.status, answer.body], JSON.stringify(headers)).toEqual([
        403,
        expect.stringContaining('PERMISSION_DENIED'),
      ]);
    }
    const { host } = new URL(server.url);
    expect((await ask('GET', path, { headers: { origin: `http://${host}` } })).status).toBe(200);
  });

  test('names what it does not have', async () => {
    expect(await code('GET', 'no/such')).toEqual([404, 'ENDPOINT_NOT_FOUND']);
    expect((await ask('GET', '/health')).body).toBe('OK');
  });

  test('stops after the requests under way', async () => {
    const second = await startServer({ store, port: 0 });
    const answer = fetch(`${second.url}/api/2.0/mlflow/experiments/search`);
    await answer;
    await second.stop();
    await expect(fetch(`${second.url}/health`)).rejects.toThrow();
    await expect(startServer({ store, port: Number(new URL(server.url).port) })).rejects.toMatchObject({
      code: 'SERVER_ADDRESS',
      exitCode: 3,
    });
  });
});

describe('bad input', () => {
  test('is refused in MLflow’s codes', async () => {
    const { id } = await newRun();
    const invalid = [400, 'INVALID_PARAMETER_VALUE'];
    for (const [path, body] of [
      ['runs/create', { experiment_id: 'x' }],
      ['runs/create', { experiment_id: { $ne: 1 } }],
      ['experiments/create', { name: '' }],
      ['experiments/create', { name: ['a'] }],
      ['experiments/create', {}],
      ['runs/log-metric', { run_id: id, key: 'a', value: 'many' }],
      ['runs/log-metric', { run_id: '../../etc/passwd', key: 'a', value: 1 }],
      ['runs/log-metric', { run_id: id, key: 'a\u0000', value: 1 }],
      ['runs/log-parameter', { run_id: id, key: 'a', value: 'x'.repeat(6001) }],
      ['runs/set-tag', { run_id: id, key: 'x'.repeat(251), value: '' }],
      ['runs/log-batch', { run_id: id, metrics: Array.from({ length: 1001 }, () => ({ key: 'a', value: 1 })) }],
      ['runs/log-batch', { run_id: id, params: Array.from({ length: 101 }, (_, i) => ({ key: `p${i}`, value: '' })) }],
      [
        'runs/log-batch',
        {
          run_id: id,
          params: [
            { key: 'a', value: '1' },
            { key: 'a', value: '2' },
          ],
        },
      ],
      ['runs/log-batch', { run_id: id, tags: [{ key: 'a', value: 'x'.repeat(1_100_000) }] }],
      ['runs/search', { experiment_ids: ['0'], filter: "name = 'a'); drop table run; --" }],
      ['runs/search', { experiment_ids: ['0'], max_results: 50_001 }],
      ['runs/search', { experiment_ids: ['0'], page_token: 'bm90IGpzb24' }],
      ['runs/search', { experiment_ids: ['0'], order_by: ['metrics.a sideways'] }],
      ['runs/search', '[1]'],
      ['runs/search', '{"experiment_ids":'],
    ] as const) {
      expect(await code('POST', path, body), `${path} ${JSON.stringify(body).slice(0, 100)}`).toEqual(invalid);
    }
    const missing = [404, 'RESOURCE_DOES_NOT_EXIST'];
    expect(await code('GET', `runs/get?run_id=${'0'.repeat(32)}`)).toEqual(missing);
    expect(await code('POST', 'runs/create', { experiment_id: '98765' })).toEqual(missing);
    expect(await code('POST', 'runs/log-batch', { run_id: '0'.repeat(32), metrics: [] })).toEqual(missing);
    expect(await store.getParams(id)).toEqual({});
    expect(await store.latestMetrics(id)).toEqual([]);
  });

  test('of names that look like SQL or like the language’s own are only names', async () => {
    const { id } = await newRun();
    const key = `'; drop table run; -- " \``;
    for (const name of [key, '__proto__', 'constructor']) {
      const sent = await ask('POST', '/api/2.0/mlflow/runs/log-parameter', {
        body: `{"run_id":"${id}","key":${JSON.stringify(name)},"value":"1"}`,
      });
      expect(sent.status).toBe(200);
    }
    const { body } = await ask('GET', `/api/2.0/mlflow/runs/get?run_id=${id}`);
    const { run } = JSON.parse(body) as { run: { data: { params: { key: string }[] } } };
    expect(run.data.params.map((param) => param.key).sort()).toEqual([key, '__proto__', 'constructor'].sort());
  });
});

describe('the artifact proxy', () => {
  test('serves what was stored, as bytes to save', async () => {
    const { root } = await newRun();
    const html = '<script>alert(1)</script>';
    const headers = { 'content-type': 'text/html' };
    expect((await ask('PUT', `${root}/a/page.html`, { body: html, headers })).status).toBe(200);
    expect(await ask('GET', `${root}/a/page.html`)).toMatchObject({
      status: 200,
      body: html,
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition': 'attachment',
        'x-content-type-options': 'nosniff',
      },
    });
    expect((await ask('DELETE', `${root}/a`)).status).toBe(200);
    expect((await ask('GET', `${root}/a/page.html`)).status).toBe(404);
  });

  test('takes no more than it was told to', async () => {
    const { id, root } = await newRun();
    expect((await ask('PUT', `${root}/large`, { body: 'x'.repeat(1001) })).status).toBe(413);
    expect(await store.listArtifacts(id)).toEqual([]);
  });
});

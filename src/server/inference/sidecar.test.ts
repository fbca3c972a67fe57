import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Served, serveModels } from '../../../test/support/served.js';
import { classifier, line, register } from '../../../test/support/served-models.js';
import { DEFAULT_POLICIES, Upstream, watchVersions } from '../../serving/index.js';
import { openStore, type Store } from '../../store/index.js';

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-sidecar-'));
  store = await openStore(join(folder, 'store'), { thread: true });
  const seen = JSON.stringify([{ column: 'x', missing: false, range: [0, 10] }]);
  await register(store, 'line', line(2, { 'ballast.seen': seen }), line(3));
  await register(store, 'classifier', classifier());
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

/** A server that watches another. */
async function watch(
  address: string,
  models: readonly string[],
  { byVersion = false, timeoutMs = 20_000, patienceMs = 0, grpcPort = 0 } = {},
): Promise<Served> {
  const upstream = new Upstream(address);
  const told: string[] = [];
  const loader = watchVersions({
    ...{ upstream, policies: { ...DEFAULT_POLICIES, range: 'clip' }, timeoutMs, queue: 100, byVersion, patienceMs },
    onChange: (message) => told.push(message),
  });
  const served = await serveModels(store, models, { loader, grpcPort });
  return {
    ...served,
    told,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      upstream.close();
    },
  };
}

describe('beside another ballast', () => {
  let runsModels: Served;
  let elsewhere: Store;

  beforeAll(async () => {
    elsewhere = await openStore(join(folder, 'elsewhere'), { thread: true });
    await register(elsewhere, 'line', line(2), line(3));
    await register(elsewhere, 'classifier', classifier());
    runsModels = await serveModels(elsewhere, ['line/1', 'classifier/1']);
  });

  afterAll(async () => {
    await runsModels[Symbol.asyncDispose]();
    await elsewhere.close();
  });

  test('answers are passed on, and are checked, named and recorded here', async () => {
    await using beside = await watch(runsModels.server.url, ['line/1', 'classifier/1']);
    expect((await beside.ask('GET', '/v2/models/classifier')).json).toMatchObject({
      ...{ platform: 'onnxruntime_onnx', parameters: { regularizer_id: 'rg-classifier', model_version: '1' } },
      inputs: [{ name: 'x' }, { name: 'city', datatype: 'BYTES' }],
    });
    const { status, json } = await beside.infer('line', [1, 99], { 'x-ballast-device': 'phone' });
    expect(status).toBe(200);
    // Clipped here, before it is asked there.
    expect(json).toMatchObject({
      ...{ model_version: '1', parameters: { regularizer_id: 'rg-line', prediction_id: expect.any(String) } },
      outputs: [{ name: 'prediction', shape: [2, 1], datatype: 'FP32', data: [2, 20] }],
    });
    const texts = await beside.ask('POST', '/v2/models/classifier/infer', {
      ...{ id: 'mine', outputs: [{ name: 'place' }] },
      inputs: [
        { name: 'x', shape: [2, 1], datatype: 'FP32', data: [0, null] },
        { name: 'city', shape: [2, 1], datatype: 'BYTES', data: ['Köln', null] },
      ],
    });
    expect(texts.json).toMatchObject({ id: 'mine', outputs: [{ name: 'place', data: ['Köln', ''] }] });
    expect(texts.json.outputs).toHaveLength(1);
    await beside.inference.recorder.flush();
    const rows = await store.observationsAfter('line', 0, 100);
    expect(rows.map(({ id, features, prediction, flags }) => [id, features.x, prediction, flags])).toEqual([
      [`${json.parameters.prediction_id}/0`, 1, 2, []],
      [`${json.parameters.prediction_id}/1`, 99, 20, ['x: range']],
    ]);
    expect(rows[0]).toMatchObject({ regularizerId: 'rg-line', metadata: { device: 'phone' }, status: 'ok' });
  });

  test('a request that is refused there is refused here, with its reason', async () => {
    await using beside = await watch(runsModels.server.url, ['line/1']);
    await runsModels.inference.service.models.unload('line');
    const { status, json } = await beside.infer('line', [1]);
    expect([status, json.error]).toEqual([
      404,
      expect.stringContaining('answered 404: models:/line: This model is not'),
    ]);
    await runsModels.inference.service.models.load('line/1');
  });

  test('shares of the traffic need the versions to be there, and then are asked by number', async () => {
    await store.setTraffic('line', {
      shares: [
        { version: 1, role: 'live', weight: 1 },
        { version: 2, role: 'shadow', weight: 1 },
      ],
      reason: 'shadow',
    });
    try {
      await expect(watch(runsModels.server.url, ['line'])).rejects.toMatchObject({ code: 'UPSTREAM_ONE_VERSION' });
      await elsewhere.setTraffic('line', {
        shares: [
          { version: 1, role: 'live', weight: 0.5 },
          { version: 2, role: 'candidate', weight: 0.5 },
        ],
        reason: 'both',
      });
      await runsModels.inference.service.models.refresh();
      await using beside = await watch(runsModels.server.url, ['line'], { byVersion: true });
      const { json } = await beside.infer('line', [7]);
      expect(json.outputs[0].data).toEqual([14]);
      const id = json.parameters.prediction_id;
      await vi.waitFor(async () => {
        await beside.inference.recorder.flush();
        const rows = await store.observationsAfter('line', 0, 1000);
        expect(rows.find((row) => row.id === `${id}~2`)).toMatchObject({ role: 'shadow', beside: id, prediction: 21 });
      });
    } finally {
      await store.setTraffic('line', { shares: [], reason: 'over' });
    }
  });
});

describe('beside a server that misbehaves', () => {
  let stub: Server;
  let address: string;
  let answer: (response: ServerResponse, path: string) => void;
  let got: IncomingHttpHeaders = {};
  const metadata = {
    ...{ name: 'line', versions: [], platform: 'stub' },
    ...{ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }], outputs: [] },
  };
  const json = (status: number, document: unknown) => (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  const good = json(200, { outputs: [{ name: 'prediction', shape: [1, 1], datatype: 'FP32', data: [5] }] });

  const listen = (port = 0): Promise<void> =>
    new Promise((resolve) => {
      stub = createServer((request, response) => {
        request.resume();
        request.on('end', () => {
          if (request.method === 'POST') got = request.headers;
          if (request.url?.endsWith('/infer') === true) answer(response, request.url);
          else if (request.url?.endsWith('/ready') === true) json(200, {})(response);
          else json(200, metadata)(response);
        });
      });
      stub.listen(port, '127.0.0.1', resolve);
    });
  const hangUp = (): Promise<void> =>
    new Promise((resolve) => {
      stub.closeAllConnections();
      stub.close(() => resolve());
    });

  beforeAll(async () => {
    await listen();
    address = `http://127.0.0.1:${(stub.address() as AddressInfo).port}`;
  });
  afterAll(hangUp);

  test('headers of the client go on, those of the connection do not', async () => {
    await using beside = await watch(address, ['line/1']);
    answer = good;
    const headers = {
      'x-tenant': 'a',
      authorization: 'Bearer theirs',
      'x-ballast-device': 'phone',
      traceparent: '00-1',
    };
    expect((await beside.infer('line', [1], headers)).json.outputs[0].data).toEqual([5]);
    expect(got).toMatchObject({ ...headers, host: address.slice('http://'.length) });
    expect((await beside.ask('GET', '/v2/models/line')).json).toMatchObject({ platform: 'stub' });
  });

  test('what it answers instead of an answer is told as its fault, and counted', async () => {
    await using beside = await watch(address, ['line/1'], { timeoutMs: 400 });
    const bad: [typeof answer, number, string][] = [
      [json(500, { error: 'out of memory' }), 502, 'failed: 500 out of memory'],
      [json(503, { error: 'later' }), 503, 'is busy: 503 later'],
      [json(400, { error: 'no such thing' }), 400, 'answered 400: no such thing'],
      [(response) => void response.end('<html>'), 502, 'not JSON'],
      [json(200, { outputs: [] }), 502, 'no output prediction'],
      [json(200, { outputs: [{ name: 'prediction', shape: [3], datatype: 'FP32', data: [1] }] }), 502, 'holds 3'],
      [json(200, { outputs: [{ name: 'prediction', shape: [1], datatype: 'FP99', data: [1] }] }), 502, 'FP99'],
      [() => {}, 503, 'did not answer in time'],
      [(response) => void response.destroy(), 503, 'cannot be reached'],
    ];
    const before = (await store.observationsAfter('line', 0, 10_000)).at(-1)?.sequence ?? 0;
    for (const [behaviour, status, message] of bad) {
      answer = behaviour;
      const told = await beside.infer('line', [1]);
      expect([told.status, told.json.error]).toEqual([status, expect.stringContaining(message)]);
    }
    await beside.inference.recorder.flush();
    const rows = await store.observationsAfter('line', before, 10_000);
    expect(rows.map(({ status }) => status)).toEqual(bad.map(([, code]) => (code === 400 ? 'rejected' : 'failed')));
    expect(rows[0]?.fault).toContain('UPSTREAM_FAILED');
  });

  test('while it is away requests are refused at once and this server is not ready; then it goes on by itself', async () => {
    await using beside = await watch(address, ['line/1']);
    answer = good;
    expect((await beside.infer('line', [1])).status).toBe(200);
    await hangUp();
    const { status, json: told, headers } = await beside.infer('line', [1]);
    expect([status, told.error, headers['retry-after']]).toEqual([503, expect.stringContaining('ECONNREFUSED'), '1']);
    expect((await beside.ask('GET', '/v2/health/ready')).status).toBe(503);
    await listen(Number(new URL(address).port));
    expect((await beside.infer('line', [1])).status).toBe(200);
    await vi.waitFor(async () => expect((await beside.ask('GET', '/v2/health/ready')).status).toBe(200), {
      timeout: 30_000,
    });
    expect(beside.told).toEqual([expect.stringContaining('ECONNREFUSED'), expect.stringContaining('answers again')]);
  });

  test('one that is not there yet is waited for, and none at all is an error', async () => {
    await hangUp();
    await expect(watch(address, ['line/1'])).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE', exitCode: 3 });
    const starting = watch(address, ['line/1'], { patienceMs: 30_000 });
    await listen(Number(new URL(address).port));
    await using beside = await starting;
    answer = good;
    expect((await beside.infer('line', [1])).status).toBe(200);
    expect(() => new Upstream('localhost:8000')).toThrow('no address');
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { grpcClient } from '../../../test/support/grpc-client.js';
import { logBucket } from '../../numeric/index.js';
import { DEFAULT_POLICIES } from '../../serving/index.js';
import { noCounts, openStore, type Store } from '../../store/index.js';
import { startServer } from '../index.js';
import { openInference } from '../inference/open.js';

let folder: string;
let store: Store;
let collector: Server;
let endpoint: string;
const got = new Map<string, string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-otlp-'));
  store = await openStore(join(folder, 'store'));
  collector = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
      got.set(request.url ?? '', `${got.get(request.url ?? '') ?? ''}${text}\n`);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => {
    collector.listen(0, '127.0.0.1', resolve);
  });
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});

afterAll(async () => {
  collector.closeAllConnections();
  await new Promise((resolve) => {
    collector.close(resolve);
  });
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

interface Spans {
  readonly resourceSpans: {
    scopeSpans: {
      spans: { name: string; traceId: string; parentSpanId?: string; kind: number; attributes: object[] }[];
    }[];
  }[];
}
interface Metrics {
  readonly resourceMetrics: {
    scopeMetrics: {
      metrics: {
        name: string;
        sum?: { isMonotonic: boolean; dataPoints: { asDouble: number; attributes: object[] }[] };
        histogram?: { dataPoints: { bucketCounts: number[]; explicitBounds: number[]; count: number }[] };
      }[];
    }[];
  }[];
}

test('a collector gets a span for each request, within the caller’s trace, and the series of /metrics', async () => {
  const start = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;
  await store.recordObservations({
    id: 'a',
    observations: [],
    windows: [
      {
        ...{ model: 'fraud', version: '3', regularizerId: 'rg-1', role: 'live', slice: '', start, ms: 60_000 },
        ...{ ...noCounts(), requests: 10, failed: 2, latency: { [logBucket(20)]: 8 } },
      },
    ],
    sketches: [],
  });
  const faults: unknown[] = [];
  const inference = await openInference({
    ...{ store, models: [], policies: DEFAULT_POLICIES, everyMs: 1000, onChange: () => {}, version: '0' },
    settings: { workers: 1, threads: 1, batchRows: 1, batchWaitMs: 0, queue: 1, timeoutMs: 1000 },
    limits: { bodyBytes: 1000, perSecond: 0, concurrent: 1 },
  });
  const server = await startServer({
    store,
    port: 0,
    otlp: { endpoint, everyMs: 500 },
    onFault: (each) => faults.push(each),
    inference,
    grpcPort: 0,
  });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await fetch(`${server.url}/api/v1/slos`, { headers: { traceparent } });
  await fetch(`${server.url}/api/v1/models/fraud/windows`);
  const caller = grpcClient(server.grpcAddress ?? '');
  await expect(caller.call('modelReady', { name: 'fraud' }, { headers: { traceparent } })).rejects.toThrow(
    'not served',
  );
  caller.close();
  for (let i = 0; i < 40 && got.size < 2; i++) await sleep(100);
  await server.stop();
  await inference.close();
  const lines = <T>(path: string): T[] =>
    (got.get(path) ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  const spans = lines<Spans>('/v1/traces').flatMap(({ resourceSpans }) => resourceSpans[0].scopeSpans[0].spans);
  expect(spans[0]).toMatchObject({
    name: 'GET /api/v1/slos',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    kind: 2,
  });
  expect(spans[1].attributes).toContainEqual({ key: 'ballast.model', value: { stringValue: 'fraud' } });
  expect(spans[2]).toMatchObject({
    name: 'inference.GRPCInferenceService/ModelReady',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    attributes: expect.arrayContaining([
      { key: 'rpc.system', value: { stringValue: 'grpc' } },
      { key: 'rpc.grpc.status_code', value: { intValue: 5 } },
      { key: 'ballast.model', value: { stringValue: 'fraud' } },
    ]),
  });
  const [{ resourceMetrics }] = lines<Metrics>('/v1/metrics');
  const { metrics } = resourceMetrics[0].scopeMetrics[0];
  const requests = metrics.find(({ name }) => name === 'ballast_requests')?.sum;
  expect(requests?.isMonotonic).toBe(true);
  expect(requests?.dataPoints.map(({ asDouble }) => asDouble)).toEqual([8, 0, 2]);
  const histogram = metrics.find(({ name }) => name === 'ballast_request_latency_seconds')?.histogram?.dataPoints[0];
  expect(histogram?.count).toBe(8);
  expect(histogram?.bucketCounts).toHaveLength((histogram?.explicitBounds.length ?? 0) + 1);
  expect(histogram?.bucketCounts[histogram.explicitBounds.indexOf(0.025)]).toBe(8);
  expect(faults).toEqual([]);
});

test('a collector that is away costs no request, and is told once', async () => {
  const faults: Error[] = [];
  const server = await startServer({
    ...{ store, port: 0, otlp: { endpoint: 'http://127.0.0.1:9', everyMs: 200 } },
    onFault: (error) => faults.push(error as Error),
  });
  expect((await fetch(`${server.url}/api/v1/slos`)).status).toBe(200);
  for (let i = 0; i < 100 && faults.length === 0; i++) await sleep(100);
  await server.stop();
  expect(faults.map(({ message }) => message)).toEqual([
    expect.stringContaining('telemetry is not sent to http://127.0.0.1:9'),
  ]);
}, 60_000);

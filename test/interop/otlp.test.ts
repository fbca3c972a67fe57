import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore, type Store } from '../../src/store/index.js';
import { type Served, serveModels } from '../support/served.js';
import { line, register } from '../support/served-models.js';

const PYTHON = process.env.BALLAST_PYTHON ?? '';
const RECEIVER = join(import.meta.dirname, 'otlp_receiver.py');
const hasMessages =
  PYTHON !== '' &&
  spawnSync(PYTHON, ['-c', 'import opentelemetry.proto.collector.trace.v1.trace_service_pb2']).status === 0;

interface Seen {
  readonly spans: readonly {
    readonly name: string;
    readonly trace: string;
    readonly parent: string;
    readonly kind: number;
    readonly ms: number;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly metrics: Readonly<
    Record<
      string,
      { readonly data: string; readonly points: readonly { attributes: Record<string, string>; value: number }[] }
    >
  >;
  readonly resources: readonly Readonly<Record<string, unknown>>[];
  readonly refused: readonly string[];
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

describe.skipIf(!hasMessages)("OpenTelemetry's own messages (needs BALLAST_PYTHON with opentelemetry-proto)", () => {
  let folder: string;
  let store: Store;
  let served: Served;
  let receiver: ChildProcess;
  let url: string;

  beforeAll(async () => {
    receiver = spawn(PYTHON, [RECEIVER], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { stdout } = receiver;
    if (stdout === null) throw new Error('the receiver has no output');
    url = await new Promise((resolve) => {
      createInterface(stdout).once('line', resolve);
    });
    folder = await mkdtemp(join(tmpdir(), 'ballast-otlp-'));
    store = await openStore(join(folder, 'store'), { thread: true });
    await register(store, 'line', line(2));
    await store.setAlias('line', 'production', 1);
    served = await serveModels(store, ['line'], { otlp: { endpoint: url, everyMs: 300 } });
  });

  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await store.close();
    receiver.kill();
    await rm(folder, { recursive: true, force: true });
  });

  const seen = async (): Promise<Seen> => (await (await fetch(url)).json()) as Seen;

  test('read every span and every series that is sent, and refuse none', async () => {
    const traceparent = `00-${TRACE}-${PARENT}-01`;
    expect((await served.infer('line', [1, 2, 3], { traceparent })).status).toBe(200);
    expect((await served.infer('absent', [1], { traceparent })).status).toBe(404);
    await served.inference.recorder.flush();
    const wanted = (found: Seen): boolean =>
      found.spans.length >= 2 && (found.metrics.ballast_requests?.points.some(({ value }) => value === 3) ?? false);
    let found = await seen();
    for (let i = 0; i < 200 && !wanted(found) && found.refused.length === 0; i++) {
      await sleep(100);
      found = await seen();
    }
    expect(found.refused).toEqual([]);
    expect(found.resources[0]).toMatchObject({ 'service.name': 'ballast' });
    const [answered, absent] = found.spans;
    expect(answered).toMatchObject({
      ...{ name: 'POST /v2/models/:model/infer', trace: TRACE, parent: PARENT, kind: 2 },
      attributes: { 'ballast.model': 'line', 'http.response.status_code': 200 },
    });
    expect(answered?.ms).toBeGreaterThan(0);
    expect(absent?.attributes).toMatchObject({ 'http.response.status_code': 404 });
    expect(found.metrics.ballast_requests).toMatchObject({
      data: 'sum',
      points: expect.arrayContaining([
        { value: 3, attributes: expect.objectContaining({ model: 'line', version: '1', outcome: 'ok' }) },
      ]),
    });
    expect(found.metrics.ballast_request_latency_seconds).toMatchObject({ data: 'histogram', points: [{ value: 3 }] });
    expect(found.metrics.ballast_model_info?.data).toBe('gauge');
  }, 60_000);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openStore, type Store } from '../../src/store/index.js';
import { findProgram, freePort } from '../support/real-server.js';
import { type Served, serveModels } from '../support/served.js';
import { line, register } from '../support/served-models.js';

const collector = findProgram(process.env.BALLAST_COLLECTOR ?? 'otelcol', 'otelcol-contrib');
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

describe.skipIf(collector === undefined)('the OpenTelemetry Collector (otelcol, or BALLAST_COLLECTOR)', () => {
  let folder: string;
  let store: Store;
  let served: Served;
  let child: ChildProcess;
  let said = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ballast-collector-'));
    const endpoint = `127.0.0.1:${await freePort()}`;
    const pipeline = { receivers: ['otlp'], exporters: ['debug'] };
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint } } } },
      exporters: { debug: { verbosity: 'detailed' } },
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: { traces: pipeline, metrics: pipeline },
      },
    };
    await writeFile(join(folder, 'config.yaml'), JSON.stringify(config));
    child = spawn(collector ?? '', ['--config', join(folder, 'config.yaml')], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      said += piece;
    });
    await vi.waitFor(() => expect(said).toContain('Everything is ready'), { timeout: 60_000, interval: 100 });
    store = await openStore(join(folder, 'store'), { thread: true });
    await register(store, 'line', line(2));
    served = await serveModels(store, ['line/1'], { otlp: { endpoint: `http://${endpoint}`, everyMs: 300 } });
  }, 120_000);

  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await store.close();
    child.kill();
    await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  });

  test('takes spans under the trace of who asked, and series by their names', async () => {
    expect((await served.infer('line', [1, 2], { traceparent: `00-${TRACE}-${PARENT}-01` })).status).toBe(200);
    await served.inference.recorder.flush();
    const wanted = [
      new RegExp(`Trace ID +: ${TRACE}`),
      new RegExp(`Parent ID +: ${PARENT}`),
      /Name +: POST \/v2\/models\/:model\/infer/,
      /ballast\.model: Str\(line\)/,
      /service\.name: Str\(ballast\)/,
      /Name: ballast_requests\n/,
      /Name: ballast_request_latency_seconds\n/,
    ];
    await vi.waitFor(
      () => {
        for (const each of wanted) expect(said).toMatch(each);
      },
      { timeout: 60_000, interval: 200 },
    );
  }, 90_000);
});

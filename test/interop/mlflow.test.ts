import { execFile, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../src/server/index.js';
import { openStore, type Store } from '../../src/store/index.js';
import { diagnoseLoggedRun } from '../../src/tuning/logged-run.js';
import { recordForeignRun } from '../../src/tuning/transfer/imported-run.js';
import { exportToMlflow } from '../../src/tuning/transfer/mlflow-export.js';
import { runsOnMlflow } from '../../src/tuning/transfer/mlflow-import.js';
import { offlineWandbRun } from '../../src/tuning/transfer/wandb-import.js';

const PYTHON = process.env.BALLAST_PYTHON ?? '';
const SCRIPT = join(import.meta.dirname, 'mlflow_client.py');

/** Whether that Python has these packages, without loading them. */
function has(...packages: string[]): boolean {
  if (PYTHON === '') return false;
  const code = `import importlib.util as u, sys; sys.exit(any(u.find_spec(p) is None for p in ${JSON.stringify(packages)}))`;
  return spawnSync(PYTHON, ['-c', code]).status === 0;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Waits until a server answers. */
async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`${url} does not answer`);
}

describe.skipIf(!has('mlflow', 'sklearn'))(
  'the mlflow package (needs BALLAST_PYTHON with mlflow, scikit-learn)',
  () => {
    let folder: string;
    let store: Store;
    let server: RunningServer;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ballast-mlflow-'));
      store = await openStore(join(folder, 'store'), { thread: true });
      server = await startServer({ store, port: 0 });
    });

    afterAll(async () => {
      await server.stop();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function client(
      scenario: string,
      environment: Record<string, string> = {},
    ): Promise<Record<string, unknown>> {
      const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, scenario], {
        cwd: folder,
        maxBuffer: 2 ** 26,
        env: {
          ...process.env,
          MLFLOW_TRACKING_URI: server.url,
          MLFLOW_DISABLE_TELEMETRY: 'true',
          MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: 'true',
          MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false',
          MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
          GIT_PYTHON_REFRESH: 'quiet',
          ...environment,
        },
      });
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    }

    test('logs 100 000 metrics, nests, searches in pages, deletes and restores', async () => {
      expect(await client('runs')).toEqual({
        missing: null,
        experiment: ['renamed', expect.objectContaining({ team: 'b' })],
        history: [10_000, 3, 99_993, 9999],
        odd: ['nan', 'inf'],
        latest: 99_993,
        children: [true],
        deleted: [true],
        pages: ['batch', 'parent', 'child'],
        frame: 1,
        experiments: ['renamed'],
      });
      const [child, parent, batch] = await store.listRuns({ experiment: 'renamed' });
      expect([child?.name, parent?.name, batch?.name]).toEqual(['child', 'parent', 'batch']);
      expect(child).toMatchObject({ kind: 'logged', status: 'finished', parentRunId: parent?.id });
    });

    test('uploads 200 MB whole and in parts, and downloads the same bytes', async () => {
      expect(await client('artifacts')).toEqual({
        equal: [true, true],
        list: ['config', 'parts', 'text ü.txt', 'weights'],
        below: [['config/c.json', 29]],
        dict: { a: [1, 2] },
        text: 'häß',
      });
      expect(await store.verify()).toEqual([]);
    });

    test('logs by itself what scikit-learn trains, and the diagnosis finds the overfit in it', async () => {
      const found = await client('sklearn_autolog');
      const run = await store.getRun(String(found.run));
      const { findings, pairs, regularizers } = await diagnoseLoggedRun(store, run, { gap: 0.03 });
      expect(findings.map(({ id }) => id)).toEqual(['F2']);
      expect(pairs.length).toBeGreaterThan(0);
      expect(regularizers.map(({ parameter }) => parameter)).toContain('min_samples_leaf');
      expect(found).toMatchObject({
        params: '10',
        training: expect.any(Number),
        datasets: 1,
        outputs: true,
        status: ['READY'],
        files: expect.arrayContaining(['MLmodel', 'requirements.txt']),
      });
    });

    test('registers, aliases and loads back an ONNX model', async () => {
      expect(await client('registry')).toEqual({
        champion: 'RESOURCE_CONFLICT',
        source: 'INVALID_PARAMETER_VALUE',
        logged: '1',
        run: true,
        versions: ['2', '1'],
        equal: true,
        predicted: [
          [2, 3],
          [4, 6],
        ],
        tags: [{ team: 'a' }, 'yes', 'first'],
        search: ['scale'],
        found: [1, 2],
        latest: ['2'],
      });
      expect(await store.getVersion('scale', 1)).toMatchObject({ onnxPath: 'model.onnx', state: 'ready' });
    });

    test.skipIf(!has('wandb'))('of W&B an offline run is imported (needs wandb)', async () => {
      const code = `import wandb
run = wandb.init(project='demo', name='first', mode='offline', config={'weight_decay': 0.01, 'model': {'dropout': 0.2}}, tags=['a'])
for i in range(2000): run.log({'loss': 1 / (i + 1), 'val': {'acc': i / 2000}}, step=i)
run.log({'odd': float('nan')}, step=2000)
run.summary['best'] = 0.9
run.finish()`;
      const environment = { ...process.env, WANDB_SILENT: 'true', WANDB_DIR: folder };
      await promisify(execFile)(PYTHON, ['-c', code], { cwd: folder, env: environment });
      const [offline] = readdirSync(join(folder, 'wandb')).filter((name) => name.startsWith('offline-run'));
      const run = await offlineWandbRun(join(folder, 'wandb', offline ?? ''));
      expect(run).toMatchObject({
        name: 'first',
        experiment: 'demo',
        status: 'finished',
        params: { weight_decay: '0.01', 'model.dropout': '0.2' },
        tags: { a: 'true' },
      });
      const of = (name: string) => run.metrics.filter((point) => point.name === name);
      expect([of('loss').length, of('val.acc').at(-1)?.value, of('best')[0]?.value]).toEqual([2000, 1999 / 2000, 0.9]);
      expect(of('loss').at(-1)).toMatchObject({ step: 1999, value: 1 / 2000 });
      expect(of('odd')[0]?.value).toBeNaN();
    });

    test('a run goes to a real MLflow server and comes back the same', async () => {
      const port = await freePort();
      const words = ['server', '--port', String(port), '--workers', '1', '--backend-store-uri', 'sqlite:///peer.db'];
      const peer = spawn(PYTHON, ['-m', 'mlflow', ...words, '--artifacts-destination', join(folder, 'peer')], {
        cwd: folder,
        stdio: 'ignore',
        detached: true,
      });
      try {
        await answers(`http://127.0.0.1:${port}/health`);
        const id = await store.createRemoteRun({
          experimentId: await store.createExperiment('travelling'),
          name: 'traveller',
          tags: { note: 'a' },
          startedAt: new Date(1_700_000_000_000),
        });
        const metrics = Array.from({ length: 2500 }, (_, i) => ({
          name: 'loss',
          value: i / 7,
          step: i,
          timestamp: 5 + i,
        }));
        await store.logBatch(id, { metrics, params: { lr: '0.1' } });
        await store.logBatch(id, { metrics: [{ name: 'odd', value: Number.NaN, timestamp: 7 }] });
        await store.putArtifact(id, 'a/b.txt', Buffer.from('content'));
        await store.updateRemoteRun(id, { status: 'finished', endedAt: new Date(1_700_000_100_000) });
        const url = `http://127.0.0.1:${port}`;
        expect(await exportToMlflow(store, await store.getRun(id), url)).toMatchObject({ metrics: 2501, artifacts: 1 });
        await using back = await openStore(join(folder, 'back'));
        const ids: string[] = [];
        for await (const run of runsOnMlflow(url, 'travelling')) ids.push((await recordForeignRun(back, run)).id);
        expect(ids).toHaveLength(1);
        const [copy = ''] = ids;
        expect(await back.getRun(copy)).toMatchObject({
          name: 'traveller',
          status: 'finished',
          startedAt: new Date(1_700_000_000_000),
          endedAt: new Date(1_700_000_100_000),
        });
        expect(await back.metricHistory(copy)).toEqual(await store.metricHistory(id));
        expect(await back.getParams(copy)).toEqual({ lr: '0.1' });
        const files = (await back.listArtifacts(copy)).map(({ path }) => path);
        expect(files).toEqual(['a/b.txt', 'ballast/record.json']);
      } finally {
        if (peer.pid !== undefined) process.kill(-peer.pid, 'SIGTERM');
      }
    });

    test('is told what it may not in its own error codes, and nothing is changed', async () => {
      expect(await client('refusals')).toEqual({
        'parameter rewritten': 'INVALID_PARAMETER_VALUE',
        'unknown run': 'RESOURCE_DOES_NOT_EXIST',
        'unknown experiment': 'RESOURCE_DOES_NOT_EXIST',
        filter: 'INVALID_PARAMETER_VALUE',
        'experiment twice': 'RESOURCE_ALREADY_EXISTS',
        'artifact location': 'INVALID_PARAMETER_VALUE',
        'tag not there': 'RESOURCE_DOES_NOT_EXIST',
        kept: { a: '1' },
      });
    });
  },
);

import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../src/server/index.js';
import { openStore, type Store } from '../../src/store/index.js';
import { diagnoseLoggedRun } from '../../src/tuning/logged-run.js';

const PYTHON = process.env.BALLAST_PYTHON ?? '';
const SCRIPT = join(import.meta.dirname, 'mlflow_client.py');

/** Whether that Python has these packages, without loading them. */
function has(...packages: string[]): boolean {
  if (PYTHON === '') return false;
  const code = `import importlib.util as u, sys; sys.exit(any(u.find_spec(p) is None for p in ${JSON.stringify(packages)}))`;
  return spawnSync(PYTHON, ['-c', code]).status === 0;
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

import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore, type Store } from '../../src/store/index.js';
import { type Served, serveModels } from '../support/served.js';
import { classifier, register } from '../support/served-models.js';

const PYTHON = process.env.BALLAST_PYTHON ?? '';
const SCRIPT = join(import.meta.dirname, 'triton_client.py');
const GRPC_SCRIPT = join(import.meta.dirname, 'triton_grpc_client.py');
const hasClient =
  PYTHON !== '' && spawnSync(PYTHON, ['-c', 'import tritonclient.http, tritonclient.grpc']).status === 0;

interface Told {
  readonly [name: string]: unknown;
  readonly json: Answered;
  readonly binary: Answered;
}

interface Answered {
  readonly id: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly probabilities: readonly (readonly number[])[];
  readonly place: readonly string[];
}

describe.skipIf(!hasClient)("Triton's client (needs BALLAST_PYTHON with tritonclient[http,grpc])", () => {
  let folder: string;
  let store: Store;
  let served: Served;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ballast-triton-'));
    store = await openStore(join(folder, 'store'), { thread: true });
    await register(store, 'classifier', classifier());
    await store.setAlias('classifier', 'production', 1);
    served = await serveModels(store, ['classifier'], { grpcPort: 0 });
  });

  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('asks by JSON and by bytes, and is told of models, faults and the repository', async () => {
    const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, new URL(served.server.url).host]);
    const told = JSON.parse(stdout) as Told;
    expect(told).toMatchObject({
      ...{ live: true, ready: true, modelReady: true, unloaded: false, loaded: true },
      server: { name: 'ballast', extensions: expect.arrayContaining(['binary_tensor_data']) },
      metadata: { platform: 'onnxruntime_onnx', versions: ['1'] },
      index: [{ name: 'classifier', version: '1', state: 'READY' }],
      error: { status: '404', message: expect.stringContaining('not served') },
    });
    const sigmoid = [0, 2, -2].map((x) => 1 / (1 + Math.exp(-x)));
    for (const { id, parameters, probabilities, place } of [told.json, told.binary]) {
      expect(id).toBe('mine');
      expect(parameters).toMatchObject({ regularizer_id: 'rg-classifier', prediction_id: expect.any(String) });
      expect(place).toEqual(['Köln', '', '東京']);
      for (const [i, [yes]] of probabilities.entries()) expect(yes).toBeCloseTo(sigmoid[i] ?? Number.NaN, 6);
    }
    expect(told.gzip).toEqual(told.binary.probabilities);
  });

  test('asks over gRPC by bytes and by values, and is told the same', async () => {
    const { stdout } = await promisify(execFile)(PYTHON, [GRPC_SCRIPT, served.server.grpcAddress ?? '']);
    const told = JSON.parse(stdout) as Told & { readonly answer: Answered };
    expect(told).toMatchObject({
      ...{ live: true, ready: true, modelReady: true, unloaded: 'StatusCode.NOT_FOUND', loaded: true },
      server: { name: 'ballast', extensions: expect.arrayContaining(['binary_tensor_data']) },
      metadata: { platform: 'onnxruntime_onnx', versions: ['1'] },
      index: [{ name: 'classifier', version: '1', state: 'READY' }],
      error: { status: 'StatusCode.NOT_FOUND', message: expect.stringContaining('not served') },
      answer: { id: 'mine', version: '1', place: ['Köln', '', '東京'] },
      typed: { place: ['Köln'] },
    });
    expect(told.answer.parameters).toMatchObject({
      regularizer_id: 'rg-classifier',
      prediction_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const sigmoid = [0, 2, -2].map((x) => 1 / (1 + Math.exp(-x)));
    for (const [i, [yes]] of told.answer.probabilities.entries()) expect(yes).toBeCloseTo(sigmoid[i] ?? Number.NaN, 6);
    expect(told.gzip).toEqual(told.answer.probabilities);
  });
});

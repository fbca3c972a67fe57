import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GrpcClient, grpcClient } from '../../../../test/support/grpc-client.js';
import { type Served, serveModels } from '../../../../test/support/served.js';
import { circle, classifier, line, register } from '../../../../test/support/served-models.js';
import { openStore, type Store } from '../../../store/index.js';
import type { ModelInferRequestSchema } from './inference_pb.js';

let folder: string;
let store: Store;
let served: Served;
let client: GrpcClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-grpc-'));
  store = await openStore(join(folder, 'store'), { thread: true });
  await register(store, 'line', line(2), line(3));
  await register(store, 'classifier', classifier());
  await register(store, 'circle', circle());
  await store.setAlias('line', 'champion', 1);
  served = await serveModels(store, ['line', 'classifier/1', 'circle/1'], {
    grpcPort: 0,
    limits: { bodyBytes: 100_000 },
  });
  client = grpcClient(served.server.grpcAddress ?? '');
});

afterAll(async () => {
  client.close();
  await served[Symbol.asyncDispose]();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const inputX = (values: readonly number[]) => ({
  name: 'x',
  datatype: 'FP32',
  shape: [BigInt(values.length), 1n],
  contents: { fp32Contents: [...values] },
});

const text = (value: string) => ({ parameterChoice: { case: 'stringParam' as const, value } });

describe('the Open Inference Protocol over gRPC', () => {
  test('tells of the server, its health and its models as over HTTP', async () => {
    expect(await client.call('serverLive', {})).toMatchObject({ live: true });
    expect(await client.call('serverReady', {})).toMatchObject({ ready: true });
    expect(await client.call('modelReady', { name: 'line', version: '1' })).toMatchObject({ ready: true });
    const { json } = await served.ask('GET', '/v2');
    expect(await client.call('serverMetadata', {})).toMatchObject(json);
    expect(await client.call('modelMetadata', { name: 'classifier' })).toMatchObject({
      ...{ name: 'classifier', versions: ['1'], platform: 'onnxruntime_onnx' },
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [-1n, 1n] },
        { name: 'city', datatype: 'BYTES', shape: [-1n, 1n] },
      ],
      properties: { model_version: '1', regularizer_id: 'rg-classifier' },
    });
    await expect(client.call('modelReady', { name: 'none' })).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  test('answers typed values and bytes alike, each in its own form, and records them', async () => {
    const typed = await client.call(
      'modelInfer',
      {
        ...{ modelName: 'classifier', id: 'mine', parameters: { region: text('north') } },
        inputs: [
          inputX([0, 100]),
          {
            ...{ name: 'city', datatype: 'BYTES', shape: [2n, 1n] },
            contents: { bytesContents: [Buffer.from('Köln'), Buffer.from('')] },
          },
        ],
      },
      { headers: { 'x-ballast-device': 'phone' } },
    );
    expect(typed).toMatchObject({
      ...{ modelName: 'classifier', modelVersion: '1', id: 'mine', rawOutputContents: [] },
      parameters: { regularizer_id: text('rg-classifier') },
      outputs: [
        { name: 'probabilities', shape: [2n, 2n], contents: { fp32Contents: [0.5, 0.5, 1, expect.closeTo(0, 40)] } },
        { name: 'place', contents: { bytesContents: [Buffer.from('Köln'), Buffer.from('')] } },
      ],
    });
    const raw = await client.call('modelInfer', {
      modelName: 'classifier',
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [1n, 1n] },
        { name: 'city', datatype: 'BYTES', shape: [1n, 1n] },
      ],
      outputs: [{ name: 'place' }, { name: 'probabilities' }],
      rawInputContents: [
        Buffer.from(Float32Array.of(0).buffer),
        Buffer.concat([Buffer.from([3, 0, 0, 0]), Buffer.from('Rom')]),
      ],
    });
    expect(raw.outputs.map(({ name, contents }) => [name, contents])).toEqual([
      ['place', undefined],
      ['probabilities', undefined],
    ]);
    expect(raw.rawOutputContents.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual([
      `03000000${Buffer.from('Rom').toString('hex')}`,
      '0000003f0000003f',
    ]);
    await served.inference.recorder.flush();
    const rows = await store.observationsAfter('classifier', 0, 100);
    const { value: id } = typed.parameters.prediction_id?.parameterChoice ?? {};
    expect(rows.find((row) => row.id === `${id}/0`)).toMatchObject({
      ...{ version: '1', role: 'live', status: 'ok', prediction: 'yes', scores: [0.5, 0.5] },
      features: { x: 0, city: 'Köln' },
      metadata: { device: 'phone', region: 'north' },
    });
  });

  test('says what is wrong with a request, as over HTTP', async () => {
    const x = inputX([1]);
    const bytes = [Buffer.from(Float32Array.of(1).buffer)];
    const bad: [MessageInitShape<typeof ModelInferRequestSchema>, string][] = [
      [{ inputs: [] }, 'inputs'],
      [{ inputs: [{ ...x, name: 'y' }] }, 'Its inputs are: x'],
      [{ inputs: [{ ...x, datatype: 'FP64' }] }, 'FP32, not FP64'],
      [{ inputs: [{ ...x, shape: [-1n, 1n] }] }, 'inputs.0.shape.0'],
      [{ inputs: [{ ...x, shape: [2n, 1n] }] }, 'holds 2 elements, not 1'],
      [{ inputs: [{ ...x, contents: { fp64Contents: [1] } }] }, 'fp32_contents, not in fp64_contents'],
      [{ inputs: [x], rawInputContents: bytes }, 'both as values and as bytes'],
      [{ inputs: [{ ...x, contents: undefined }], rawInputContents: [...bytes, ...bytes] }, 'bytes of 2'],
      [{ inputs: [{ ...x, contents: undefined }], rawInputContents: [Buffer.alloc(3)] }, '4 bytes, not 3'],
      [{ inputs: [x], parameters: { a: {} } }, 'parameters.a'],
      [{ inputs: [x], outputs: [{ name: 'z' }] }, 'Its outputs are: prediction'],
    ];
    for (const [request, message] of bad) {
      await expect(client.call('modelInfer', { modelName: 'line', ...request }), message).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringContaining(message),
      });
    }
    const large = { ...x, shape: [1n, 1n], contents: { fp32Contents: Array.from({ length: 50_000 }, () => 1) } };
    await expect(client.call('modelInfer', { modelName: 'line', inputs: [large] })).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
    await expect(client.call('modelInfer', { modelName: 'none', inputs: [x] })).rejects.toMatchObject({
      code: status.NOT_FOUND,
      details: expect.stringContaining('not served'),
    });
  });

  test('begins and ends serving models', async () => {
    const index = async () => (await client.call('repositoryIndex', { ready: true })).models;
    const answer = async () => {
      const { modelVersion, outputs } = await client.call('modelInfer', { modelName: 'line', inputs: [inputX([1])] });
      return [modelVersion, outputs[0]?.contents?.fp32Contents];
    };
    expect(await answer()).toEqual(['1', [2]]);
    await client.call('repositoryModelLoad', { modelName: 'line', parameters: { reference: text('line/2') } });
    expect(await index()).toContainEqual(expect.objectContaining({ name: 'line', version: '2', state: 'READY' }));
    expect(await answer()).toEqual(['2', [3]]);
    await client.call('repositoryModelUnload', { modelName: 'line' });
    await expect(answer()).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(
      client.call('repositoryModelLoad', { modelName: 'line', parameters: { config: text('{}') } }),
    ).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('parameters.config') });
    await client.call('repositoryModelLoad', { modelName: 'line' });
    expect(await answer()).toEqual(['1', [2]]);
  });

  test("shares of the traffic, a key's user and a version that is named hold here too", async () => {
    await store.setTraffic('line', {
      shares: [
        { version: 1, role: 'live', weight: 0.5 },
        { version: 2, role: 'candidate', weight: 0.5 },
      ],
      stickyKey: 'user',
      reason: 'canary',
    });
    await served.inference.service.models.refresh();
    const request = { modelName: 'line', inputs: [inputX([1])] };
    for (let user = 0; user < 10; user++) {
      const headers = { 'x-ballast-user': `u${user}` };
      const { json } = await served.infer('line', [1], headers);
      expect(await client.call('modelInfer', request, { headers })).toMatchObject({ modelVersion: json.model_version });
      const named = await client.call('modelInfer', { ...request, modelVersion: '2' }, { headers });
      expect(named.modelVersion).toBe('2');
    }
    await store.setTraffic('line', { shares: [], reason: 'over' });
  });

  test("a client's deadline is kept, and a server that is asked to stop answers what is under way", async () => {
    await using own = await serveModels(store, ['circle/1'], { grpcPort: 0 });
    const { grpcAddress = '' } = own.server;
    const caller = grpcClient(grpcAddress);
    const turns = (count: number) => ({ modelName: 'circle', inputs: [inputX([count])] });
    await expect(caller.call('modelInfer', turns(1e6), { timeoutMs: 1 })).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
    const under = Array.from({ length: 10 }, (_, i) => caller.call('modelInfer', turns(1e5 + i)));
    await wait(50);
    await own.server.stop();
    for (const [i, each] of (await Promise.all(under)).entries()) {
      expect(each.outputs[0]?.contents?.fp32Contents).toEqual([1e5 + i]);
    }
    await expect(caller.call('serverLive', {}, { timeoutMs: 1000 })).rejects.toThrow();
    caller.close();
  });

  test('limits are kept over both protocols together, and say when to come again', async () => {
    await using own = await serveModels(store, ['line/1'], { grpcPort: 0, limits: { perSecond: 3 } });
    const caller = grpcClient(own.server.grpcAddress ?? '');
    for (let i = 0; i < 3; i++) expect((await own.infer('line', [1])).status).toBe(200);
    const refused = await caller
      .call('modelInfer', { modelName: 'line', inputs: [inputX([1])] })
      .catch((error) => error);
    expect(refused).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: expect.stringContaining('3 requests') });
    expect(refused.metadata.get('grpc-retry-pushback-ms')).toEqual(['1000']);
    caller.close();
  });

  test('who calls shows a token, and may do what its role may', async () => {
    const guarded = await openStore(join(folder, 'guarded'), { thread: true });
    try {
      await register(guarded, 'line', line(2));
      await guarded.putUser('ann', 'viewer');
      const token = await guarded.createToken('ann', { label: 'test', seconds: 60 });
      await using own = await serveModels(guarded, ['line/1'], { grpcPort: 0 });
      const caller = grpcClient(own.server.grpcAddress ?? '');
      const headers = { authorization: `Bearer ${token}` };
      const request = { modelName: 'line', inputs: [inputX([1])] };
      expect(await caller.call('serverReady', {})).toMatchObject({ ready: true });
      await expect(caller.call('modelInfer', request)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
      expect(await caller.call('modelInfer', request, { headers })).toMatchObject({ modelVersion: '1' });
      await expect(caller.call('repositoryModelUnload', { modelName: 'line' }, { headers })).rejects.toMatchObject({
        code: status.PERMISSION_DENIED,
        details: expect.stringContaining('ann may not deploy'),
      });
      caller.close();
    } finally {
      await guarded.close();
    }
  });
});

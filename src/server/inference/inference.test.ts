import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inputX, type Served, serveModels } from '../../../test/support/served.js';
import { classifier, line, register } from '../../../test/support/served-models.js';
import { openStore, type Store } from '../../store/index.js';

let folder: string;
let store: Store;
let served: Served;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-inference-'));
  store = await openStore(join(folder, 'store'), { thread: true });
  await register(store, 'line', line(2), line(3));
  await register(store, 'classifier', classifier());
  await store.setAlias('line', 'champion', 1);
  served = await serveModels(store, ['line', 'classifier/1']);
});

afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the Open Inference Protocol over HTTP', () => {
  test('tells of the server, its health and its models', async () => {
    const { ask } = served;
    expect((await ask('GET', '/v2')).json).toMatchObject({ name: 'ballast', extensions: expect.any(Array) });
    expect((await ask('GET', '/v2/health/live')).json).toEqual({ live: true });
    expect(await ask('GET', '/v2/health/ready')).toMatchObject({ status: 200, json: { ready: true } });
    expect((await ask('GET', '/v2/models/classifier')).json).toEqual({
      name: 'classifier',
      versions: ['1'],
      platform: 'onnxruntime_onnx',
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [-1, 1] },
        { name: 'city', datatype: 'BYTES', shape: [-1, 1] },
      ],
      outputs: [
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
        { name: 'place', datatype: 'BYTES', shape: [-1, 1] },
      ],
      parameters: { model_version: '1', regularizer_id: 'rg-classifier' },
    });
    expect((await ask('GET', '/v2/models/classifier/versions/1/ready')).json).toEqual({
      name: 'classifier',
      ready: true,
    });
    expect(await ask('GET', '/v2/models/none')).toMatchObject({ status: 404, json: { error: expect.any(String) } });
    expect(await ask('GET', '/v2/nothing')).toMatchObject({ status: 404, json: { error: expect.any(String) } });
  });

  test('answers rows with the version, the regularizers and the id of the prediction', async () => {
    const { status, json } = await served.infer('line', [1, 2, null]);
    expect(status).toBe(200);
    expect(json).toEqual({
      model_name: 'line',
      model_version: '1',
      id: json.parameters.prediction_id,
      parameters: { regularizer_id: 'rg-line', prediction_id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      outputs: [{ name: 'prediction', shape: [3, 1], datatype: 'FP32', data: [2, 4, null] }],
    });
  });

  test('takes nested data, and gives the outputs that are asked for', async () => {
    const request = {
      id: 'mine',
      inputs: [
        { name: 'x', shape: [2, 1], datatype: 'FP32', data: [[0], [100]] },
        { name: 'city', shape: [2, 1], datatype: 'BYTES', data: [['Köln'], [null]] },
      ],
      outputs: [{ name: 'place' }],
    };
    const { json } = await served.ask('POST', '/v2/models/classifier/versions/1/infer', request);
    expect(json).toMatchObject({ id: 'mine', outputs: [{ name: 'place', datatype: 'BYTES', data: ['Köln', ''] }] });
    expect(json.outputs).toHaveLength(1);
  });

  test('records each row, what was refused too', async () => {
    const headers = { 'x-ballast-device': 'phone' };
    const request = {
      parameters: { region: 'north' },
      inputs: [inputX([0, 100]), { name: 'city', shape: [2, 1], datatype: 'BYTES', data: ['Rom', ''] }],
    };
    const { json } = await served.ask('POST', '/v2/models/classifier/infer', request, headers);
    const refused = await served.ask('POST', '/v2/models/classifier/infer', { inputs: [inputX([1])] });
    expect(refused.status).toBe(400);
    await served.inference.recorder.flush();
    const rows = await store.observationsAfter('classifier', 0, 100);
    const id = json.parameters.prediction_id;
    expect(rows.find((row) => row.id === `${id}/0`)).toMatchObject({
      version: '1',
      regularizerId: 'rg-classifier',
      role: 'live',
      status: 'ok',
      features: { x: 0, city: 'Rom' },
      prediction: 'yes',
      scores: [0.5, 0.5],
      metadata: { device: 'phone', region: 'north' },
    });
    expect(rows.find((row) => row.id === `${id}/1`)).toMatchObject({
      features: { x: 100, city: null },
      prediction: 'yes',
    });
    expect(rows.at(-1)).toMatchObject({ status: 'rejected', fault: expect.stringContaining('INPUT_MISSING') });
  });

  test('tells what training did not have, as its policies say', async () => {
    const seen = JSON.stringify([{ column: 'x', missing: false, range: [0, 10] }]);
    const [version] = await register(store, 'seen', line(2, { 'ballast.seen': seen }));
    await using clipping = await serveModels(store, [`seen/${version}`], {
      policies: { range: 'clip', missing: 'reject' },
    });
    const { json } = await clipping.infer('seen', [5, 99]);
    expect(json.outputs[0].data).toEqual([10, 20]);
    const refused = await clipping.infer('seen', [1, null]);
    expect([refused.status, refused.json.error]).toEqual([400, expect.stringContaining('input x, row 1')]);
    await clipping.inference.recorder.flush();
    const rows = await store.observationsAfter('seen', 0, 10);
    expect(rows.map(({ features, flags, status }) => [features.x, flags, status])).toEqual([
      [5, [], 'ok'],
      [99, ['x: range'], 'ok'],
      [1, [], 'rejected'],
      [null, [], 'rejected'],
    ]);
  });

  test('says what is wrong with a request', async () => {
    const bad: [unknown, string][] = [
      [{}, 'inputs'],
      [{ inputs: [{ ...inputX([1]), name: 'y' }] }, 'Its inputs are: x'],
      [{ inputs: [{ ...inputX([1]), datatype: 'FP64' }] }, 'FP32, not FP64'],
      [{ inputs: [{ ...inputX([1]), shape: [1, 2] }] }, '[batch, 1], not [1, 2]'],
      [{ inputs: [{ ...inputX([1]), shape: [2, 1] }] }, 'holds 2 elements'],
      [{ inputs: [{ ...inputX([1]), data: ['a'] }] }, 'element 0 is no float32'],
      [{ inputs: [inputX([1]), inputX([1])] }, 'given twice'],
      [{ inputs: [inputX([1])], outputs: [{ name: 'z' }] }, 'Its outputs are: prediction'],
      [{ inputs: [inputX([1])], parameters: { timeout: -1 } }, 'microseconds'],
      [{ inputs: [inputX([1])], parameters: { a: 'x'.repeat(1000) } }, 'at most 32'],
    ];
    for (const [body, message] of bad) {
      const { status, json } = await served.ask('POST', '/v2/models/line/infer', body);
      expect([status, json.error], JSON.stringify(body)).toEqual([400, expect.stringContaining(message)]);
    }
  });

  test('begins and ends serving models on request', async () => {
    const { ask } = served;
    const index = async () => (await ask('POST', '/v2/repository/index', {})).json;
    expect(await ask('POST', '/v2/repository/models/line/load', { parameters: { reference: 'line/2' } })).toMatchObject(
      {
        status: 200,
      },
    );
    expect(await index()).toContainEqual({ name: 'line', version: '2', state: 'READY', reason: '' });
    expect((await served.infer('line', [1])).json.outputs[0].data).toEqual([3]);
    expect((await ask('POST', '/v2/repository/models/line/unload', {})).status).toBe(200);
    expect((await served.infer('line', [1])).status).toBe(404);
    expect((await ask('POST', '/v2/repository/models/no-such/load', {})).status).toBe(404);
    const other = await ask('POST', '/v2/repository/models/line/load', { parameters: { reference: 'classifier/1' } });
    expect(other.status).toBe(400);
    expect((await ask('POST', '/v2/repository/models/line/load')).status).toBe(200);
    expect((await served.infer('line', [1])).json.outputs[0].data).toEqual([2]);
  });
});

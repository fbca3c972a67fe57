import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Served, serveModels } from '../../../test/support/served.js';
import { register } from '../../../test/support/served-models.js';
import { float32, type Graph, type Model, type Node } from '../../graph/index.js';
import { openStore, type Store } from '../../store/index.js';
import { narrowed, viewOf } from './view.js';

const PIXELS = 100;
const UNITS = 80;

const node = (opType: string, inputs: string[], output: string): Node => ({
  ...{ domain: '', name: output, opType, inputs, outputs: [output], attributes: {} },
});

/** Relu(x W), W[i][j] = 1 where i = j, and the sum of that: what the last layer takes are the first pixels. */
function picture(extra: readonly string[] = []): Model {
  const first = Float32Array.from({ length: PIXELS * UNITS }, (_, i) => (Math.floor(i / UNITS) === i % UNITS ? 1 : 0));
  const graph: Graph = {
    name: 'picture',
    inputs: [{ name: 'image', type: 'float32', shape: ['batch', PIXELS] }],
    outputs: ['prediction', ...extra].map((name) => ({ name, type: 'float32', shape: undefined })),
    initializers: new Map([
      ['w1', float32([PIXELS, UNITS], first)],
      ['w2', float32([UNITS, 1], new Float32Array(UNITS).fill(1))],
    ]),
    nodes: [
      node('MatMul', ['image', 'w1'], 'hidden'),
      node('Relu', ['hidden'], 'embedding'),
      node('MatMul', ['embedding', 'w2'], 'prediction'),
    ],
    valueInfo: new Map(),
  };
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 't', version: '' },
    graph,
    metadata: new Map(),
  };
}

describe('what is observed of images', () => {
  let folder: string;
  let store: Store;
  let served: Served;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ballast-view-'));
    store = await openStore(join(folder, 'store'), { thread: true });
    await register(store, 'picture', picture());
    served = await serveModels(store, ['picture/1']);
  });
  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('are the values that the last layer takes; the answer is what it is without', async () => {
    const rows = [1, 2].map((times) => Array.from({ length: PIXELS }, (_, i) => times * (i - 2)));
    const inputs = [{ name: 'image', shape: [2, PIXELS], datatype: 'FP32', data: rows.flat() }];
    const { status, json } = await served.ask('POST', '/v2/models/picture/infer', { inputs });
    expect(status).toBe(200);
    const sum = ((UNITS - 3) * (UNITS - 2)) / 2;
    expect(json.outputs).toMatchObject([{ name: 'prediction', data: [sum, 2 * sum] }]);
    await served.inference.recorder.flush();
    const seen = await store.observationsAfter('picture', 0, 10);
    expect(seen.map(({ features }) => Object.keys(features).length)).toEqual([64, 64]);
    expect(seen[1].features).toMatchObject({
      'view:embedding[0]': 0,
      'view:embedding[3]': 2,
      'view:embedding[63]': 122,
    });
    const { outputs } = (await served.ask('GET', '/v2/models/picture')).json;
    expect(outputs).toHaveLength(1);
  });

  test('are none where inputs are columns, or where the value is an output already', () => {
    const { graph } = picture();
    expect(viewOf(graph)).toBe('embedding');
    expect(viewOf(picture(['embedding']).graph)).toBeUndefined();
    expect(viewOf({ ...graph, inputs: [{ name: 'image', type: 'float32', shape: ['batch', 10] }] })).toBeUndefined();
    expect(narrowed(float32([4, 2], new Float32Array(8)), 2)).toBeUndefined();
  });
});

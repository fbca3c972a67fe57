import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProductionReport } from '../../src/monitoring/production-report.js';
import { derive } from '../../src/numeric/index.js';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { type Served, serveModels } from '../support/served.js';
import type { TrainDocument } from '../support/train-document.js';

const SIDE = 12;
const PIXELS = SIDE * SIDE;

/** Noise with a bright half, left or right, beside other light: two classes. */
function images(count: number, seed: number, light = 0): { readonly pixels: number[][]; readonly labels: number[] } {
  const random = derive(seed, 'images');
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  const pixels = labels.map((label) =>
    Array.from({ length: PIXELS }, (_, at) => {
      const bright = at % SIDE >= SIDE / 2 === (label === 1) ? 60 : 0;
      return Math.round(Math.min(255, Math.max(0, 80 + light + bright + random.normal(0, 30))));
    }),
  );
  return { pixels, labels };
}

function header(...sizes: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * sizes.length);
  bytes.set([0, 0, 8, sizes.length]);
  for (const [i, size] of sizes.entries()) bytes.writeUInt32BE(size, 4 + 4 * i);
  return bytes;
}

const SPEC = `name: halves
data: { source: halves-images-idx3-ubyte, target: label, split: { strategy: random, validation: 200, holdout: 200, seed: 1 } }
task: classification
model: { type: mlp, hidden: [16] }
training: { epochs: 3, batchSize: 64, seed: 1 }
`;

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ballast-serve-images-'));
  const { pixels, labels } = images(800, 1);
  writeFileSync(
    join(folder, 'halves-images-idx3-ubyte'),
    Buffer.concat([header(pixels.length, SIDE, SIDE), Buffer.from(pixels.flat())]),
  );
  writeFileSync(join(folder, 'halves-labels-idx1-ubyte'), Buffer.concat([header(labels.length), Buffer.from(labels)]));
  writeFileSync(join(folder, 'spec.yaml'), SPEC);
  const trained = await ballast(folder, 'train', 'spec.yaml', '--json');
  expect(trained.code, trained.stderr).toBe(0);
  const { runId } = trained.json<TrainDocument>().runs[1];
  for (const name of ['calm', 'dark']) {
    const registered = await ballast(folder, 'models', 'register', runId, name, '--json');
    expect(registered.code, registered.stderr).toBe(0);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function ask(served: Served, model: string, pixels: readonly (readonly number[])[]): Promise<void> {
  const { json: about } = await served.ask('GET', `/v2/models/${model}`);
  const [{ name, shape }] = (about as unknown as { inputs: { name: string; shape: number[] }[] }).inputs;
  for (let from = 0; from < pixels.length; from += 50) {
    const some = pixels.slice(from, from + 50);
    const input = { name, shape: [some.length, ...shape.slice(1)], datatype: 'FP32', data: some.flat() };
    const { status, json } = await served.ask('POST', `/v2/models/${model}/infer`, { inputs: [input] });
    expect(status, json.error).toBe(200);
  }
}

test('images are watched by what the model makes of them: as in training nothing drifted, in other light it did', async () => {
  await using store = await openStore(join(folder, '.ballast'), { thread: true });
  {
    await using served = await serveModels(store, ['calm/1', 'dark/1']);
    await ask(served, 'calm', images(400, 2).pixels);
    await ask(served, 'dark', images(400, 3, -60).pixels);
  }
  const drift = async (model: string) => (await ballast(folder, 'drift', model, '--json')).json<ProductionReport>();
  const calm = await drift('calm');
  expect(calm.columns).toEqual({ onlyReference: [], onlyCurrent: [] });
  expect(calm.features.map(({ name }) => name).some((name) => /\[\d+\]$/.test(name))).toBe(true);
  expect(calm.features.filter(({ drifted }) => drifted)).toEqual([]);
  const dark = await drift('dark');
  expect(dark.drifted).toBe(true);
  expect(dark.features.filter(({ drifted }) => drifted).length).toBeGreaterThan(2);
});

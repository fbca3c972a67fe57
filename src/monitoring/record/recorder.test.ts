import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BallastError } from '../../errors.js';
import { HOUR_MS, type Observation, type ObservationBatch, openStore, type Store } from '../../store/index.js';
import { ColumnSketch } from '../sketch/column-sketch.js';
import { Recorder } from './recorder.js';

const AT = Math.floor(1_700_000_000_000 / HOUR_MS) * HOUR_MS;
const observed = (id: string, change: Partial<Observation> = {}): Observation => ({
  ...{ id, at: AT, model: 'm', version: '1', regularizerId: 'rg', role: 'live', status: 'ok', latencyMs: 1 },
  features: { age: Number(id), city: 'rome' },
  prediction: 'yes',
  scores: [0.2, 0.8],
  flags: [],
  metadata: { device: 'phone', client: `c${id}` },
  ...change,
});
const unreachable = () => new BallastError('gone', { code: 'STORE_UNREACHABLE', kind: 'environment' });

describe('Recorder', () => {
  let folder: string;
  let store: Store;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-recorder-'));
    store = await openStore(join(folder, 'store'));
  });

  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('writes rows, windows and sketches; those of several recorders add up', async () => {
    const recorders = [new Recorder(store), new Recorder(store)];
    for (let i = 0; i < 3000; i++) recorders[i % 2].observe(observed(String(i)));
    await Promise.all(recorders.map((recorder) => recorder.stop()));
    expect(recorders[0].state).toEqual({
      ...{ waiting: 0, written: 1500, dropped: 0, refused: 0, unreachableSince: undefined },
    });
    expect(await store.observationsAfter('m', 0, 5000)).toHaveLength(3000);
    const windows = await store.windowsOf('m');
    expect(windows.map(({ slice, requests }) => [slice, requests])).toEqual([
      ['', 3000],
      ['device=phone', 3000],
    ]);
    const sketches = new Map(
      (await store.sketchesOf('m')).map(({ column, content }) => [column, ColumnSketch.decode(content)]),
    );
    expect([...sketches.keys()]).toEqual([
      'confidence',
      'feature/age',
      'feature/city',
      'prediction',
      'score/0',
      'score/1',
    ]);
    const age = sketches.get('feature/age');
    expect(age?.moments).toMatchObject({ count: 3000, mean: expect.closeTo(1499.5, 6) as number, min: 0, max: 2999 });
    expect(sketches.get('prediction')?.distribution('category')).toMatchObject({ counts: new Map([['yes', 3000]]) });
  });

  it('keeps what it cannot write, bounded, counts what it drops, and writes it when it can', async () => {
    let reachable = false;
    const batches: ObservationBatch[] = [];
    const told: string[] = [];
    const recorder = new Recorder(
      {
        async recordObservations(batch) {
          if (!reachable) throw unreachable();
          batches.push(batch);
        },
      },
      { capacity: 100, everyMs: 5, onChange: (message) => told.push(message) },
    );
    for (let i = 0; i < 250; i++) recorder.observe(observed(String(i)));
    await recorder.flush();
    for (let i = 250; i < 300; i++) recorder.observe(observed(String(i)));
    expect(recorder.state).toMatchObject({
      waiting: 100,
      dropped: 200,
      unreachableSince: expect.any(Number) as number,
    });
    reachable = true;
    await recorder.stop();
    expect(recorder.state).toMatchObject({ waiting: 0, written: 100, unreachableSince: undefined });
    expect(told).toEqual([expect.stringMatching(/kept in memory: gone/), 'What is observed is written again']);
    // Dropped rows are in the counts.
    const counted = batches.flatMap(({ windows }) => windows).filter(({ slice }) => slice === '');
    expect(counted.reduce((sum, { requests }) => sum + requests, 0)).toBe(300);
  });

  it('writes what came after a batch that could not be written, too, before it stops', async () => {
    let reachable = false;
    const ids: string[] = [];
    const recorder = new Recorder({
      async recordObservations({ observations }) {
        if (!reachable) throw unreachable();
        ids.push(...observations.map(({ id }) => id));
      },
    });
    recorder.observe(observed('1'));
    await recorder.flush();
    recorder.observe(observed('2'));
    reachable = true;
    await recorder.stop();
    expect(ids).toEqual(['1', '2']);
  });

  it('writes each once, in order, whoever asks meanwhile', async () => {
    const ids: string[] = [];
    const recorder = new Recorder(
      {
        async recordObservations({ observations }) {
          await sleep(2);
          ids.push(...observations.map(({ id }) => id));
        },
      },
      { everyMs: 1 },
    );
    const expected = Array.from({ length: 9000 }, (_, i) => String(i));
    const flushes: Promise<void>[] = [];
    for (const id of expected) {
      recorder.observe(observed(id));
      if (Number(id) % 3000 === 0) flushes.push(recorder.flush(), recorder.flush());
    }
    await Promise.all(flushes);
    await recorder.stop();
    expect(ids).toEqual(expected);
    expect(recorder.state).toMatchObject({ waiting: 0, written: 9000, dropped: 0 });
  });

  it('loses one observation that the store refuses, not those beside it', async () => {
    const told: string[] = [];
    const recorder = new Recorder(store, { onChange: (message) => told.push(message) });
    for (let i = 0; i < 9; i++) recorder.observe(observed(`p${i}`, { model: 'poison' }));
    recorder.observe(observed('p9', { model: 'poison', latencyMs: Number.NaN }));
    await recorder.stop();
    expect(recorder.state).toMatchObject({ written: 9, refused: 1 });
    expect(told).toEqual([expect.stringMatching(/refused/)]);
    expect(await store.observationsAfter('poison', 0)).toHaveLength(9);
  });

  it('makes no more slices than it should, whatever clients send', async () => {
    const recorder = new Recorder(store);
    for (let i = 0; i < 200; i++) recorder.observe(observed(String(i), { model: 'many', metadata: { shop: `s${i}` } }));
    await recorder.stop();
    const windows = await store.windowsOf('many');
    expect(windows).toHaveLength(52);
    expect(windows.find(({ slice }) => slice === 'shop=(others)')).toMatchObject({ requests: 150 });
  });
});

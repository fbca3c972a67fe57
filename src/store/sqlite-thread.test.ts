import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newRun } from '../../test/contracts/store/subject.js';
import { openStore, type Store } from './index.js';

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-thread-'));
  store = await openStore(folder, { thread: true });
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

test('statements of a thread give what they give here, errors too, and roll back', async () => {
  const id = await store.createRun(newRun());
  await store.logParams(id, { a: '1' });
  await expect(store.logParams(id, { b: '2', a: '3' })).rejects.toMatchObject({
    code: 'PARAMETER_CHANGED',
    exitCode: 2,
  });
  expect(await store.getParams(id)).toEqual({ a: '1' });
  await store.logMetrics(id, [{ name: 'x', value: Number.POSITIVE_INFINITY }]);
  expect((await store.latestMetrics(id))[0]?.value).toBe(Number.POSITIVE_INFINITY);
  await store.finishRun(id, 'finished');
});

test('two stores of one file write at once, in a thread and here', async () => {
  await using here = await openStore(folder);
  const id = await store.createRemoteRun({
    experimentId: await store.createExperiment('shared'),
    name: 'r',
    tags: {},
    startedAt: new Date(),
  });
  const write = async (to: Store, from: number): Promise<void> => {
    for (let i = 0; i < 50; i++)
      await to.logBatch(id, { metrics: [{ name: 'x', value: i, step: from + i, timestamp: 1 }] });
  };
  await Promise.all([write(store, 0), write(here, 50)]);
  expect(await here.metricHistory(id, 'x')).toHaveLength(100);
});

test('a long statement holds up nothing else of this thread', async () => {
  const points = Array.from({ length: 100_000 }, (_, step) => ({
    name: `m${step % 10}`,
    value: step,
    step,
    timestamp: 1,
  }));
  const id = await store.createRemoteRun({ experimentId: 1, name: 'long', tags: {}, startedAt: new Date() });
  await store.logBatch(id, { metrics: points });
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  await store.verify();
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});

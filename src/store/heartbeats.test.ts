import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { newRun } from '../../test/contracts/store/subject.js';
import { openStore } from './index.js';

const scratch = mkdtempSync(join(tmpdir(), 'ballast-heartbeats-'));

afterEach(() => {
  vi.useRealTimers();
  rmSync(scratch, { recursive: true, force: true });
});

test('a run of this process has a heartbeat every 15 seconds until it is finished or the store is closed', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  const store = await openStore(scratch);
  const remote = await store.createRun(newRun({ attached: false }));
  const [a, b] = [await store.createRun(newRun()), await store.createRun(newRun())];
  const start = Date.now();
  const beats = async () => {
    // Queued behind the heartbeats on the store's one connection.
    const runs = await Promise.all([a, b, remote].map((id) => store.getRun(id)));
    return runs.map(({ heartbeatAt }) => Math.floor((heartbeatAt.getTime() - start) / 1000));
  };
  vi.advanceTimersByTime(15_000);
  await vi.waitFor(async () => expect(await beats()).toEqual([15, 15, 0]));
  await store.finishRun(a, 'finished');
  vi.advanceTimersByTime(15_000);
  await vi.waitFor(async () => expect(await beats()).toEqual([15, 30, 0]));
  await store.finishRun(b, 'finished');
  expect(vi.getTimerCount()).toBe(0);
  await store.createRun(newRun());
  expect(vi.getTimerCount()).toBe(1);
  await store.close();
  expect(vi.getTimerCount()).toBe(0);
});

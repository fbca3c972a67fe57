import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BallastError } from '../../errors.js';
import { interimResults } from './interim-results.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const sleep = (ms: number): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, ms);
  });

test('the first result comes at once, later ones together, and none after the end', async () => {
  let count = 0;
  const interim = interimResults(async () => {
    count += 1;
  }, 5000);
  interim.changed();
  expect(count).toBe(1);
  for (let i = 0; i < 10; i++) {
    interim.changed();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(count).toBe(1);
  await vi.advanceTimersByTimeAsync(5000);
  expect(count).toBe(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(count).toBe(2);
  interim.changed();
  interim.changed();
  await interim.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(count).toBe(3);
});

test('results that are dear are rare: a twentieth of the time at most', async () => {
  const at: number[] = [];
  const start = performance.now();
  const interim = interimResults(async () => {
    at.push(performance.now() - start);
    await sleep(2000);
  }, 5000);
  for (let i = 0; i < 1000; i++) {
    interim.changed();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(at).toEqual([0, 42_000, 84_000]);
});

test('a database that is away costs one result, any other fault is told at the end', async () => {
  const faults = [new BallastError('gone', { code: 'STORE_UNREACHABLE' }), new RangeError('broken')];
  const interim = interimResults(() => Promise.reject(faults.shift() as Error), 1000);
  interim.changed();
  await vi.advanceTimersByTimeAsync(1001);
  interim.changed();
  await vi.advanceTimersByTimeAsync(1001);
  interim.changed();
  await expect(interim.stop()).rejects.toThrow('broken');
  expect(faults).toEqual([]);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isAtWork, thisProcess } from './process-identity.js';

const now = Date.now();

test('this process is at work, however long ago its heartbeat was', () => {
  const own = thisProcess();
  expect(own.pid).toBe(process.pid);
  expect(isAtWork(own, now, now)).toBe(true);
  if (own.started !== null) expect(isAtWork(own, 0, now)).toBe(true);
});

test('a process id that was reused is not the process', () => {
  expect(isAtWork({ ...thisProcess(), started: 'another time' }, now, now)).toBe(false);
});

test('where start times are not known, the process must exist and its heartbeat be younger than two minutes', async () => {
  const own = { ...thisProcess(), started: null };
  expect(isAtWork(own, now - 119_000, now)).toBe(true);
  expect(isAtWork(own, now - 121_000, now)).toBe(false);
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'close');
  expect(isAtWork({ ...own, pid: child.pid ?? 0 }, now, now)).toBe(false);
});

test('on another machine the heartbeat alone decides', () => {
  const other = { host: 'elsewhere', pid: process.pid, started: null };
  expect(isAtWork(other, now - 119_000, now)).toBe(true);
  expect(isAtWork(other, now - 121_000, now)).toBe(false);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRuntime } from '../src/graph/runtime/choose.js';
import { readCheckpoint } from '../src/training/checkpoint.js';
import { KILL_PROBLEM } from './support/training-child.js';
import { problem, trained, weightBytes } from './support/training-problem.js';

/** A real process, killed without warning in the middle of an epoch, and another one that takes over. */

const CHILD = join(import.meta.dirname, 'support', 'training-child.ts');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-kill-'));
});
afterAll(() => rm(folder, { recursive: true }));

function start(...args: string[]): { child: ChildProcess; lines: AsyncIterable<string> } {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, lines: createInterface({ input: child.stdout! }) };
}

/** Runs until `steps` steps are reported, then kills; the weights where it ended by itself before. */
async function killedAfter(steps: number, args: string[]): Promise<string | undefined> {
  const { child, lines } = start(...args);
  let last = '';
  let seen = 0;
  for await (const line of lines) {
    last = line;
    if (line.startsWith('step ') && ++seen === steps) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode === 'SIGKILL' ? undefined : last;
}

describe('kill -9 in the middle of an epoch', () => {
  it('loses nothing: the resumed run ends with the same bytes as one that was left alone', async () => {
    const whole = await trained(await openRuntime(), problem(KILL_PROBLEM));
    expect(whole.outcome).toBe('stopped-early');
    const path = join(folder, 'run.safetensors');
    expect(await killedAfter(11, [path])).toBeUndefined();
    const first = await readCheckpoint(path);
    expect(first.progress.step).toBeGreaterThanOrEqual(11);
    // Killed again, wherever it then stands.
    expect(await killedAfter(6, [path, 'resume'])).toBeUndefined();
    const second = await readCheckpoint(path);
    expect(second.progress.step).toBeGreaterThan(first.progress.step);
    const answer = await killedAfter(Number.POSITIVE_INFINITY, [path, 'resume']);
    expect(JSON.parse(answer ?? '')).toEqual({
      weights: weightBytes(whole),
      epochs: whole.epochs,
      bestEpoch: whole.bestEpoch,
    });
  });
});

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { start } from '../support/process.js';
import { writeCustomers } from '../support/small-data.js';
import type { SweepDocument } from '../support/sweep-document.js';

const root = mkdtempSync(join(tmpdir(), 'ballast-sweep-interruption-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Trials of a second or so, each with checkpoints, momentum and dropout that must survive. */
const SPEC = {
  training: { epochs: 60, batchSize: 16, checkpointSeconds: 0, optimizer: { type: 'adamw', learningRate: 0.002 } },
  search: { sampler: { type: 'tpe', startUp: 3 }, trials: 6 },
};

function newFolder(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeCustomers(folder, SPEC);
  return folder;
}

/** What must not depend on interruptions. */
const essence = ({ trials, best, importance }: SweepDocument) => ({
  trials,
  importance,
  best: [best.trial, best.values, best.metric, best.interval, best.correctedMetric],
});

describe('a sweep that is interrupted', () => {
  let whole: SweepDocument;

  beforeAll(async () => {
    const { code, stderr, json } = await ballast(newFolder('whole'), 'sweep', 'spec.yaml', '--workers', '1', '--json');
    expect(code, stderr).toBe(0);
    whole = json<SweepDocument>();
  });

  test('by Ctrl-C tells how to go on, and ends as if it had not been', async () => {
    const folder = newFolder('ctrl-c');
    const running = start(folder, 'sweep', 'spec.yaml', '--workers', '1');
    await running.said(/trial 1 /);
    running.signal('SIGINT');
    expect(await running.ended).toBe(130);
    expect(running.output.stderr).toMatch(/Go on with: ballast sweeps resume [0-9a-f]{8}/);
    expect((await ballast(folder, 'sweeps', 'list')).stdout).toMatch(/stopped/);
    const resumed = await ballast(folder, 'sweeps', 'resume', 'latest', '--workers', '1', '--json');
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(essence(resumed.json<SweepDocument>())).toEqual(essence(whole));
  });

  test('by kill -9, twice, in the middle of trials, ends as if it had not been', async () => {
    const folder = newFolder('kill');
    const first = start(folder, 'sweep', 'spec.yaml', '--workers', '1');
    await first.said(/trial 0 /);
    first.signal('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    expect((await ballast(folder, 'sweeps', 'list')).stdout).toMatch(/interrupted/);
    const second = start(folder, 'sweeps', 'resume', 'latest', '--workers', '1');
    await second.said(/trial 2 /);
    second.signal('SIGKILL');
    await second.ended;
    const resumed = await ballast(folder, 'sweeps', 'resume', 'latest', '--workers', '1', '--json');
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(essence(resumed.json<SweepDocument>())).toEqual(essence(whole));
  });

  test('by another process stops, and its workers with it', async () => {
    const folder = newFolder('stop');
    const running = start(folder, 'sweep', 'spec.yaml', '--workers', '2', '--trials', '500');
    await running.said(/trial 1 /);
    expect((await ballast(folder, 'sweeps', 'stop', 'latest')).stdout).toMatch(/Asked sweep/);
    expect(await running.ended).toBe(0);
    expect(running.output.stdout).toMatch(/: stopped; \d+ complete/);
    const status = (await ballast(folder, 'sweeps', 'status', 'latest', '--json')).json();
    expect(status).toMatchObject({ state: 'stopped', wanted: 500 });
  });
});

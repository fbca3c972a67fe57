import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { findPostgres, type PostgresServer, startPostgres } from '../support/postgres-server.js';
import { type CommandProcess, start } from '../support/process.js';
import { writeCustomers } from '../support/small-data.js';
import type { SweepDocument } from '../support/sweep-document.js';

const found = findPostgres();
const SPEC = {
  training: { epochs: 40, batchSize: 16, checkpointSeconds: 0.2, optimizer: { type: 'adamw', learningRate: 0.002 } },
  search: { sampler: { type: 'random' }, trials: 12 },
};

describe.skipIf('missing' in found)('four workers on PostgreSQL', () => {
  const root = mkdtempSync(join(tmpdir(), 'ballast-workers-'));
  let server: PostgresServer;
  let whole: SweepDocument;

  beforeAll(async () => {
    server = await startPostgres();
    const alone = join(root, 'alone');
    mkdirSync(alone);
    writeCustomers(alone, SPEC);
    const { code, stderr, json } = await ballast(alone, 'sweep', 'spec.yaml', '--workers', '1', '--json');
    expect(code, stderr).toBe(0);
    whole = json<SweepDocument>();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  });

  test('two of them killed in the middle of trials, the database restarted: every trial once, the same result', async () => {
    const folder = join(root, 'queue');
    mkdirSync(folder);
    writeCustomers(folder, SPEC);
    const url = `${await server.createDatabase()}?artifacts=${join(folder, 'artifacts')}`;
    await (await openStore(url)).close();
    const workers: CommandProcess[] = Array.from({ length: 4 }, () =>
      start(folder, 'worker', '--store', url, '--silent', '3s', '--idle', '30s', '--json'),
    );
    const sweep = start(folder, 'sweep', 'spec.yaml', '--on', url, '--workers', '4', '--silent', '3s', '--json');
    // In the middle of a trial: one has been taken, and has come to no end.
    for (const worker of workers.slice(0, 2)) {
      const atWork = (): boolean => /trial \d+\s*$/.test(worker.output.stderr);
      for (let seen = false; !seen; seen = seen && atWork()) {
        while (!atWork()) await sleep(20);
        seen = true;
        await sleep(60);
      }
      worker.signal('SIGKILL');
      expect(await worker.ended).toBe('SIGKILL');
    }
    await sweep.said(/trial \d+ {2}0/);
    await server.restart();
    expect(await sweep.ended, sweep.output.stderr).toBe(0);
    const document = JSON.parse(sweep.output.stdout) as SweepDocument;
    expect(document.trials).toEqual({ complete: 12, pruned: 0, failed: 0 });
    expect([document.best.trial, document.best.metric, document.best.correctedMetric]).toEqual([
      whole.best.trial,
      whole.best.metric,
      whole.best.correctedMetric,
    ]);
    const store = await openStore(url);
    const trials = await store.listTrials(document.sweepId);
    await store.close();
    expect(trials.map(({ number, state }) => [number, state])).toEqual(
      Array.from({ length: 12 }, (_, number) => [number, 'complete']),
    );
    expect(trials.filter(({ attempt }) => attempt > 1).length).toBeGreaterThanOrEqual(2);
    for (const worker of workers.slice(2)) {
      worker.signal('SIGTERM');
      expect(await worker.ended, worker.output.stderr).toBe(0);
    }
  });

  test('processes of this machine wait for a database that is restarted, too', async () => {
    const folder = join(root, 'pool');
    mkdirSync(folder);
    writeCustomers(folder, SPEC);
    const url = `${await server.createDatabase()}?artifacts=${join(folder, 'artifacts')}`;
    const sweep = start(folder, 'sweep', 'spec.yaml', '--store', url, '--workers', '2', '--json');
    await sweep.said(/trial \d+ {2}0/);
    await server.restart();
    expect(await sweep.ended, sweep.output.stderr).toBe(0);
    const document = JSON.parse(sweep.output.stdout) as SweepDocument;
    expect(document.trials).toEqual({ complete: 12, pruned: 0, failed: 0 });
    expect(document.best.metric).toBe(whole.best.metric);
    const store = await openStore(url);
    const runs = await store.listRuns({ groupId: document.sweepId });
    await store.close();
    expect(runs.map(({ status }) => status)).toEqual(Array(12).fill('finished'));
  });

  test('told to stop while the database is away, they stop and say how to go on', async () => {
    const folder = join(root, 'away');
    mkdirSync(folder);
    writeCustomers(folder, SPEC);
    const url = `${await server.createDatabase()}?artifacts=${join(folder, 'artifacts')}`;
    await (await openStore(url)).close();
    const worker = start(folder, 'worker', '--store', url, '--silent', '3s', '--json');
    const sweep = start(folder, 'sweep', 'spec.yaml', '--on', url, '--workers', '1', '--silent', '3s', '--json');
    await worker.said(/trial \d/);
    await server.crash();
    try {
      await sleep(500);
      worker.signal('SIGTERM');
      sweep.signal('SIGINT');
      expect(await worker.ended, worker.output.stderr).toBe(0);
      expect(await sweep.ended, sweep.output.stderr).toBe(130);
      expect(sweep.output.stderr).toMatch(/go on with: ballast sweeps resume [0-9a-f]{8}/);
    } finally {
      await server.recover();
    }
    const resumed = await ballast(folder, 'sweeps', 'resume', 'latest', '--store', url, '--workers', '1', '--json');
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.json<SweepDocument>()).toMatchObject({ trials: { complete: 12, failed: 0 } });
    expect(resumed.json<SweepDocument>().best.metric).toBe(whole.best.metric);
  });

  test('a sweep on anything but PostgreSQL has no queue, and says so', async () => {
    const { code, stderr } = await ballast(join(root, 'alone'), 'worker', '--store', join(root, 'alone', '.ballast'));
    expect(code).toBe(2);
    expect(stderr).toMatch(/needs a PostgreSQL store/);
  });
});

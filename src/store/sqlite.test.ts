import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newRun } from '../../test/contracts/store/subject.js';
import { smallDiskUnavailable, startStoreChild, startStoreChildOnDisk } from '../../test/support/store-child.js';
import { openStore } from './index.js';

/** What a run of store-writer.ts `write` holds. */
const POINTS_PER_RUN = 300;

/** Processes of their own start slowly on a busy machine. */
const CHILD_LIMIT_MS = 120_000;

let scratch: string;
let folders = 0;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ballast-sqlite-'));
});

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function freshFolder(): string {
  folders += 1;
  return join(scratch, `store${folders}`);
}

describe('several processes', () => {
  test(
    'killed in the middle of writing leave a store that opens with all they had been promised',
    async () => {
      const url = freshFolder();
      for (const pause of [0, 61]) {
        const child = startStoreChild(url, 'write');
        await child.written(2);
        await sleep(pause);
        await child.kill();
        await using store = await openStore(url);
        expect(await store.verify()).toEqual([]);
        for (const runId of child.lines.slice(-20)) {
          expect((await store.getRun(runId)).status).toBe('finished');
          expect(await store.metricHistory(runId)).toHaveLength(POINTS_PER_RUN);
          expect(await (await store.openArtifact(runId, 'model.onnx')).bytes()).toHaveLength(50_000);
        }
        for (const { id } of await store.listRuns({ status: 'interrupted' })) {
          expect([0, POINTS_PER_RUN]).toContain((await store.metricHistory(id)).length);
        }
        expect(await store.listRuns({ status: 'running' })).toEqual([]);
      }
    },
    CHILD_LIMIT_MS,
  );

  test(
    'killed in the middle of clearing leave a store that opens with all that is needed, and is cleared the next time',
    async () => {
      for (const pause of [0, 30]) {
        const url = freshFolder();
        await using store = await openStore(url);
        const runs: string[] = [];
        for (let i = 0; i < 12; i++) {
          const runId = await store.createRun(newRun());
          await store.putArtifact(runId, 'model.onnx', Buffer.alloc(300_000, i));
          await store.logMetrics(
            runId,
            Array.from({ length: 500 }, (_, step) => ({ name: 'loss', step, value: step })),
          );
          await store.finishRun(runId, 'finished');
          runs.push(runId);
        }
        const kept = runs[5] ?? '';
        await store.createVersion({ name: 'm', source: 'x', from: { kind: 'run', runId: kept, path: '' } });
        const child = startStoreChild(url, 'expire');
        await child.written(1);
        await sleep(pause);
        await child.kill();
        expect(await store.verify()).toEqual([]);
        expect(await (await store.openArtifact(kept, 'model.onnx')).bytes()).toHaveLength(300_000);
        expect((await store.getVersion('m', 1)).runId).toBe(kept);
        const policy = { ...(await store.retentionPolicy()), runsMs: 1, deletedMs: 1 };
        await store.applyRetention({ policy, now: Date.now() + 1000 });
        expect((await store.listRuns({ includeDeleted: true })).map(({ id }) => id)).toEqual([kept]);
        expect(await store.verify()).toEqual([]);
      }
    },
    CHILD_LIMIT_MS,
  );

  test('give the room of what is cleared back to the disk', async () => {
    const url = freshFolder();
    await using store = await openStore(url, { thread: true });
    const runId = await store.createRun(newRun());
    const text = 'x'.repeat(10_000);
    const big = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`tag${i}`, text]));
    await store.setTags(runId, big);
    await store.finishRun(runId, 'finished');
    const policy = { ...(await store.retentionPolicy()), runsMs: 1, deletedMs: 1 };
    const { databaseBytes, removedRuns } = await store.applyRetention({ policy, now: Date.now() + 1000 });
    expect(removedRuns).toBe(1);
    expect(databaseBytes).toBeGreaterThan(9e6);
    expect(statSync(join(url, 'ballast.db')).size).toBeLessThan(2e6);
    expect(await store.verify()).toEqual([]);
  });

  test(
    'write to one store at the same time and lose nothing',
    async () => {
      const url = freshFolder();
      const children = [startStoreChild(url, 'count', '40'), startStoreChild(url, 'count', '40')];
      await Promise.all(children.map((child) => child.ended()));
      const numbers = children.flatMap(({ lines }) => lines.map(Number)).sort((a, b) => a - b);
      expect(numbers).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
    },
    CHILD_LIMIT_MS,
  );

  test('that keep the store locked for too long are named as the reason', async () => {
    const url = freshFolder();
    await using store = await openStore(url, { busyTimeoutMs: 100 });
    const runId = await store.createRun(newRun());
    const holder = new Database(join(url, 'ballast.db'));
    holder.exec('begin immediate');
    const busy = { code: 'STORE_BUSY', exitCode: 3 };
    await expect(store.logMetrics(runId, [{ name: 'a', value: 1 }])).rejects.toMatchObject(busy);
    await expect(store.finishRun(runId, 'finished')).rejects.toMatchObject(busy);
    expect((await store.getRun(runId)).status).toBe('running');
    holder.exec('rollback');
    holder.close();
    await store.logMetrics(runId, [{ name: 'a', value: 1 }]);
    await store.finishRun(runId, 'finished');
  });

  test('on one event loop wait for each other without blocking it', async () => {
    const url = freshFolder();
    await using store = await openStore(url);
    const runId = await store.createRun(newRun());
    const holder = new Database(join(url, 'ballast.db'));
    holder.exec('begin immediate');
    const writing = store.logMetrics(runId, [{ name: 'a', value: 1 }]);
    const before = performance.now();
    await sleep(50);
    expect(performance.now() - before).toBeLessThan(1000);
    holder.exec('rollback');
    holder.close();
    await writing;
  });
});

describe('faults of the machine', () => {
  test.each([
    ['a database of other bytes', (file: string) => writeFileSync(file, Buffer.alloc(8192, 7)), 'STORE_CORRUPT'],
    ['a database cut in half', (file: string) => truncateSync(file, statSync(file).size / 2), 'STORE_CORRUPT'],
    [
      'a database with overwritten pages',
      (file: string) => {
        const bytes = readFileSync(file);
        writeFileSync(file, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 0x55)]));
      },
      'STORE_CORRUPT',
    ],
    [
      'a folder where the database should be',
      (file: string) => {
        rmSync(file);
        mkdirSync(file);
      },
      'STORE_CANNOT_OPEN',
    ],
  ])('%s is one clear error', async (_name, damage, code) => {
    const [sound, url] = [freshFolder(), freshFolder()];
    await (await openStore(sound)).close();
    const checkpoint = new Database(join(sound, 'ballast.db'));
    checkpoint.pragma('wal_checkpoint(truncate)');
    mkdirSync(url);
    copyFileSync(join(sound, 'ballast.db'), join(url, 'ballast.db'));
    damage(join(url, 'ballast.db'));
    await expect(openStore(url)).rejects.toMatchObject({ code, kind: 'environment', exitCode: 3 });
  });

  test('a file where the folder should be is one clear error', async () => {
    const file = freshFolder();
    writeFileSync(file, '');
    for (const url of [file, join(file, 'below')]) {
      await expect(openStore(url)).rejects.toMatchObject({ code: 'STORE_CANNOT_OPEN', exitCode: 3 });
    }
  });

  const unavailable = smallDiskUnavailable();
  test.skipIf(unavailable !== undefined)(
    `a full disk is one clear error, and what was written before is whole${unavailable === undefined ? '' : `: ${unavailable}`}`,
    async () => {
      for (const what of ['metrics', 'artifacts']) {
        const folder = freshFolder();
        mkdirSync(folder);
        const child = startStoreChildOnDisk(folder, 2048, 'fill', what);
        await child.ended();
        const [error, state] = child.lines.map((line): unknown => JSON.parse(line));
        expect(error).toEqual({
          code: 'STORE_FULL',
          exitCode: 3,
          message: expect.stringContaining('disk is full') as string,
        });
        const { written, kept, problems } = state as { written: number; kept: number; problems: unknown[] };
        expect(written).toBeGreaterThan(0);
        expect(kept).toBe(written);
        expect(problems).toEqual([]);
      }
    },
    CHILD_LIMIT_MS,
  );
});

test('logs 30,000 points in less than 2 s of processor time, in one call or in 20', async () => {
  await using store = await openStore(freshFolder());
  const points = Array.from({ length: 30_000 }, (_, i) => ({
    name: `m${i % 1500}`,
    step: Math.floor(i / 1500),
    value: i,
  }));
  const batches = Array.from({ length: 20 }, (_, epoch) => points.slice(epoch * 1500, (epoch + 1) * 1500));
  for (const calls of [[points], batches]) {
    const runId = await store.createRun(newRun());
    const start = process.cpuUsage();
    for (const call of calls) await store.logMetrics(runId, call);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6).toBeLessThan(2);
    expect(await store.latestMetrics(runId)).toHaveLength(1500);
  }
});

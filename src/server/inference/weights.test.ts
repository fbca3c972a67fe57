import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { serveModels } from '../../../test/support/served.js';
import { line, register } from '../../../test/support/served-models.js';
import { storm } from '../../../test/support/weight-storm.js';
import { openStore, type Store } from '../../store/index.js';

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-weights-'));
  store = await openStore(join(folder, 'store'), { thread: true });
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

describe('weights that change under load', () => {
  test('fail no request, whatever processes are killed meanwhile', async () => {
    await register(store, 'storm', line(1), line(2), line(3));
    await using served = await serveModels(store, ['storm/1']);
    const { models } = served.inference.service;
    const { failed, ...report } = await storm({
      ...{ store, model: 'storm', versions: 3, url: served.server.url, changes: 60, seed: 1, clients: 4 },
      everyMs: [40, 160],
      processes: () => models.routing('storm').versions.flatMap(({ runner }) => runner.processIds),
    });
    expect(failed).toEqual([]);
    expect(report.weights + report.rollBacks + report.kills).toBe(60);
    // On a busy machine processes come back slowly: there may be none to kill for some time.
    expect(report.kills).toBeGreaterThan(0);
    expect(report.requests).toBeGreaterThan(0);
  });

  test('a candidate whose process ends is blamed, and its users are answered by the live version', async () => {
    const [one, two] = await register(store, 'fallen', line(1), line(2));
    await store.setTraffic('fallen', {
      shares: [
        { version: one, role: 'live', weight: 0.01 },
        { version: two, role: 'candidate', weight: 0.99 },
      ],
      reason: 'canary',
    });
    await using served = await serveModels(store, ['fallen']);
    const candidate = served.inference.service.models.routing('fallen').versions.find(({ version }) => version === two);
    const [processId] = candidate?.runner.processIds ?? [];
    process.kill(processId, 'SIGKILL');
    const answers = await Promise.all(Array.from({ length: 30 }, () => served.infer('fallen', [1])));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 200));
    // Who asks for a version by its name is answered by no other: it waits for the new process.
    const named = await served.infer('fallen', [1], { 'x-ballast-version': String(two) });
    expect([named.status, named.json.model_version]).toEqual([200, String(two)]);
    await vi.waitFor(() => expect(candidate?.runner.isReady).toBe(true), { timeout: 30_000 });
    await served.inference.recorder.flush();
    const rows = await store.observationsAfter('fallen', 0, 1000);
    const failed = rows.filter(({ status }) => status === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(new Set(failed.map(({ version, role }) => `${version} ${role}`))).toEqual(new Set([`${two} candidate`]));
    expect(rows.filter(({ status }) => status === 'ok').length).toBe(31);
  });

  test('a version whose process is killed while it is retired answers what it was asked', async () => {
    const [one, two] = await register(store, 'retired', line(1), line(2));
    await store.setTraffic('retired', { shares: [{ version: one, role: 'live', weight: 1 }], reason: 'first' });
    await using served = await serveModels(store, ['retired'], { everyMs: 1e6 });
    const { models } = served.inference.service;
    const { runner } = models.routing('retired').live;
    const [processId] = runner.processIds;
    process.kill(processId, 'SIGSTOP');
    const answers = Array.from({ length: 8 }, () => served.infer('retired', [1]));
    await vi.waitFor(() => expect(runner.state.waiting + runner.state.running).toBe(8));
    await store.setTraffic('retired', { shares: [{ version: two, role: 'live', weight: 1 }], reason: 'second' });
    await models.refresh();
    process.kill(processId, 'SIGKILL');
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    await vi.waitFor(() => expect(runner.isReady).toBe(false));
  });
});

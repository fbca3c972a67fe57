import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { crowd } from '../../../test/support/crowd.js';
import { inputX, serveModels } from '../../../test/support/served.js';
import { circle, line, register } from '../../../test/support/served-models.js';
import { BallastError } from '../../errors.js';
import { openStore, type Store } from '../../store/index.js';

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-trouble-'));
  store = await openStore(join(folder, 'store'), { thread: true });
  await register(store, 'line', line(1), line(2), line(3));
  await register(store, 'circle', circle(), line(5));
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

/** More turns than any patience. */
const FOREVER = 1e15;

describe('trouble', () => {
  test('a request that never ends is ended with its process; other models do not notice', async () => {
    await using served = await serveModels(store, ['line/1', 'circle/1'], { settings: { timeoutMs: 3000 } });
    const poisoned = served.infer('circle', [FOREVER]);
    const beside = Array.from({ length: 5 }, (_, i) => served.infer('circle', [i]));
    const other = await served.infer('line', [7]);
    expect(other.json.outputs[0].data).toEqual([7]);
    const { status, json, headers } = await poisoned;
    expect([status, json.error, headers['retry-after']]).toEqual([503, expect.stringContaining('in time'), '1']);
    // Those that waited for the same process are refused or answered, never lost.
    for (const answer of await Promise.all(beside)) expect([200, 503]).toContain(answer.status);
    await vi.waitFor(async () => expect((await served.infer('circle', [3])).status).toBe(200), { timeout: 60_000 });
    expect(served.told.join()).toContain('circle/1: The process that runs the model ended');
  });

  test('a killed process is started again; what it ran is run again, nothing is lost or refused', async () => {
    await using served = await serveModels(store, ['line/1']);
    const { runner } = served.inference.service.models.routing('line').live;
    const answers: Promise<number>[] = [];
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 10; i++) answers.push(served.infer('line', [i]).then(({ status }) => status));
      const [process1] = runner.processIds;
      if (round % 5 === 2 && process1 !== undefined) process.kill(process1, 'SIGKILL');
      await wait(20);
    }
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 200 }, () => 200));
    expect(runner.state.restarts).toBeGreaterThan(0);
    await vi.waitFor(async () => expect((await served.ask('GET', '/v2/health/ready')).status).toBe(200), {
      timeout: 60_000,
    });
  });

  test('aliases and traffic change under load without a request that fails', async () => {
    await store.setAlias('line', 'champion', 1);
    await using served = await serveModels(store, ['line']);
    let done = false;
    const seen = new Map<string, number>();
    const client = async (): Promise<void> => {
      while (!done) {
        const { status, body, json } = await served.infer('line', [1]);
        expect(status, body).toBe(200);
        expect(json.outputs[0].data).toEqual([Number(json.model_version)]);
        seen.set(json.model_version, (seen.get(json.model_version) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await wait(200);
    await store.setAlias('line', 'champion', 2);
    await vi.waitFor(() => expect(seen.has('2')).toBe(true), { timeout: 60_000 });
    await store.setTraffic('line', {
      shares: [
        { version: 2, role: 'live', weight: 0.5 },
        { version: 3, role: 'candidate', weight: 0.5 },
        { version: 1, role: 'shadow', weight: 1 },
      ],
      reason: 'canary',
    });
    await vi.waitFor(() => expect(seen.has('3')).toBe(true), { timeout: 60_000 });
    await store.setTraffic('line', { shares: [{ version: 1, role: 'live', weight: 1 }], reason: 'back' });
    await wait(1000);
    const before = seen.get('1') ?? 0;
    await wait(200);
    done = true;
    await Promise.all(clients);
    expect(seen.get('1')).toBeGreaterThan(before);
    await store.setTraffic('line', { shares: [], reason: 'the alias decides' });
  });

  test('a shadow is asked what users were answered, and its crashes and slowness touch no one', async () => {
    await store.setTraffic('circle', {
      shares: [
        { version: 2, role: 'live', weight: 1 },
        { version: 1, role: 'shadow', weight: 1 },
      ],
      reason: 'shadow',
    });
    await using served = await serveModels(store, ['circle'], { settings: { timeoutMs: 3000 } });
    const first = await served.infer('circle', [4]);
    expect(first.json.outputs[0].data).toEqual([20]);
    const poisoned = await served.infer('circle', [FOREVER]);
    expect(poisoned.status).toBe(200);
    const many = await Promise.all(Array.from({ length: 150 }, () => served.infer('circle', [1])));
    expect(many.every(({ status }) => status === 200)).toBe(true);
    expect(served.inference.service.notMirrored.get('circle/1')).toBeGreaterThan(0);
    const id = first.json.parameters.prediction_id;
    let rows: Awaited<ReturnType<Store['observationsAfter']>> = [];
    await vi.waitFor(
      async () => {
        await served.inference.recorder.flush();
        rows = await store.observationsAfter('circle', 0, 1000);
        expect(rows.some((row) => row.id === `${poisoned.json.parameters.prediction_id}~1`)).toBe(true);
      },
      { timeout: 60_000, interval: 200 },
    );
    expect(rows.find((row) => row.id === `${id}~1`)).toMatchObject({ role: 'shadow', beside: id, prediction: 4 });
    expect(rows.find((row) => row.id === `${poisoned.json.parameters.prediction_id}~1`)).toMatchObject({
      role: 'shadow',
      status: 'failed',
    });
    await store.setTraffic('circle', { shares: [], reason: 'over' });
  });

  test('users stay with a version by a key, and a header overrules', async () => {
    await store.setTraffic('line', {
      shares: [
        { version: 1, role: 'live', weight: 0.5 },
        { version: 2, role: 'candidate', weight: 0.5 },
      ],
      stickyKey: 'user',
      reason: 'canary',
    });
    await using served = await serveModels(store, ['line']);
    const versionOf = async (headers: Record<string, string>) =>
      (await served.infer('line', [1], headers)).json.model_version;
    const seen = new Set<string>();
    for (let user = 0; user < 12; user++) {
      const versions = await Promise.all(Array.from({ length: 4 }, () => versionOf({ 'x-ballast-user': `u${user}` })));
      expect(new Set(versions).size).toBe(1);
      seen.add(versions[0] ?? '');
    }
    expect([...seen].sort()).toEqual(['1', '2']);
    expect(await versionOf({ 'x-ballast-user': 'u0', 'x-ballast-version': '1' })).toBe('1');
    expect(await versionOf({ 'x-ballast-user': 'u0', 'x-ballast-version': '2' })).toBe('2');
    const none = await served.infer('line', [1], { 'x-ballast-version': '3' });
    expect([none.status, none.json.error]).toEqual([404, expect.stringContaining('Served now: 1, 2')]);
    await store.setTraffic('line', { shares: [], reason: 'over' });
  });

  test('serving goes on while the store cannot be reached, and what is observed is written later', async () => {
    let reachable = true;
    const unreachable = new BallastError('The store cannot be reached', {
      code: 'STORE_UNREACHABLE',
      kind: 'environment',
    });
    const guarded =
      <Arguments extends unknown[], Result>(action: (...all: Arguments) => Promise<Result>) =>
      async (...all: Arguments): Promise<Result> => {
        if (!reachable) throw unreachable;
        return action(...all);
      };
    const flaky: Store = {
      ...store,
      servedModels: guarded(store.servedModels),
      recordObservations: guarded(store.recordObservations),
    };
    await using served = await serveModels(flaky, ['line/1']);
    await served.infer('line', [1]);
    reachable = false;
    await vi.waitFor(() => expect(served.told.join()).toContain('serving goes on'), { timeout: 60_000 });
    const { status, json } = await served.infer('line', [2]);
    expect(status).toBe(200);
    reachable = true;
    await vi.waitFor(() => expect(served.told.join()).toContain('The store answers again'), { timeout: 60_000 });
    await served.inference.recorder.flush();
    const rows = await store.observationsAfter('line', 0, 100_000);
    expect(rows.map(({ id }) => id)).toContain(json.parameters.prediction_id);
  });

  test('limits are kept: pace, number, size', async () => {
    await using served = await serveModels(store, ['line/1'], {
      limits: { perSecond: 5, bodyBytes: 5000 },
      settings: { queue: 2 },
    });
    const statuses = await Promise.all(Array.from({ length: 20 }, () => served.infer('line', [1])));
    const refused = statuses.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(14);
    expect(refused[0]?.headers['retry-after']).toBe('1');
    await wait(600);
    const large = await served.infer(
      'line',
      Array.from({ length: 3000 }, (_, i) => i),
    );
    expect(large.status).toBe(413);
  });

  test('too many at once are told to come again', async () => {
    await using served = await serveModels(store, ['circle/1'], { settings: { queue: 3, batchRows: 1 } });
    const answers = await Promise.all(Array.from({ length: 12 }, () => served.infer('circle', [3e5])));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
    const refused = answers.find(({ status }) => status === 503);
    expect([refused?.json.error, refused?.headers['retry-after']]).toEqual([
      expect.stringContaining('wait for this model'),
      '1',
    ]);
  });

  test('hundreds of connections, some of which send without an end, keep no one waiting', async () => {
    await using served = await serveModels(store, ['line/1']);
    const asked = { url: served.server.url, path: '/v2/models/line/infer', body: { inputs: [inputX([1])] } };
    const { open, answered, failed } = await crowd({ ...asked, connections: 400, slow: 40, rounds: 2 });
    expect({ open, answered, failed }).toEqual({ open: 400, answered: 360 * 2 + 20, failed: {} });
  });

  test('a clock that is set a day ahead and back changes nothing for who asks', async () => {
    await using served = await serveModels(store, ['line/1'], { limits: { perSecond: 1000 } });
    const now = Date.now;
    let jump = 0;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + jump);
    try {
      const ids: string[] = [];
      for (const hours of [0, 24, -24, 0]) {
        jump = hours * 3_600_000;
        const { status, json } = await served.infer('line', [hours]);
        expect([status, json.outputs[0].data]).toEqual([200, [hours]]);
        ids.push(json.parameters.prediction_id);
      }
      await served.inference.recorder.flush();
      const rows = (await store.observationsAfter('line', 0, 10_000)).filter(({ id }) => ids.includes(id));
      expect(rows.map(({ status, latencyMs }) => status === 'ok' && latencyMs >= 0 && latencyMs < 60_000)).toEqual(
        ids.map(() => true),
      );
      expect(served.inference.recorder.state).toMatchObject({ dropped: 0, refused: 0, unreachableSince: undefined });
    } finally {
      clock.mockRestore();
    }
  });

  test('a server that is asked to stop answers what is under way', async () => {
    const served = await serveModels(store, ['circle/1']);
    const answers = Array.from({ length: 10 }, (_, i) => served.infer('circle', [1e5 + i]));
    const { runner } = served.inference.service.models.routing('circle').live;
    await vi.waitFor(() => expect(runner.state.waiting + runner.state.batchedRequests).toBe(10), {
      timeout: 60_000,
      interval: 1,
    });
    await served[Symbol.asyncDispose]();
    const all = await Promise.all(answers);
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    await expect(served.ask('POST', '/v2/models/circle/infer', { inputs: [inputX([1])] })).rejects.toThrow();
  });
});

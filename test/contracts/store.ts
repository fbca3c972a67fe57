import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type NewRun, openStore, type Store } from '../../src/store/index.js';
import { startStoreChild } from '../support/store-child.js';
import { runStatusProperty } from './run-status.js';

/** An empty place for a store, and a way past the store to what lies under it. */
export interface StorePlace {
  readonly url: string;
  /** The artifact folder. */
  readonly artifacts: string;
  /** Runs SQL on the database itself. */
  execute(sql: string): Promise<void>;
}

/** A run's record with what a test does not care about filled in. */
export function newRun(run: Partial<NewRun> = {}): NewRun {
  return {
    name: 'run',
    kind: 'train',
    spec: {},
    seed: 1,
    datasetName: null,
    dataVersion: null,
    regularizerId: null,
    manifest: {},
    environment: {},
    ...run,
  };
}

/**
 * What every database under a store must do alike. A new database earns the whole suite by one call.
 *
 * @param createPlace an empty database and artifact folder
 */
export function storeContract(database: string, createPlace: () => Promise<StorePlace>): void {
  describe(`store on ${database}`, () => {
    let place: StorePlace;
    let store: Store;
    let scratch: string;

    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'ballast-store-'));
      place = await createPlace();
      store = await openStore(place.url, { actor: 'tester' });
    });

    afterAll(async () => {
      await store.close();
      await rm(scratch, { recursive: true, force: true });
    });

    describe('opening', () => {
      test('two openers of an empty place make one store', async () => {
        const { url } = await createPlace();
        const stores = await Promise.all([openStore(url), openStore(url), openStore(url)]);
        const runId = await stores[0].createRun(newRun());
        expect((await stores[2].getRun(runId)).id).toBe(runId);
        await Promise.all(stores.map((each) => each.close()));
      });

      test('keeps everything when it is closed and opened again', async () => {
        const { url } = await createPlace();
        const first = await openStore(url);
        const runId = await first.createRun(newRun({ spec: { epochs: 3 } }));
        await first.logMetrics(runId, [{ name: 'loss', value: 0.5 }]);
        await first.putArtifact(runId, 'a.txt', Buffer.from('a'));
        await first.finishRun(runId, 'finished');
        await first.close();
        await using second = await openStore(url);
        expect(await second.getRun(runId)).toMatchObject({ status: 'finished', spec: { epochs: 3 } });
        expect(await second.latestMetrics(runId)).toHaveLength(1);
        expect(Buffer.from(await (await second.openArtifact(runId, 'a.txt')).bytes()).toString()).toBe('a');
      });

      test('refuses a store of a newer version, naming both versions, and leaves it as it is', async () => {
        const { url, execute } = await createPlace();
        await (await openStore(url)).close();
        await execute(`insert into kysely_migration (name, timestamp) values ('9999_future', '2099-01-01')`);
        await execute(`update store_info set value = '99.0.0' where key = 'ballast_version'`);
        await expect(openStore(url)).rejects.toMatchObject({
          code: 'STORE_NEWER',
          exitCode: 2,
          message: expect.stringMatching(
            /newer Ballast \(99\.0\.0\).*9999_future.*\(\d+\.\d+\.\d+\).*0001_initial/,
          ) as string,
        });
        await execute(`delete from kysely_migration where name = '9999_future'`);
        await (await openStore(url)).close();
      });
    });

    describe('experiments', () => {
      test('are made once per name, also by two at once, and count their runs', async () => {
        const made = await Promise.all(Array.from({ length: 5 }, () => store.ensureExperiment('digits ✓')));
        expect(new Set(made.map(({ id }) => id)).size).toBe(1);
        await store.createRun(newRun({ experiment: 'digits ✓' }));
        const found = (await store.listExperiments()).find(({ name }) => name === 'digits ✓');
        expect(found).toMatchObject({ runs: 1 });
        expect(found?.createdAt).toBeInstanceOf(Date);
      });

      test.each(['', 'a\0b', 'a\nb', 'x'.repeat(251), '\ud800'])('refuse the name %j', async (name) => {
        await expect(store.ensureExperiment(name)).rejects.toMatchObject({ code: 'STORE_NAME_INVALID', exitCode: 2 });
      });
    });

    describe('runs', () => {
      test('come back as they were recorded', async () => {
        const parentRunId = await store.createRun(newRun());
        const run = newRun({
          experiment: 'records',
          name: 'digits, regularized',
          role: 'model',
          spec: { training: { epochs: 5 }, rate: Number.NaN, limit: Number.POSITIVE_INFINITY, text: 'a\0\ud800' },
          seed: 2 ** 53 - 1,
          datasetName: 'digits',
          dataVersion: 'abc',
          regularizerId: 'rg-0123456789abcdef',
          manifest: [{ type: 'dropout', strength: 0.2 }],
          environment: { threads: 2 },
          codeCommit: 'f00',
          parentRunId,
          groupId: 'group',
        });
        const id = await store.createRun(run);
        expect(id).toMatch(/^[0-9a-f]{32}$/);
        expect(await store.getRun(id)).toEqual({
          ...run,
          id,
          status: 'running',
          attempt: 1,
          startedAt: expect.any(Date) as Date,
          heartbeatAt: expect.any(Date) as Date,
        });
      });

      test('refuse records that JSON would lose, and what is not there', async () => {
        const code = 'STORE_JSON_INVALID';
        await expect(store.createRun(newRun({ spec: { a: new Map() } }))).rejects.toMatchObject({ code });
        await expect(store.createRun(newRun({ spec: undefined }))).rejects.toMatchObject({ code });
        await expect(store.createRun(newRun({ seed: 0.5 }))).rejects.toMatchObject({ code: 'RUN_SEED_INVALID' });
        const parentRunId = '0'.repeat(32);
        await expect(store.createRun(newRun({ parentRunId }))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
        await expect(store.getRun(parentRunId)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND', httpStatus: 404 });
        for (const call of [
          () => store.finishRun(parentRunId, 'failed'),
          () => store.heartbeat(parentRunId),
          () => store.resumeRun(parentRunId),
          () => store.deleteRun(parentRunId),
          () => store.restoreRun(parentRunId),
          () => store.logMetrics(parentRunId, [{ name: 'a', value: 1 }]),
          () => store.metricHistory(parentRunId),
          () => store.latestMetrics(parentRunId),
          () => store.logParams(parentRunId, { a: 1 }),
          () => store.setTags(parentRunId, { a: '1' }),
          () => store.getTags(parentRunId),
          () => store.putArtifact(parentRunId, 'a', new Uint8Array(1)),
          () => store.listArtifacts(parentRunId),
          () => store.putEvaluation(parentRunId, 'train', {}),
          () => store.getEvaluations(parentRunId),
          () => store.lineage(parentRunId),
          () => store.listRuns({ before: parentRunId }),
        ]) {
          await expect(call()).rejects.toMatchObject({ code: 'RUN_NOT_FOUND', exitCode: 2 });
        }
      });

      test('are found by id, by runs:/ID and by an unambiguous beginning', async () => {
        const ids = await Promise.all(Array.from({ length: 3 }, () => store.createRun(newRun({ experiment: 'find' }))));
        const id = ids[0] ?? '';
        for (const reference of [id, `runs:/${id}`, id.slice(0, 12), `runs:/${id.slice(0, 12).toUpperCase()}`]) {
          expect((await store.findRun(reference)).id).toBe(id);
        }
        await expect(store.findRun('ffffffffff')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
        for (const reference of ['abc', 'no such', '%%%%%', `${id}0`, '']) {
          await expect(store.findRun(reference)).rejects.toMatchObject({ code: 'RUN_ID_INVALID' });
        }
        const twin = `${id.slice(0, 20)}${'0'.repeat(12)}`;
        await place.execute(`update run set id = '${twin}' where id = '${ids[1]}'`);
        await expect(store.findRun(id.slice(0, 20))).rejects.toMatchObject({
          code: 'RUN_AMBIGUOUS',
          remedy: expect.stringContaining(id.slice(0, 28)) as string,
        });
        expect((await store.findRun(id.slice(0, 21) === twin.slice(0, 21) ? id : id.slice(0, 21))).id).toBe(id);
      });

      test('are listed by filters, in pages, in both orders', async () => {
        const experiment = 'listing';
        const ids: string[] = [];
        for (let i = 0; i < 7; i++) {
          const role = i % 2 === 0 ? 'model' : 'baseline';
          ids.push(await store.createRun(newRun({ experiment, role, groupId: `group ${Math.floor(i / 2)}` })));
        }
        await store.finishRun(ids[0] ?? '', 'finished');
        await store.finishRun(ids[3] ?? '', 'failed', { error: 'loss is NaN' });
        const list = async (filter: Parameters<Store['listRuns']>[0]) =>
          (await store.listRuns({ experiment, ...filter })).map(({ id }) => ids.indexOf(id));
        expect(await list({})).toEqual([6, 5, 4, 3, 2, 1, 0]);
        expect(await list({ order: 'oldest', limit: 2 })).toEqual([0, 1]);
        expect(await list({ limit: 3, before: ids[4] })).toEqual([3, 2, 1]);
        expect(await list({ order: 'oldest', limit: 3, after: ids[4] })).toEqual([5, 6]);
        expect(await list({ role: 'baseline' })).toEqual([5, 3, 1]);
        expect(await list({ groupId: 'group 1' })).toEqual([3, 2]);
        expect(await list({ status: 'running', limit: 2 })).toEqual([6, 5]);
        expect(await list({ status: ['finished', 'failed'] })).toEqual([3, 0]);
        expect(await list({ status: 'interrupted' })).toEqual([]);
        expect(await list({ kind: 'evaluate' })).toEqual([]);
        await place.execute(
          `update run set pid = 999999999, process_started = '0' where id in ('${ids[1]}', '${ids[6]}')`,
        );
        expect(await list({ status: 'interrupted', limit: 1 })).toEqual([6]);
        expect(await list({ status: 'interrupted', limit: 5 })).toEqual([6, 1]);
        expect(await list({ status: 'running', limit: 3 })).toEqual([5, 4, 2]);
        expect((await store.listRuns({ experiment }))[0]).not.toHaveProperty('spec');
        await expect(store.listRuns({ limit: 0 })).rejects.toMatchObject({ code: 'STORE_LIMIT_INVALID' });
        expect(await store.listRuns({ experiment: 'none such' })).toEqual([]);
      });

      test('keep the reason they failed, cut where it is endless', async () => {
        const runId = await store.createRun(newRun());
        await store.finishRun(runId, 'diverged', { error: `loss is NaN\0 ${'x'.repeat(50_000)}` });
        const { status, error, endedAt } = await store.getRun(runId);
        expect(status).toBe('diverged');
        expect(error).toMatch(/^loss is NaN\ufffd x+\.\.\.$/);
        expect(error?.length).toBeLessThanOrEqual(10_000);
        expect(endedAt).toBeInstanceOf(Date);
      });

      test('of a killed process are shown as interrupted, and another can resume them', async () => {
        const child = startStoreChild(place.url, 'hold');
        await child.written(1);
        const runId = child.lines[0] ?? '';
        expect((await store.getRun(runId)).status).toBe('running');
        await expect(store.resumeRun(runId)).rejects.toMatchObject({ code: 'RUN_AT_WORK', httpStatus: 409 });
        await expect(store.deleteRun(runId)).rejects.toMatchObject({ code: 'RUN_AT_WORK' });
        await child.kill();
        expect((await store.getRun(runId)).status).toBe('interrupted');
        expect(await store.resumeRun(runId)).toMatchObject({ status: 'running', attempt: 2 });
        await store.finishRun(runId, 'finished');
        expect((await store.getRun(runId)).status).toBe('finished');
        await expect(store.resumeRun(runId)).rejects.toMatchObject({ code: 'RUN_FINISHED' });
      });

      test('of another machine are interrupted when it has been silent for two minutes', async () => {
        const runId = await store.createRun(newRun());
        const beatAt = (time: number) =>
          place.execute(`update run set host = 'elsewhere', heartbeat_at = ${time} where id = '${runId}'`);
        await beatAt(Date.now() - 60_000);
        expect((await store.getRun(runId)).status).toBe('running');
        await beatAt(Date.now() - 180_000);
        expect((await store.getRun(runId)).status).toBe('interrupted');
        await store.heartbeat(runId);
        expect((await store.getRun(runId)).status).toBe('running');
        await store.finishRun(runId, 'cancelled');
      });

      test('that no process is known of stay running until they are ended', async () => {
        const runId = await store.createRun(newRun({ attached: false }));
        await place.execute(`update run set heartbeat_at = 0 where id = '${runId}'`);
        expect((await store.getRun(runId)).status).toBe('running');
        await store.finishRun(runId, 'finished');
      });

      test('move through their states as the model says', async () => {
        await runStatusProperty(place, store);
      });
    });

    describe('metrics', () => {
      test('keep every number, by name, step and time', async () => {
        const runId = await store.createRun(newRun());
        const values = [0.1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, -1.7e308, 2 ** 53];
        const points = values.map((value, step) => ({ name: 'b', step, value, timestamp: 1_700_000_000_000 + step }));
        await store.logMetrics(runId, [...points].reverse());
        await store.logMetrics(runId, [{ name: 'a/é %', value: -0 }]);
        expect(await store.metricHistory(runId, 'b')).toEqual(points);
        const history = await store.metricHistory(runId);
        expect(history.map(({ name }) => name)).toEqual(['a/é %', ...points.map(() => 'b')]);
        expect(history[0]).toMatchObject({ step: 0, value: 0 });
        expect(Math.abs((history[0]?.timestamp ?? 0) - Date.now())).toBeLessThan(60_000);
        expect(await store.metricHistory(runId, 'c')).toEqual([]);
      });

      test('have a latest value: highest step, then time', async () => {
        const runId = await store.createRun(newRun());
        await store.logMetrics(runId, [
          { name: 'loss', step: 2, value: Number.NaN, timestamp: 5 },
          { name: 'loss', step: 1, value: 7, timestamp: 9 },
          { name: 'loss', step: 2, value: 3, timestamp: 4 },
          { name: 'other', step: -1, value: 1, timestamp: 1 },
        ]);
        await store.logMetrics(runId, [{ name: 'loss', step: 0, value: 8, timestamp: 10 }]);
        expect(await store.latestMetrics(runId)).toEqual([
          { name: 'loss', step: 2, value: Number.NaN, timestamp: 5 },
          { name: 'other', step: -1, value: 1, timestamp: 1 },
        ]);
      });

      test('logged again are kept once, and several at one step are all kept', async () => {
        const runId = await store.createRun(newRun());
        const points = [1, 2, Number.NaN].map((value) => ({ name: 'loss', step: 0, value, timestamp: 1 }));
        await store.logMetrics(runId, [...points, ...points]);
        await store.logMetrics(runId, points);
        expect((await store.metricHistory(runId)).map(({ value }) => value).sort()).toEqual([1, 2, Number.NaN]);
      });

      test('are logged all or none', async () => {
        const runId = await store.createRun(newRun());
        for (const bad of [{ name: '' }, { step: 0.5 }, { step: Number.NaN }, { timestamp: 2 ** 60 }, { value: '1' }]) {
          const point = { name: 'bad', value: 1, ...bad } as { name: string; value: number };
          await expect(store.logMetrics(runId, [{ name: 'good', value: 1 }, point])).rejects.toMatchObject({
            exitCode: 2,
          });
        }
        expect(await store.metricHistory(runId)).toEqual([]);
        await store.logMetrics(runId, []);
      });

      test('any history reads back sorted, whatever the order and the batches it was logged in', async () => {
        const point = fc.record({
          name: fc.constantFrom('a', 'b', 'B', 'é'),
          step: fc.integer({ min: -3, max: 3 }),
          value: fc.oneof(fc.double(), fc.constantFrom(Number.NaN, 0, 1)),
          timestamp: fc.integer({ min: 0, max: 2 }),
        });
        await fc.assert(
          fc.asyncProperty(fc.array(fc.array(point, { maxLength: 12 }), { maxLength: 3 }), async (batches) => {
            const runId = await store.createRun(newRun());
            for (const batch of batches) await store.logMetrics(runId, batch);
            const key = (p: { name: string; step: number; value: number; timestamp: number }) =>
              `${p.name} ${p.step} ${p.timestamp} ${p.value + 0}`;
            const distinct = new Map(batches.flat().map((p) => [key(p), p]));
            const history = await store.metricHistory(runId);
            expect(history.map(key).sort()).toEqual([...distinct.keys()].sort());
            const order = (p: (typeof history)[number]) => [
              Buffer.from(p.name).toString('hex'),
              p.step + 5,
              p.timestamp,
            ];
            const orders = history.map((p) => order(p).join(' '));
            expect(orders).toEqual([...orders].sort());
          }),
          { numRuns: 25 },
        );
      });

      test('resuming after a step removes the later points', async () => {
        const runId = await store.createRun(newRun());
        await store.logMetrics(
          runId,
          [0, 1, 2, 3].map((step) => ({ name: 'loss', step, value: step })),
        );
        await store.logMetrics(runId, [{ name: 'late', step: 3, value: 1 }]);
        await store.finishRun(runId, 'cancelled');
        await store.resumeRun(runId, { afterStep: 1 });
        expect((await store.metricHistory(runId)).map(({ name, step }) => [name, step])).toEqual([
          ['loss', 0],
          ['loss', 1],
        ]);
        expect(await store.latestMetrics(runId)).toMatchObject([{ name: 'loss', step: 1, value: 1 }]);
        await store.logMetrics(runId, [{ name: 'late', step: 2, value: 4 }]);
        expect(await store.latestMetrics(runId)).toMatchObject([{ name: 'late', value: 4 }, { name: 'loss' }]);
        await store.finishRun(runId, 'finished');
      });

      test('logged by two at once are all kept', async () => {
        await using other = await openStore(place.url);
        const runId = await store.createRun(newRun());
        await Promise.all(
          Array.from({ length: 20 }, (_, step) => {
            const names = Array.from({ length: 30 }, (_name, i) => `m${step % 3 === 0 ? 29 - i : i}`);
            const points = names.map((name) => ({ name, step, value: step }));
            return (step % 2 === 0 ? store : other).logMetrics(runId, points);
          }),
        );
        expect(await store.metricHistory(runId)).toHaveLength(600);
        expect(await store.latestMetrics(runId)).toHaveLength(30);
      });
    });

    describe('parameters and tags', () => {
      test('parameters are recorded once, as text', async () => {
        const runId = await store.createRun(newRun());
        await store.logParams(runId, { rate: 1e-3, amsgrad: false, name: 'adam ✓', ['__proto__']: 'p', empty: '' });
        await store.logParams(runId, { rate: '0.001' });
        expect(Object.entries(await store.getParams(runId))).toEqual([
          ['__proto__', 'p'],
          ['amsgrad', 'false'],
          ['empty', ''],
          ['name', 'adam ✓'],
          ['rate', '0.001'],
        ]);
        await expect(store.logParams(runId, { fresh: 1, rate: 2 })).rejects.toMatchObject({
          code: 'PARAMETER_CHANGED',
          kind: 'conflict',
        });
        expect(await store.getParams(runId)).not.toHaveProperty('fresh');
        await store.logParams(runId, {});
      });

      test('many at once', async () => {
        const runId = await store.createRun(newRun());
        const parameters = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`p${i}`, i]));
        await store.logParams(runId, parameters);
        await store.setTags(runId, Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`t${i}`, 'x'])));
        expect(Object.keys(await store.getParams(runId))).toHaveLength(1200);
        expect(Object.keys(await store.getTags(runId))).toHaveLength(1200);
      });

      test('tags are replaced and removed', async () => {
        const runId = await store.createRun(newRun());
        await store.setTags(runId, { owner: 'a', note: 'x\0y' });
        await store.setTags(runId, { owner: 'b' });
        expect(await store.getTags(runId)).toEqual({ note: 'x\ufffdy', owner: 'b' });
        await store.removeTags(runId, ['owner', 'none such']);
        expect(await store.getTags(runId)).toEqual({ note: 'x\ufffdy' });
      });
    });

    describe('artifacts', () => {
      const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

      test('come back from memory, files and streams', async () => {
        const runId = await store.createRun(newRun());
        const file = join(scratch, 'report.html');
        await writeFile(file, 'from a file');
        await store.putArtifact(runId, 'report/index.html', { file }, { mediaType: 'text/html' });
        await store.putArtifact(runId, 'a.bin', Buffer.from('from memory'));
        await store.putArtifact(runId, 'empty', new Uint8Array(0));
        async function* pieces() {
          yield Buffer.from('from ');
          yield Buffer.from('a stream');
        }
        await store.putArtifact(runId, 'b.bin', pieces());
        expect((await store.listArtifacts(runId)).map(({ path, size, mediaType }) => [path, size, mediaType])).toEqual([
          ['a.bin', 11, 'application/octet-stream'],
          ['b.bin', 13, 'application/octet-stream'],
          ['empty', 0, 'application/octet-stream'],
          ['report/index.html', 11, 'text/html'],
        ]);
        const opened = await store.openArtifact(runId, 'report/index.html');
        expect(text(await opened.bytes())).toBe('from a file');
        expect(opened.sha256).toBe(createHash('sha256').update('from a file').digest('hex'));
        expect(await opened.file()).toContain(opened.sha256);
        let streamed = '';
        for await (const piece of (await store.openArtifact(runId, 'b.bin')).stream()) streamed += text(piece);
        expect(streamed).toBe('from a stream');
        expect(await (await store.openArtifact(runId, 'empty')).bytes()).toHaveLength(0);
        await expect(store.openArtifact(runId, 'c')).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
        const missing = { file: join(scratch, 'none such') };
        await expect(store.putArtifact(runId, 'd', missing)).rejects.toMatchObject({ code: 'ARTIFACT_SOURCE_MISSING' });
      });

      test('any bytes in any pieces', async () => {
        const runId = await store.createRun(newRun());
        await fc.assert(
          fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }), async (pieces) => {
            const { sha256 } = await store.putArtifact(
              runId,
              'x',
              (async function* () {
                yield* pieces;
              })(),
            );
            const whole = Buffer.concat(pieces);
            expect(sha256).toBe(createHash('sha256').update(whole).digest('hex'));
            expect(Buffer.compare(await (await store.openArtifact(runId, 'x')).bytes(), whole)).toBe(0);
          }),
          { numRuns: 20 },
        );
      });

      test('of equal content are stored once; a path can be given another content', async () => {
        const [a, b] = [await store.createRun(newRun()), await store.createRun(newRun())];
        const first = await store.putArtifact(a, 'x', Buffer.from('the same'));
        const second = await store.putArtifact(b, 'y', Buffer.from('the same'));
        expect(await (await store.openArtifact(a, 'x')).file()).toBe(await (await store.openArtifact(b, 'y')).file());
        expect(second.sha256).toBe(first.sha256);
        await store.putArtifact(a, 'x', Buffer.from('another'));
        expect(text(await (await store.openArtifact(a, 'x')).bytes())).toBe('another');
        expect(text(await (await store.openArtifact(b, 'y')).bytes())).toBe('the same');
        expect(readdirSync(join(place.artifacts, 'tmp'))).toEqual([]);
      });

      test.each(['', '/etc/passwd', '../x', 'a/../../x', 'a//b', './a', 'a/', 'C:/x', 'a\\b', 'a\0', 'x'.repeat(501)])(
        'refuse the path %j',
        async (path) => {
          const runId = await store.createRun(newRun());
          await expect(store.putArtifact(runId, path, new Uint8Array(1))).rejects.toMatchObject({
            code: 'ARTIFACT_PATH_INVALID',
          });
        },
      );

      test('that were tampered with, cut or lost are an error on every way of reading', async () => {
        const runId = await store.createRun(newRun());
        await store.putArtifact(runId, 'model', Buffer.from('the true weights'));
        const artifact = await store.openArtifact(runId, 'model');
        const path = await artifact.file();
        const drain = async () => {
          for await (const _piece of artifact.stream());
        };
        for (const [content, code] of [
          ['the fake weights', 'ARTIFACT_CORRUPT'],
          ['the true', 'ARTIFACT_CORRUPT'],
          [undefined, 'ARTIFACT_MISSING'],
        ] as const) {
          chmodSync(path, 0o600);
          if (content === undefined) await rm(path);
          else writeFileSync(path, content);
          await expect(artifact.bytes()).rejects.toMatchObject({ code, exitCode: 3 });
          await expect(artifact.file()).rejects.toMatchObject({ code });
          await expect(drain()).rejects.toMatchObject({ code });
          const kind = code === 'ARTIFACT_CORRUPT' ? 'corrupt' : 'missing';
          expect(await store.verify()).toMatchObject([{ kind, subject: artifact.sha256 }]);
        }
        await store.putArtifact(runId, 'model', Buffer.from('the true weights'));
        expect(text(await artifact.bytes())).toBe('the true weights');
        expect(await store.verify()).toEqual([]);
      });

      test('whose source fails leave nothing behind', async () => {
        const runId = await store.createRun(newRun());
        async function* failing() {
          yield Buffer.from('half');
          throw new Error('the source broke');
        }
        await expect(store.putArtifact(runId, 'x', failing())).rejects.toThrow('the source broke');
        expect(await store.listArtifacts(runId)).toEqual([]);
        expect(readdirSync(join(place.artifacts, 'tmp'))).toEqual([]);
      });
    });

    describe('data versions and lineage', () => {
      test('a version is recorded by its content; what is given last stands', async () => {
        const version = { name: 'adult', version: 'v1', rows: 48_842, schema: { age: 'int' }, source: 'adult.csv' };
        await store.putDataVersion({ ...version, splits: { train: 1 } });
        await store.putDataVersion({ ...version, splits: { train: 2, holdout: 3 } });
        await store.putDataVersion({ ...version, version: 'v2', splits: {} });
        expect(await store.getDataVersion('adult', 'v1')).toMatchObject({
          ...version,
          splits: { train: 2, holdout: 3 },
        });
        expect(await store.listDataVersions('adult')).toHaveLength(2);
        expect(await store.listDataVersions('none such')).toEqual([]);
        await expect(store.getDataVersion('adult', 'v3')).rejects.toMatchObject({ code: 'DATA_VERSION_NOT_FOUND' });
      });

      test('lineage leads from the data over runs to models, and no further than what is related', async () => {
        const data = { datasetName: 'iris', dataVersion: 'v1' };
        const parent = await store.createRun(newRun(data));
        const { sha256 } = await store.putArtifact(parent, 'model.onnx', Buffer.from('onnx'), { model: true });
        const child = await store.createRun(newRun({ ...data, parentRunId: parent }));
        const cousin = await store.createRun(newRun(data));
        const edge = {
          from: { kind: 'model', id: sha256 },
          to: { kind: 'run', id: child },
          relation: 'started-from',
        } as const;
        await store.addLineage([edge, edge]);
        const { nodes, edges } = await store.lineage(child);
        const names = { [parent]: 'parent', [child]: 'child', [sha256]: 'model', [cousin]: 'cousin' };
        const name = ({ id }: { id: string }) => names[id] ?? id;
        expect(nodes.map(name).sort()).toEqual(['child', 'iris@v1', 'model', 'parent']);
        expect(edges.map(({ from, relation, to }) => `${name(from)} ${relation} ${name(to)}`).sort()).toEqual([
          'iris@v1 used-by child',
          'iris@v1 used-by parent',
          'model started-from child',
          'parent parent-of child',
          'parent produced model',
        ]);
        expect((await store.lineage(parent)).nodes.map(name).sort()).toEqual(['child', 'iris@v1', 'model', 'parent']);
        const loop = { from: edge.to, to: edge.from, relation: 'produced' };
        await store.addLineage([loop]);
        expect((await store.lineage(child)).edges).toHaveLength(6);
      });
    });

    describe('holdout', () => {
      const lock = (hashes: readonly bigint[], generation = 1, settings = 's') => ({
        hashes: BigUint64Array.from(hashes),
        settings,
        generation,
      });

      test('a lock comes back, and each change is recorded with its reason', async () => {
        expect(await store.readHoldout('wine')).toBeUndefined();
        const largest = 2n ** 64n - 1n;
        await store.writeHoldout('wine', lock([0n, 5n, largest]), { reason: 'first split' });
        expect(await store.readHoldout('wine')).toEqual(lock([0n, 5n, largest]));
        await store.writeHoldout('wine', lock([0n, 5n, largest]), { reason: 'again' });
        await store.writeHoldout('wine', lock([5n, 6n, 7n], 2, 't'), { reason: '--new-holdout' });
        await store.writeHoldout('wine', lock([], 3), { reason: 'none' });
        expect(await store.readHoldout('wine')).toEqual(lock([], 3));
        expect(await store.holdoutChanges('wine')).toMatchObject([
          { version: 1, generation: 1, rows: 3, added: 3, removed: 0, reason: 'first split', actor: 'tester' },
          { version: 2, generation: 2, rows: 3, added: 2, removed: 2, reason: '--new-holdout' },
          { version: 3, generation: 3, rows: 0, added: 0, removed: 3, reason: 'none' },
        ]);
        for (const hashes of [
          [2n, 1n],
          [1n, 1n],
        ]) {
          await expect(store.writeHoldout('wine', lock(hashes), { reason: 'x' })).rejects.toMatchObject({
            code: 'HOLDOUT_INVALID',
          });
        }
      });

      test('of two commands that draw a holdout at once, one fails', async () => {
        await using other = await openStore(place.url);
        for (const name of ['drawn once', 'drawn once', 'drawn twice']) {
          const registers = [store.holdoutRegister('train a'), other.holdoutRegister('train b')];
          const before = await Promise.all(registers.map((register) => register.read(name)));
          const generation = (before[0]?.generation ?? 0) + 1;
          const results = await Promise.allSettled(
            registers.map((register, i) => register.write(name, lock([BigInt(i + 10 * generation)], generation))),
          );
          expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
          expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
            reason: { code: 'HOLDOUT_CHANGED', kind: 'conflict' },
          });
          expect((await store.readHoldout(name))?.hashes).toHaveLength(1);
        }
        expect(await store.holdoutChanges('drawn once')).toHaveLength(2);
      });

      test('a register may write again what it has written', async () => {
        const register = store.holdoutRegister('train');
        await register.read('rewritten');
        await register.write('rewritten', lock([1n]));
        await register.write('rewritten', lock([1n, 2n]));
        expect(await register.read('rewritten')).toEqual(lock([1n, 2n]));
      });

      test('reads are counted per row set, by any number of readers at once', async () => {
        await using other = await openStore(place.url, { actor: 'other' });
        const read = (who: Store, rowSet: string) =>
          who.countHoldoutRead({ datasetName: 'counted', rowSet, reader: 'runs:/1', command: 'evaluate' });
        const numbers = await Promise.all(
          Array.from({ length: 20 }, (_, i) => read(i % 2 === 0 ? store : other, i < 16 ? 'rows a' : 'rows b')),
        );
        const counted = (from: number, to: number) => numbers.slice(from, to).sort((a, b) => a - b);
        expect(counted(0, 16)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
        expect(counted(16, 20)).toEqual([1, 2, 3, 4]);
        expect(await store.holdoutReads({ datasetName: 'counted' })).toHaveLength(20);
        expect(await store.holdoutReads({ rowSet: 'rows b', reader: 'runs:/1', command: 'evaluate' })).toHaveLength(4);
        expect(await store.holdoutReads({ reader: 'runs:/2' })).toEqual([]);
        const register = store.holdoutRegister('evaluate x --holdout');
        expect(await register.countRead('counted', 'rows a', 'models:/x/1')).toBe(17);
        expect((await store.holdoutReads({ reader: 'models:/x/1' }))[0]).toMatchObject({
          number: 17,
          command: 'evaluate x --holdout',
          actor: 'tester',
        });
      });

      test('what was recorded of it cannot be changed or removed', async () => {
        for (const table of ['holdout_read', 'holdout_change', 'audit_event']) {
          await store.audit({ action: 'test', subject: 'x' });
          for (const sql of [`delete from ${table}`, `update ${table} set actor = 'x'`]) {
            await expect(place.execute(sql)).rejects.toThrow(`${table} is append-only`);
          }
        }
      });
    });

    describe('evaluations and audit', () => {
      test('an evaluation is kept per stage, NaN and all', async () => {
        const runId = await store.createRun(newRun());
        await store.putEvaluation(runId, 'train', { accuracy: { value: 0.9, interval: [0.8, Number.NaN] } });
        await store.putEvaluation(runId, 'holdout', [1]);
        await store.putEvaluation(runId, 'train', { accuracy: Number.NEGATIVE_INFINITY });
        const evaluations = await store.getEvaluations(runId);
        expect(Object.fromEntries(evaluations.map(({ stage, record }) => [stage, record]))).toEqual({
          train: { accuracy: Number.NEGATIVE_INFINITY },
          holdout: [1],
        });
        await expect(store.putEvaluation(runId, 'x', { $number: 'NaN' })).rejects.toMatchObject({
          code: 'STORE_JSON_INVALID',
        });
      });

      test('events are listed newest first, filtered and in pages', async () => {
        for (let i = 0; i < 5; i++) await store.audit({ action: 'promote', subject: 'models:/digits', details: { i } });
        await store.audit({ actor: 'someone', action: 'promote', subject: 'models:/other' });
        const filter = { action: 'promote', subject: 'models:/digits' };
        const first = await store.auditLog({ ...filter, limit: 2 });
        expect(first.map(({ details }) => details)).toEqual([{ i: 4 }, { i: 3 }]);
        expect(first[0]).toMatchObject({ actor: 'tester', at: expect.any(Date) as Date });
        const second = await store.auditLog({ ...filter, limit: 9, before: first[1]?.id });
        expect(second.map(({ details }) => details)).toEqual([{ i: 2 }, { i: 1 }, { i: 0 }]);
        expect(await store.auditLog({ actor: 'someone' })).toMatchObject([{ subject: 'models:/other', details: null }]);
      });
    });

    describe('retention', () => {
      test('a deleted run is hidden, refuses new records, and can be restored', async () => {
        const runId = await store.createRun(newRun({ experiment: 'bin' }));
        await store.finishRun(runId, 'finished');
        await store.deleteRun(runId);
        await store.deleteRun(runId);
        expect(await store.listRuns({ experiment: 'bin' })).toEqual([]);
        expect(await store.listRuns({ experiment: 'bin', includeDeleted: true })).toHaveLength(1);
        expect((await store.findRun(runId)).deletedAt).toBeInstanceOf(Date);
        await expect(store.findRun(runId.slice(0, 16))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
        await expect(store.logMetrics(runId, [{ name: 'a', value: 1 }])).rejects.toMatchObject({ code: 'RUN_DELETED' });
        await expect(store.resumeRun(runId)).rejects.toMatchObject({ code: 'RUN_DELETED' });
        expect((await store.listExperiments()).find(({ name }) => name === 'bin')).toMatchObject({ runs: 0 });
        await store.restoreRun(runId);
        expect(await store.listRuns({ experiment: 'bin' })).toHaveLength(1);
        expect((await store.auditLog({ subject: `runs:/${runId}` })).map(({ action }) => action)).toEqual([
          'run.restore',
          'run.delete',
        ]);
      });

      test('collecting garbage removes deleted runs and unnamed contents, and nothing else', async () => {
        const own = await createPlace();
        await using fresh = await openStore(own.url);
        const [kept, gone] = [await fresh.createRun(newRun()), await fresh.createRun(newRun())];
        const child = await fresh.createRun(newRun({ parentRunId: gone }));
        await fresh.putArtifact(kept, 'shared', Buffer.from('shared'));
        await fresh.putArtifact(gone, 'shared', Buffer.from('shared'));
        await fresh.putArtifact(gone, 'model', Buffer.from('own content'), { model: true });
        await fresh.logMetrics(gone, [{ name: 'loss', value: 1 }]);
        await fresh.logParams(gone, { a: 1 });
        await fresh.setTags(gone, { a: '1' });
        await fresh.putEvaluation(gone, 'train', {});
        await fresh.countHoldoutRead({ datasetName: 'd', rowSet: 'r', reader: gone, command: 'evaluate' });
        await fresh.finishRun(gone, 'failed');
        await fresh.deleteRun(gone);
        const [stray, fresher] = [join(own.artifacts, 'tmp', 'stray'), join(own.artifacts, 'tmp', 'fresher')];
        for (const path of [stray, fresher]) writeFileSync(path, 'half written');
        utimesSync(stray, new Date(0), new Date(0));
        expect(await fresh.collectGarbage({ deletedForSeconds: 3600 })).toEqual({
          runs: 0,
          contents: 0,
          temporaryFiles: 1,
          bytes: 12,
        });
        expect(await fresh.collectGarbage()).toEqual({ runs: 1, contents: 1, temporaryFiles: 0, bytes: 11 });
        await expect(fresh.getRun(gone)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
        expect(text(await (await fresh.openArtifact(kept, 'shared')).bytes())).toBe('shared');
        expect((await fresh.getRun(child)).parentRunId).toBeUndefined();
        expect((await fresh.lineage(child)).nodes.map(({ id }) => id)).toContain(gone);
        expect(await fresh.holdoutReads({ reader: gone })).toHaveLength(1);
        expect(await fresh.verify()).toEqual([]);
        expect(readdirSync(join(own.artifacts, 'tmp'))).toEqual(['fresher']);
      });

      test('collects contents whose writer died before it could name them', async () => {
        const own = await createPlace();
        await using fresh = await openStore(own.url);
        const runId = await fresh.createRun(newRun());
        const { sha256 } = await fresh.putArtifact(runId, 'x', Buffer.from('orphan'));
        await own.execute(`delete from artifact where sha256 = '${sha256}'`);
        await own.execute(`delete from blob where sha256 = '${sha256}'`);
        expect(await fresh.collectGarbage()).toMatchObject({ contents: 1, bytes: 6 });
      });

      test('never removes a content that is being stored', async () => {
        const own = await createPlace();
        await using writer = await openStore(own.url);
        await using collector = await openStore(own.url);
        const runId = await writer.createRun(newRun());
        let writing = true;
        const collecting = (async () => {
          let collected = 0;
          while (writing) collected += (await collector.collectGarbage()).contents;
          return collected;
        })();
        for (let round = 0; round < 40; round++) {
          // Two contents in turn at one path: each is garbage while the other is named.
          const content = Buffer.from(round % 2 === 0 ? 'even' : 'odd');
          await writer.putArtifact(runId, 'x', content);
          expect(await (await writer.openArtifact(runId, 'x')).bytes()).toEqual(new Uint8Array(content));
        }
        writing = false;
        expect(await collecting).toBeGreaterThan(0);
        expect(await writer.verify()).toEqual([]);
      });
    });

    function text(bytes: Uint8Array): string {
      return Buffer.from(bytes).toString();
    }
  });
}

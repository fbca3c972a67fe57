import { describe, expect, test } from 'vitest';
import type { FinalStatus, NewRun, Store } from '../../../src/store/index.js';
import { startStoreChild } from '../../support/store-child.js';
import { runStatusProperty } from './run-status.js';
import { newRun, type Subject } from './subject.js';

/** The store contract's part on runs and their states. */
export function runsContract(subject: Subject): void {
  describe('runs', () => {
    test('come back as they were recorded', async () => {
      const parentRunId = await subject.store.createRun(newRun());
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
      const id = await subject.store.createRun(run);
      expect(id).toMatch(/^[0-9a-f]{32}$/);
      expect(await subject.store.getRun(id)).toEqual({
        ...run,
        id,
        status: 'running',
        attempt: 1,
        startedAt: expect.any(Date) as Date,
        heartbeatAt: expect.any(Date) as Date,
      });
    });

    test('are made once where they have an id of their own, said twice because the answer was lost', async () => {
      const parentRunId = await subject.store.createRun(newRun());
      const run = newRun({ id: '0123456789abcdef'.repeat(2), groupId: 'said-twice', parentRunId });
      expect(await subject.store.createRun(run)).toBe(run.id);
      expect(await subject.store.createRun(run)).toBe(run.id);
      expect(await subject.store.listRuns({ groupId: 'said-twice' })).toHaveLength(1);
    });

    test('refuse records that JSON would lose, and what is not there', async () => {
      const code = 'STORE_JSON_INVALID';
      await expect(subject.store.createRun(newRun({ spec: { a: new Map() } }))).rejects.toMatchObject({ code });
      await expect(subject.store.createRun(newRun({ spec: undefined }))).rejects.toMatchObject({ code });
      await expect(subject.store.createRun(newRun({ seed: 0.5 }))).rejects.toMatchObject({ code: 'RUN_SEED_INVALID' });
      const parentRunId = '0'.repeat(32);
      await expect(subject.store.createRun(newRun({ parentRunId }))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
      await expect(subject.store.getRun(parentRunId)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND', httpStatus: 404 });
      for (const call of [
        () => subject.store.finishRun(parentRunId, 'failed'),
        () => subject.store.heartbeat(parentRunId),
        () => subject.store.resumeRun(parentRunId),
        () => subject.store.deleteRun(parentRunId),
        () => subject.store.restoreRun(parentRunId),
        () => subject.store.logMetrics(parentRunId, [{ name: 'a', value: 1 }]),
        () => subject.store.metricHistory(parentRunId),
        () => subject.store.latestMetrics(parentRunId),
        () => subject.store.logParams(parentRunId, { a: 1 }),
        () => subject.store.setTags(parentRunId, { a: '1' }),
        () => subject.store.getTags(parentRunId),
        () => subject.store.putArtifact(parentRunId, 'a', new Uint8Array(1)),
        () => subject.store.listArtifacts(parentRunId),
        () => subject.store.putEvaluation(parentRunId, 'train', {}),
        () => subject.store.getEvaluations(parentRunId),
        () => subject.store.lineage(parentRunId),
        () => subject.store.listRuns({ before: parentRunId }),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: 'RUN_NOT_FOUND', exitCode: 2 });
      }
    });

    test('are found by id, by runs:/ID and by an unambiguous beginning', async () => {
      const ids = await Promise.all(
        Array.from({ length: 3 }, () => subject.store.createRun(newRun({ experiment: 'find' }))),
      );
      const id = ids[0] ?? '';
      for (const reference of [id, `runs:/${id}`, id.slice(0, 12), `runs:/${id.slice(0, 12).toUpperCase()}`]) {
        expect((await subject.store.findRun(reference)).id).toBe(id);
      }
      await expect(subject.store.findRun('ffffffffff')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
      for (const reference of ['abc', 'no such', '%%%%%', `${id}0`, '']) {
        await expect(subject.store.findRun(reference)).rejects.toMatchObject({ code: 'RUN_ID_INVALID' });
      }
      const twin = `${id.slice(0, 20)}${'0'.repeat(12)}`;
      await subject.place.execute(`update run set id = '${twin}' where id = '${ids[1]}'`);
      await expect(subject.store.findRun(id.slice(0, 20))).rejects.toMatchObject({
        code: 'RUN_AMBIGUOUS',
        remedy: expect.stringContaining(id.slice(0, 28)) as string,
      });
      expect((await subject.store.findRun(id.slice(0, 21) === twin.slice(0, 21) ? id : id.slice(0, 21))).id).toBe(id);
    });

    test('are listed by filters, in pages, in both orders', async () => {
      const experiment = 'listing';
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) {
        const role = i % 2 === 0 ? 'model' : 'baseline';
        ids.push(await subject.store.createRun(newRun({ experiment, role, groupId: `group ${Math.floor(i / 2)}` })));
      }
      await subject.store.finishRun(ids[0] ?? '', 'finished');
      await subject.store.finishRun(ids[3] ?? '', 'failed', { error: 'loss is NaN' });
      const list = async (filter: Parameters<Store['listRuns']>[0]) =>
        (await subject.store.listRuns({ experiment, ...filter })).map(({ id }) => ids.indexOf(id));
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
      await subject.place.execute(
        `update run set pid = 999999999, process_started = '0' where id in ('${ids[1]}', '${ids[6]}')`,
      );
      expect(await list({ status: 'interrupted', limit: 1 })).toEqual([6]);
      expect(await list({ status: 'interrupted', limit: 5 })).toEqual([6, 1]);
      expect(await list({ status: 'running', limit: 3 })).toEqual([5, 4, 2]);
      expect((await subject.store.listRuns({ experiment }))[0]).not.toHaveProperty('spec');
      await expect(subject.store.listRuns({ limit: 0 })).rejects.toMatchObject({ code: 'STORE_LIMIT_INVALID' });
      expect(await subject.store.listRuns({ experiment: 'none such' })).toEqual([]);
    });

    test('keep the reason they failed, cut where it is endless', async () => {
      const runId = await subject.store.createRun(newRun());
      await subject.store.finishRun(runId, 'diverged', { error: `loss is NaN\0 ${'x'.repeat(50_000)}` });
      const { status, error, endedAt } = await subject.store.getRun(runId);
      expect(status).toBe('diverged');
      expect(error).toMatch(/^loss is NaN\ufffd x+\.\.\.$/);
      expect(error?.length).toBeLessThanOrEqual(10_000);
      expect(endedAt).toBeInstanceOf(Date);
    });

    test('of a killed process are shown as interrupted, and another can resume them', async () => {
      const child = startStoreChild(subject.place.url, 'hold');
      await child.written(1);
      const runId = child.lines[0] ?? '';
      expect((await subject.store.getRun(runId)).status).toBe('running');
      await expect(subject.store.resumeRun(runId)).rejects.toMatchObject({ code: 'RUN_AT_WORK', httpStatus: 409 });
      await expect(subject.store.deleteRun(runId)).rejects.toMatchObject({ code: 'RUN_AT_WORK' });
      await child.kill();
      expect((await subject.store.getRun(runId)).status).toBe('interrupted');
      expect(await subject.store.resumeRun(runId)).toMatchObject({ status: 'running', attempt: 2 });
      await subject.store.finishRun(runId, 'finished');
      expect((await subject.store.getRun(runId)).status).toBe('finished');
      await expect(subject.store.resumeRun(runId)).rejects.toMatchObject({ code: 'RUN_FINISHED' });
    });

    test('of another machine are interrupted when it has been silent for two minutes', async () => {
      const runId = await subject.store.createRun(newRun());
      const beatAt = (time: number) =>
        subject.place.execute(`update run set host = 'elsewhere', heartbeat_at = ${time} where id = '${runId}'`);
      await beatAt(Date.now() - 60_000);
      expect((await subject.store.getRun(runId)).status).toBe('running');
      await beatAt(Date.now() - 180_000);
      expect((await subject.store.getRun(runId)).status).toBe('interrupted');
      await subject.store.heartbeat(runId);
      expect((await subject.store.getRun(runId)).status).toBe('running');
      await subject.store.finishRun(runId, 'cancelled');
    });

    test('tell what became of trainings, by experiment and minute', async () => {
      const { store } = subject;
      const minute = 28_000_000 * 60_000;
      const ended = async (status: FinalStatus, at: number, change: Partial<NewRun> = {}) => {
        const runId = await store.createRun(newRun({ experiment: 'outcomes', ...change }));
        await store.finishRun(runId, status);
        await subject.place.execute(`update run set ended_at = ${at} where id = '${runId}'`);
        return runId;
      };
      await ended('finished', minute);
      await store.deleteRun(await ended('failed', minute + 59_999));
      await ended('diverged', minute + 60_000);
      await ended('cancelled', minute);
      await ended('failed', minute, { kind: 'trial' });
      await ended('failed', minute, { experiment: 'others' });
      const silent = await store.createRun(newRun({ experiment: 'outcomes' }));
      const gone = minute + 61_000;
      await subject.place.execute(`update run set host = 'elsewhere', heartbeat_at = ${gone} where id = '${silent}'`);
      const range = { from: minute, to: minute + 120_000 };
      const outcomes = [
        { experiment: 'outcomes', at: minute, finished: 1, failed: 1 },
        { experiment: 'outcomes', at: minute + 60_000, finished: 0, failed: 2 },
      ];
      expect(await store.trainingOutcomes({ ...range, experiment: 'outcomes' })).toEqual(outcomes);
      expect(await store.trainingOutcomes({ ...range, to: minute + 60_000 })).toEqual(
        expect.arrayContaining([outcomes[0], { experiment: 'others', at: minute, finished: 0, failed: 1 }]),
      );
      await store.finishRun(silent, 'cancelled');
    });

    test('that no process is known of stay running until they are ended', async () => {
      const runId = await subject.store.createRun(newRun({ attached: false }));
      await subject.place.execute(`update run set heartbeat_at = 0 where id = '${runId}'`);
      expect((await subject.store.getRun(runId)).status).toBe('running');
      await subject.store.finishRun(runId, 'finished');
    });

    test('move through their states as the model says', async () => {
      await runStatusProperty(subject.place, subject.store);
    });
  });
}

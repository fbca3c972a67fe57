import { describe, expect, test } from 'vitest';
import {
  type AlertState,
  countsOf,
  DEFAULT_RETENTION,
  type NewRun,
  openStore,
  type RetentionPolicy,
  type Store,
  WindowSums,
} from '../../../src/store/index.js';
import { newRun, type Subject } from './subject.js';

const DAY_MS = 24 * 3_600_000;

/** The store contract's part on what is kept, and for how long. */
export function retentionPolicyContract(subject: Subject): void {
  const fresh = async (): Promise<Store> => openStore((await subject.createPlace()).url);
  const later = Date.now() + 200 * DAY_MS;
  /** Everything that may go is old at `later`, and what is deleted can be restored. */
  const strict: RetentionPolicy = {
    ...DEFAULT_RETENTION,
    runsMs: DAY_MS,
    artifactsMs: DAY_MS,
    deletedMs: 300 * DAY_MS,
  };

  async function ended(store: Store, run: Partial<NewRun>, content: string, model = true): Promise<string> {
    const runId = await store.createRun(newRun(run));
    await store.putArtifact(runId, 'model/model.onnx', Buffer.from(content), { model });
    await store.finishRun(runId, 'finished');
    return runId;
  }

  async function observe(store: Store, model: string, times: readonly number[]): Promise<void> {
    const sums = new WindowSums();
    const observations = times.map((at, i) => ({
      ...{ id: `${model}-${i}`, at, model, version: '1', regularizerId: 'rg-1', latencyMs: 2 },
      ...({
        role: 'live',
        status: 'ok',
        features: {},
        prediction: 'yes',
        flags: [],
        metadata: {},
        slices: [],
      } as const),
    }));
    for (const each of observations) sums.count(each, countsOf(each));
    await store.recordObservations({ id: `${model}-${times[0]}`, observations, windows: sums.values(), sketches: [] });
  }

  describe('a retention policy', () => {
    test('is declared in parts, audited, and refused where it makes no sense', async () => {
      await using store = await fresh();
      expect(await store.retentionPolicy()).toEqual(DEFAULT_RETENTION);
      await store.declareRetention({ rows: 10, runsMs: 5 });
      expect(await store.declareRetention({ artifactBytes: 7 })).toEqual({
        ...DEFAULT_RETENTION,
        ...{ rows: 10, runsMs: 5, artifactBytes: 7 },
      });
      await expect(store.declareRetention({ rows: 0 })).rejects.toMatchObject({ code: 'RETENTION_INVALID' });
      await expect(store.declareRetention({ rowsMs: null as never })).rejects.toMatchObject({
        code: 'RETENTION_INVALID',
      });
      expect(await store.declareRetention({ runsMs: null })).toMatchObject({ rows: 10, runsMs: null });
      expect((await store.auditLog({ action: 'store.declare-retention' })).map(({ details }) => details)).toEqual([
        { runsMs: null },
        { artifactBytes: 7 },
        { rows: 10, runsMs: 5 },
      ]);
    });

    test('removes runs and files that nothing needs, tells so before, and keeps what is needed', async () => {
      await using store = await fresh();
      const pair = { groupId: 'g' };
      const first = await ended(store, {}, 'first');
      const baseline = await ended(store, { ...pair, role: 'baseline' }, 'baseline');
      const live = await ended(store, { ...pair, role: 'model', parentRunId: first }, 'live');
      const teacher = await ended(store, {}, 'teacher');
      await store.addLineage([
        { from: { kind: 'run', id: teacher }, to: { kind: 'run', id: live }, relation: 'distilled-into' },
      ]);
      const [archived, pinned] = [await ended(store, {}, 'archived'), await ended(store, {}, 'pinned')];
      const [gone, shared] = [await ended(store, {}, 'gone'), await ended(store, {}, 'live', false)];
      const atWork = await store.createRun(newRun());
      await store.setTags(pinned, { 'ballast.keep': 'for the audit' });
      const from = (runId: string) => ({ kind: 'run', runId, path: 'model' }) as const;
      await store.createVersion({ name: 'm', source: `runs:/${archived}`, from: from(archived) });
      await store.createVersion({ name: 'm', source: `runs:/${live}`, from: from(live) });
      await store.archiveVersion('m', 1);
      await store.setAlias('m', 'champion', 2);

      const options = { policy: strict, now: later };
      const foretold = await store.applyRetention({ ...options, dryRun: true });
      expect(foretold).toMatchObject({
        runs: 3,
        artifacts: 3,
        contents: 1,
        bytes: 4,
        removedRuns: 0,
        held: { runs: 5 },
      });
      expect(await store.listRuns({})).toHaveLength(9);
      expect(await store.applyRetention(options)).toEqual(foretold);
      const left = new Set((await store.listRuns({})).map(({ id }) => id));
      expect(left).toEqual(new Set([first, baseline, live, teacher, pinned, atWork]));
      for (const id of [first, baseline, live, teacher, pinned]) {
        expect(await (await store.openArtifact(id, 'model/model.onnx')).bytes()).not.toHaveLength(0);
      }
      // The archived version's file is its own.
      expect(await (await store.openVersionFile('m', 1, 'model.onnx')).bytes()).toHaveLength(8);
      await store.restoreRun(gone);
      expect(await store.listArtifacts(gone)).toEqual([]);
      await store.deleteRun(gone);
      expect(await store.applyRetention({ ...options, policy: { ...strict, deletedMs: 1 } })).toMatchObject({
        removedRuns: 3,
      });
      await expect(store.getRun(shared)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
      expect(await store.verify()).toEqual([]);
    });

    test('takes the files of the oldest runs until all are within their bytes', async () => {
      await using store = await fresh();
      const runs: string[] = [];
      for (const content of ['a'.repeat(100), 'b'.repeat(200), 'c'.repeat(300)])
        runs.push(await ended(store, {}, content));
      await store.setTags(runs[0] ?? '', { 'ballast.keep': '' });
      const policy = { ...DEFAULT_RETENTION, artifactBytes: 400 };
      expect(await store.applyRetention({ policy, dryRun: true })).toMatchObject({
        artifacts: 1,
        contents: 1,
        bytes: 200,
      });
      expect(await store.applyRetention({ policy })).toMatchObject({ artifacts: 1, contents: 1, bytes: 200, runs: 0 });
      const files = await Promise.all(runs.map(async (run) => (await store.listArtifacts(run)).length));
      expect(files).toEqual([1, 0, 1]);
      expect(await store.applyRetention({ policy })).toMatchObject({ artifacts: 0, contents: 0 });
    });

    test('keeps observations that a rollout under way or a firing alert needs', async () => {
      await using store = await fresh();
      const now = Date.now();
      const times = [now - 60 * DAY_MS, now - 50 * DAY_MS, now - 1000, now + 1];
      for (const model of ['plain', 'rolled', 'alerted']) await observe(store, model, times);
      await store.createRollout(
        { model: 'rolled', baseline: '1', candidate: '2', phase: 'running', config: {}, state: {} },
        [],
      );
      const alert: Omit<AlertState, 'fingerprint' | 'state' | 'startedAt' | 'resolvedAt'> = {
        ...{ model: 'alerted', rule: 'burn', labels: { version: '1' }, annotations: {}, changes: [] },
        ...{ severity: 'page', seenAt: new Date(now), suppressedBy: undefined },
      };
      const firing = {
        ...alert,
        fingerprint: 'f',
        state: 'firing',
        startedAt: new Date(now - 52 * DAY_MS),
        resolvedAt: undefined,
      } as const;
      const old = {
        ...alert,
        fingerprint: 'o',
        state: 'resolved',
        startedAt: new Date(1),
        resolvedAt: new Date(2),
      } as const;
      await store.saveAlerts([{ alert: firing }, { alert: old, event: 'resolved' }]);
      const policy = { ...DEFAULT_RETENTION, rows: 1 };
      const options = { policy, now: now + 1000 };
      const foretold = await store.applyRetention({ ...options, dryRun: true });
      expect(foretold).toMatchObject({
        observations: { rows: 3 + 3 + 1 },
        records: 1,
        held: { models: [{ model: 'rolled' }, { model: 'alerted', reason: 'alert burn' }] },
      });
      expect((await store.applyRetention(options)).observations).toEqual(foretold.observations);
      const kept = async (model: string) => (await store.observationsAfter(model, 0)).length;
      expect([await kept('plain'), await kept('rolled'), await kept('alerted')]).toEqual([1, 1, 3]);
      expect((await store.listAlerts()).map(({ fingerprint }) => fingerprint)).toEqual(['f']);
    });
  });
}

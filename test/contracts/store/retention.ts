import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/index.js';
import { newRun, type Subject } from './subject.js';

/** The store contract's part on deleting, and collecting garbage. */
export function retentionContract(subject: Subject): void {
  describe('retention', () => {
    test('a deleted run is hidden, refuses new records, and can be restored', async () => {
      const runId = await subject.store.createRun(newRun({ experiment: 'bin' }));
      await subject.store.finishRun(runId, 'finished');
      await subject.store.deleteRun(runId);
      await subject.store.deleteRun(runId);
      expect(await subject.store.listRuns({ experiment: 'bin' })).toEqual([]);
      expect(await subject.store.listRuns({ experiment: 'bin', includeDeleted: true })).toHaveLength(1);
      expect((await subject.store.findRun(runId)).deletedAt).toBeInstanceOf(Date);
      await expect(subject.store.findRun(runId.slice(0, 16))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
      await expect(subject.store.logMetrics(runId, [{ name: 'a', value: 1 }])).rejects.toMatchObject({
        code: 'RUN_DELETED',
      });
      await expect(subject.store.resumeRun(runId)).rejects.toMatchObject({ code: 'RUN_DELETED' });
      expect((await subject.store.listExperiments()).find(({ name }) => name === 'bin')).toMatchObject({ runs: 0 });
      await subject.store.restoreRun(runId);
      expect(await subject.store.listRuns({ experiment: 'bin' })).toHaveLength(1);
      expect((await subject.store.auditLog({ subject: `runs:/${runId}` })).map(({ action }) => action)).toEqual([
        'run.restore',
        'run.delete',
      ]);
    });

    test('collecting garbage removes deleted runs and unnamed contents, and nothing else', async () => {
      const own = await subject.createPlace();
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
      const own = await subject.createPlace();
      await using fresh = await openStore(own.url);
      const runId = await fresh.createRun(newRun());
      const { sha256 } = await fresh.putArtifact(runId, 'x', Buffer.from('orphan'));
      await own.execute(`delete from artifact where sha256 = '${sha256}'`);
      await own.execute(`delete from blob where sha256 = '${sha256}'`);
      expect(await fresh.collectGarbage()).toMatchObject({ contents: 1, bytes: 6 });
    });

    test('never removes a content that is being stored', async () => {
      const own = await subject.createPlace();
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
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

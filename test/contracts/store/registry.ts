import { describe, expect, test } from 'vitest';
import { checklist, findVersion, parseSource, promote, sign } from '../../../src/store/index.js';
import { newRun, type Subject } from './subject.js';

/** The store contract's part on registered models. */
export function registryContract(subject: Subject): void {
  async function runWithModel(content = 'weights'): Promise<string> {
    const { store } = subject;
    const runId = await store.createRun(
      newRun({
        regularizerId: 'rg-1',
        manifest: { regularizers: [] },
        datasetName: 'd',
        dataVersion: 'v',
        groupId: content,
      }),
    );
    await store.putArtifact(runId, 'model/model.onnx', Buffer.from(content));
    await store.putArtifact(runId, 'model/card.md', Buffer.from('card'));
    await store.finishRun(runId, 'finished');
    return runId;
  }

  describe('registered models', () => {
    test('have versions whose files outlive the run, numbers that are never given twice, and lineage', async () => {
      const { store } = subject;
      const runId = await runWithModel();
      const register = async () =>
        store.createVersion({
          name: 'fraud',
          source: `runs:/${runId}/model`,
          from: await parseSource(store, `runs:/${runId}/model`),
        });
      const first = await register();
      expect(first).toMatchObject({
        version: 1,
        runId,
        regularizerId: 'rg-1',
        datasetName: 'd',
        onnxPath: 'model.onnx',
        state: 'ready',
      });
      const second = await register();
      expect([second.version, second.digest]).toEqual([2, first.digest]);
      await store.deleteVersion('fraud', 2);
      expect((await register()).version).toBe(3);
      await store.deleteRun(runId);
      await store.collectGarbage();
      const file = await store.openVersionFile('fraud', 1, 'model.onnx');
      expect(Buffer.from(await file.bytes()).toString()).toBe('weights');
      expect((await store.versionFiles('fraud', 1)).map(({ path }) => path)).toEqual(['card.md', 'model.onnx']);
      expect((await findVersion(store, 'models:/fraud/latest')).version).toBe(3);
      await expect(findVersion(store, 'models:/fraud/2')).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' });
      await expect(findVersion(store, 'models:/fraud')).rejects.toMatchObject({ code: 'MODEL_REFERENCE_INVALID' });
      const copy = await store.createVersion({
        name: 'copied',
        source: 'models:/fraud/1',
        from: await parseSource(store, 'models:/fraud/1'),
      });
      expect(copy.digest).toBe(first.digest);
    });

    test('take tags, aliases and descriptions, are searched, renamed and removed', async () => {
      const { store } = subject;
      await store.createModel('churn', { description: 'who leaves', tags: { team: 'a' } });
      await expect(store.createModel('churn')).rejects.toMatchObject({ code: 'MODEL_EXISTS' });
      for (const name of ['', 'a/b', '../x', 'a:b', 'a@b', 'a#b', '..', 'a%2fb']) {
        await expect(store.createModel(name), name).rejects.toMatchObject({ exitCode: 2 });
      }
      const runId = await runWithModel('churn');
      const from = { kind: 'run', runId, path: 'model/model.onnx' } as const;
      await store.createVersion({ name: 'churn', source: 's', from, tags: { reviewed: 'no' } });
      await store.setModelTags('churn', { reviewed: 'yes' }, 1);
      await store.setAlias('churn', 'challenger', 1);
      expect((await store.getVersionByAlias('churn', 'challenger')).tags).toEqual({ reviewed: 'yes' });
      expect(await store.getModel('churn')).toMatchObject({ aliases: { challenger: 1 }, tags: { team: 'a' } });
      for (const alias of ['latest', 'v3', 'a b', '']) {
        await expect(store.setAlias('churn', alias, 1)).rejects.toMatchObject({ code: 'ALIAS_INVALID' });
      }
      await expect(store.deleteVersion('churn', 1)).rejects.toMatchObject({ code: 'MODEL_IN_USE' });
      const found = async (filter: string) => (await store.searchModels({ filter })).models.map(({ name }) => name);
      expect(await found("tags.team = 'a' and name ILIKE 'CH%'")).toEqual(['churn']);
      expect((await store.searchVersions({ filter: `run_id = '${runId}'` })).versions).toHaveLength(1);
      await expect(found("nonsense = 'a'")).rejects.toMatchObject({ code: 'FILTER_INVALID' });
      await store.renameModel('churn', 'leavers');
      expect((await findVersion(store, 'models:/leavers@challenger')).version).toBe(1);
      await store.setAlias('leavers', 'challenger', undefined);
      await store.archiveVersion('leavers', 1);
      await expect(store.setAlias('leavers', 'challenger', 1)).rejects.toMatchObject({ code: 'VERSION_ARCHIVED' });
      await store.deleteModel('leavers');
      await expect(store.getModel('leavers')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    });

    test('are registered only from what the store holds', async () => {
      const { store } = subject;
      const runId = await runWithModel('source');
      for (const source of [
        '/etc/passwd',
        'file:///etc',
        'http://169.254.169.254/',
        's3://bucket/x',
        `runs:/${runId}/../../other`,
        `runs:/${runId}/model?x#/../..`,
        `mlflow-artifacts:/0/${runId}/artifacts/%2e%2e/x`,
        '',
      ]) {
        await expect(parseSource(store, source), source).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
      }
      const from = { kind: 'run', runId, path: 'no/such' } as const;
      await expect(store.createVersion({ name: 'n', source: 's', from })).rejects.toMatchObject({
        code: 'VERSION_WITHOUT_FILES',
      });
      await expect(store.getModel('n')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    });

    test('reach an alias of production only with their checklists done and their files whole', async () => {
      const { store } = subject;
      const runId = await runWithModel('ready');
      const from = { kind: 'run', runId, path: 'model' } as const;
      const version = await store.createVersion({ name: 'ready', source: 's', from });
      await promote(store, version, 'challenger');
      for (const alias of ['champion', 'production', 'Production']) {
        await expect(promote(store, version, alias)).rejects.toMatchObject({ code: 'MODEL_NOT_READY', exitCode: 2 });
      }
      await expect(sign(store, version, 'holdout-validated', { note: 'trust me' })).rejects.toMatchObject({
        code: 'CHECKLIST_ITEM_CHECKED',
      });
      await expect(sign(store, version, 'no such', { note: '' })).rejects.toMatchObject({
        code: 'CHECKLIST_ITEM_UNKNOWN',
      });
      for (const item of [
        'slis-emitted',
        'canary-configured',
        'rollback-drilled',
        'runbooks-accessible',
        'canary-plan',
      ]) {
        await sign(store, version, item, { note: 'done' });
      }
      await store.updateModel('ready', {
        owner: 'ann',
        onCall: '#ml',
        escalation: 'bob',
        criticality: 'high',
        threatModel: 'none',
      });
      await store.putEvaluation(runId, 'holdout', { metrics: {} });
      await store.writeHoldout(
        'd',
        { hashes: new BigUint64Array([1n]), settings: '', generation: 1 },
        { reason: 'test' },
      );
      await store.setTags(runId, { 'ballast.reproduced': 'identical' });
      const baseline = await store.createRun(newRun({ role: 'baseline', groupId: 'ready' }));
      await store.logMetrics(baseline, [{ name: 'loss', value: 1 }]);
      await store.finishRun(baseline, 'finished');
      expect((await checklist(store, version)).filter(({ done }) => !done)).toEqual([]);
      await promote(store, version, 'champion');
      const log = await store.auditLog({ subject: 'models:/ready@champion' });
      expect(log).toMatchObject([{ action: 'model.promote', actor: 'tester', details: { from: null, to: 1 } }]);
      await sign(store, version, 'slis-emitted', { note: '', withdraw: true });
      await expect(promote(store, version, 'production')).rejects.toMatchObject({ code: 'MODEL_NOT_READY' });
    });
  });
}

import { describe, expect, test } from 'vitest';
import { newRun, type Subject } from './subject.js';

/** The store contract's part on parameters, tags, data versions, lineage, evaluations and the audit log. */
export function recordsContract(subject: Subject): void {
  describe('parameters and tags', () => {
    test('parameters are recorded once, as text', async () => {
      const runId = await subject.store.createRun(newRun());
      await subject.store.logParams(runId, {
        rate: 1e-3,
        amsgrad: false,
        name: 'adam ✓',
        ['__proto__']: 'p',
        empty: '',
      });
      await subject.store.logParams(runId, { rate: '0.001' });
      expect(Object.entries(await subject.store.getParams(runId))).toEqual([
        ['__proto__', 'p'],
        ['amsgrad', 'false'],
        ['empty', ''],
        ['name', 'adam ✓'],
        ['rate', '0.001'],
      ]);
      await expect(subject.store.logParams(runId, { fresh: 1, rate: 2 })).rejects.toMatchObject({
        code: 'PARAMETER_CHANGED',
        kind: 'conflict',
      });
      expect(await subject.store.getParams(runId)).not.toHaveProperty('fresh');
      await subject.store.logParams(runId, {});
    });

    test('many at once', async () => {
      const runId = await subject.store.createRun(newRun());
      const parameters = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`p${i}`, i]));
      await subject.store.logParams(runId, parameters);
      await subject.store.setTags(runId, Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`t${i}`, 'x'])));
      expect(Object.keys(await subject.store.getParams(runId))).toHaveLength(1200);
      expect(Object.keys(await subject.store.getTags(runId))).toHaveLength(1200);
    });

    test('tags are replaced and removed', async () => {
      const runId = await subject.store.createRun(newRun());
      await subject.store.setTags(runId, { owner: 'a', note: 'x\0y' });
      await subject.store.setTags(runId, { owner: 'b' });
      expect(await subject.store.getTags(runId)).toEqual({ note: 'x\ufffdy', owner: 'b' });
      await subject.store.removeTags(runId, ['owner', 'none such']);
      expect(await subject.store.getTags(runId)).toEqual({ note: 'x\ufffdy' });
    });
  });

  describe('data versions and lineage', () => {
    test('a version is recorded by its content; what is given last stands', async () => {
      const version = { name: 'adult', version: 'v1', rows: 48_842, schema: { age: 'int' }, source: 'adult.csv' };
      await subject.store.putDataVersion({ ...version, splits: { train: 1 } });
      await subject.store.putDataVersion({ ...version, splits: { train: 2, holdout: 3 } });
      await subject.store.putDataVersion({ ...version, version: 'v2', splits: {} });
      expect(await subject.store.getDataVersion('adult', 'v1')).toMatchObject({
        ...version,
        splits: { train: 2, holdout: 3 },
      });
      expect(await subject.store.listDataVersions('adult')).toHaveLength(2);
      expect(await subject.store.listDataVersions('none such')).toEqual([]);
      await expect(subject.store.getDataVersion('adult', 'v3')).rejects.toMatchObject({
        code: 'DATA_VERSION_NOT_FOUND',
      });
    });

    test('lineage leads from the data over runs to models, and no further than what is related', async () => {
      const data = { datasetName: 'iris', dataVersion: 'v1' };
      const parent = await subject.store.createRun(newRun(data));
      const { sha256 } = await subject.store.putArtifact(parent, 'model.onnx', Buffer.from('onnx'), { model: true });
      const child = await subject.store.createRun(newRun({ ...data, parentRunId: parent }));
      const cousin = await subject.store.createRun(newRun(data));
      const edge = {
        from: { kind: 'model', id: sha256 },
        to: { kind: 'run', id: child },
        relation: 'started-from',
      } as const;
      await subject.store.addLineage([edge, edge]);
      const { nodes, edges } = await subject.store.lineage(child);
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
      expect((await subject.store.lineage(parent)).nodes.map(name).sort()).toEqual([
        'child',
        'iris@v1',
        'model',
        'parent',
      ]);
      const loop = { from: edge.to, to: edge.from, relation: 'produced' };
      await subject.store.addLineage([loop]);
      expect((await subject.store.lineage(child)).edges).toHaveLength(6);
    });
  });

  describe('evaluations and audit', () => {
    test('an evaluation is kept per stage, NaN and all', async () => {
      const runId = await subject.store.createRun(newRun());
      await subject.store.putEvaluation(runId, 'train', { accuracy: { value: 0.9, interval: [0.8, Number.NaN] } });
      await subject.store.putEvaluation(runId, 'holdout', [1]);
      await subject.store.putEvaluation(runId, 'train', { accuracy: Number.NEGATIVE_INFINITY });
      const evaluations = await subject.store.getEvaluations(runId);
      expect(Object.fromEntries(evaluations.map(({ stage, record }) => [stage, record]))).toEqual({
        train: { accuracy: Number.NEGATIVE_INFINITY },
        holdout: [1],
      });
      await expect(subject.store.putEvaluation(runId, 'x', { $number: 'NaN' })).rejects.toMatchObject({
        code: 'STORE_JSON_INVALID',
      });
    });

    test('events are listed newest first, filtered and in pages', async () => {
      for (let i = 0; i < 5; i++)
        await subject.store.audit({ action: 'promote', subject: 'models:/digits', details: { i } });
      await subject.store.audit({ actor: 'someone', action: 'promote', subject: 'models:/other' });
      const filter = { action: 'promote', subject: 'models:/digits' };
      const first = await subject.store.auditLog({ ...filter, limit: 2 });
      expect(first.map(({ details }) => details)).toEqual([{ i: 4 }, { i: 3 }]);
      expect(first[0]).toMatchObject({ actor: 'tester', at: expect.any(Date) as Date });
      const second = await subject.store.auditLog({ ...filter, limit: 9, before: first[1]?.id });
      expect(second.map(({ details }) => details)).toEqual([{ i: 2 }, { i: 1 }, { i: 0 }]);
      expect(await subject.store.auditLog({ actor: 'someone' })).toMatchObject([
        { subject: 'models:/other', details: null },
      ]);
    });
  });
}

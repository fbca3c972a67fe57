import { describe, expect, test } from 'vitest';
import type { FoundRun, RunQuery } from '../../../src/store/index.js';
import { newRun, type Subject } from './subject.js';

let names = 0;

/** The store contract's part on what the tracking server adds: remote runs, search, data sets, logged models. */
export function trackingContract(subject: Subject): void {
  const experiment = async (): Promise<number> => subject.store.createExperiment(`tracked ${++names}`);
  const remote = (experimentId: number, name: string, tags: Record<string, string> = {}) =>
    subject.store.createRemoteRun({ experimentId, name, tags, startedAt: new Date(1_000 + ++names) });

  describe('tracked experiments', () => {
    test('are made, tagged, renamed, deleted, restored and found', async () => {
      const { store } = subject;
      const id = await store.createExperiment('one of mine', { team: 'vision' });
      await expect(store.createExperiment('one of mine')).rejects.toMatchObject({ code: 'EXPERIMENT_EXISTS' });
      await store.setExperimentTags(id, { team: 'speech', __proto__x: 'kept' });
      await store.renameExperiment(id, "renamed '; drop table run; --");
      expect(await store.findExperiment("renamed '; drop table run; --")).toMatchObject({
        id,
        tags: { team: 'speech', __proto__x: 'kept' },
        deletedAt: undefined,
      });
      await store.removeExperimentTag(id, 'team');
      await expect(store.removeExperimentTag(id, 'team')).rejects.toMatchObject({ code: 'TAG_NOT_FOUND' });
      await store.deleteExperiment(id);
      await expect(store.deleteExperiment(id)).rejects.toMatchObject({ code: 'EXPERIMENT_DELETED' });
      await expect(remote(id, 'late')).rejects.toMatchObject({ code: 'EXPERIMENT_DELETED' });
      const found = async (view: 'active' | 'deleted' | 'all') =>
        (await store.searchExperiments({ view, filter: "name LIKE 'renamed%'" })).experiments.map((one) => one.id);
      expect([await found('active'), await found('deleted'), await found('all')]).toEqual([[], [id], [id]]);
      await store.restoreExperiment(id);
      expect(await found('active')).toEqual([id]);
      await expect(store.getExperiment(987_654)).rejects.toMatchObject({ code: 'EXPERIMENT_NOT_FOUND' });
    });

    test('of clients that name none are number 0', async () => {
      await subject.store.ensureDefaultExperiment();
      await subject.store.ensureDefaultExperiment();
      expect(await subject.store.getExperiment(0)).toMatchObject({ name: 'Default' });
    });
  });

  describe('remote runs', () => {
    test('are logged in batches, all or none, and read as one document', async () => {
      const { store } = subject;
      const id = await remote(await experiment(), 'run', { 'mlflow.user': 'ann', 'mlflow.runName': 'ignored' });
      await store.logBatch(id, {
        metrics: [
          { name: 'loss', value: 0.5, step: 1, timestamp: 10 },
          { name: 'loss', value: Number.NaN, step: 2, timestamp: 11 },
          { name: 'auc', value: Number.POSITIVE_INFINITY, step: 0, timestamp: 12 },
        ],
        params: { lr: '0.1', 'name "quoted"': 'ä\n"' },
        tags: { 'mlflow.runName': 'renamed' },
      });
      await expect(
        store.logBatch(id, { metrics: [{ name: 'late', value: 1 }], params: { lr: '0.2' }, tags: { late: 'yes' } }),
      ).rejects.toMatchObject({ code: 'PARAMETER_CHANGED' });
      const document = (await store.runDocuments([id, 'f'.repeat(32)])).get(id);
      expect(JSON.parse(document?.params ?? '')).toEqual([
        { key: 'lr', value: '0.1' },
        { key: 'name "quoted"', value: 'ä\n"' },
      ]);
      expect(JSON.parse(document?.tags ?? '')).toEqual([
        { key: 'ballast.kind', value: 'logged' },
        { key: 'mlflow.runName', value: 'renamed' },
        { key: 'mlflow.user', value: 'ann' },
      ]);
      expect(document?.metrics).toEqual([
        { name: 'auc', value: Number.POSITIVE_INFINITY, step: 0, timestamp: 12 },
        { name: 'loss', value: Number.NaN, step: 2, timestamp: 11 },
      ]);
      expect((await store.metricPage(id, 'loss', { limit: 1, offset: 1 }))[0]?.step).toBe(2);
      await store.removeTag(id, 'mlflow.user');
      await expect(store.removeTag(id, 'mlflow.user')).rejects.toMatchObject({ code: 'TAG_NOT_FOUND' });
      await store.appendToTag(id, 'history', '{"a":1}');
      await store.appendToTag(id, 'history', '{"b":2}');
      expect((await store.getTags(id)).history).toBe('[{"a":1},{"b":2}]');
    });

    test('are ended and begun again by their client, which a run of this machine is not', async () => {
      const { store } = subject;
      const id = await remote(await experiment(), 'run');
      await store.updateRemoteRun(id, { status: 'finished', endedAt: new Date(5_000) });
      expect(await store.getRun(id)).toMatchObject({ status: 'finished', endedAt: new Date(5_000) });
      await store.updateRemoteRun(id, { status: 'running', name: 'again' });
      expect(await store.getRun(id)).toMatchObject({ status: 'running', name: 'again', endedAt: undefined });
      const own = await store.createRun(newRun());
      await expect(store.updateRemoteRun(own, { status: 'failed' })).rejects.toMatchObject({ code: 'RUN_AT_WORK' });
      await store.finishRun(own, 'finished');
    });
  });

  describe('search', () => {
    test('finds runs by metrics, params, tags, attributes and data sets, in order, in pages', async () => {
      const { store } = subject;
      const experimentId = await experiment();
      const ids: string[] = [];
      for (const [i, [optimizer, loss]] of (
        [
          ['Adam', 0.5],
          ['sgd', 0.1],
          ['adamw', Number.NaN],
          ['100%_a', undefined],
        ] as const
      ).entries()) {
        const id = await remote(experimentId, `run ${i}`, i === 1 ? { 'mlflow.parentRunId': ids[0] ?? '' } : {});
        ids.push(id);
        await store.logBatch(id, {
          params: { optimizer, 'a b': String(i) },
          metrics: loss === undefined ? [] : [{ name: 'val loss', value: loss }],
          tags: i === 3 ? { note: "it's" } : {},
        });
      }
      await store.updateRemoteRun(ids[2] ?? '', { status: 'failed' });
      await store.logInputs(ids[3] ?? '', [
        {
          dataset: { name: 'iris', digest: 'd1', sourceType: 'local', source: 'x' },
          tags: { 'mlflow.data.context': 'train' },
        },
      ]);
      const indices = ({ runs }: { runs: readonly FoundRun[] }) => runs.map(({ id }) => ids.indexOf(id));
      const find = async (filter: string, query: RunQuery = {}) =>
        indices(await store.searchRuns({ experimentIds: [experimentId], filter, orderBy: ['run_name'], ...query }));
      expect(await find('')).toEqual([0, 1, 2, 3]);
      expect(await find('metrics.`val loss` <= 0.5')).toEqual([0, 1]);
      expect(await find('metrics."val loss" < 0.5 AND params.optimizer = \'sgd\'')).toEqual([1]);
      expect(await find("params.optimizer LIKE 'adam%'")).toEqual([2]);
      expect(await find("params.optimizer ILIKE 'ADAM%'")).toEqual([0, 2]);
      expect(await find("params.optimizer LIKE '100_\\_a' or 1=1").catch((error: Error) => error)).toMatchObject({
        code: 'FILTER_INVALID',
      });
      expect(await find("params.optimizer != 'sgd'")).toEqual([0, 2, 3]);
      expect(await find("params.`a b` = '2'")).toEqual([2]);
      expect(await find("tags.note = 'it''s'")).toEqual([3]);
      expect(await find('tags.note IS NULL')).toEqual([0, 1, 2]);
      expect(await find('tag.note is not null')).toEqual([3]);
      expect(await find("status = 'FAILED'")).toEqual([2]);
      expect(await find(`attributes.run_id IN ('${ids[0]}', '${ids[3]}')`)).toEqual([0, 3]);
      expect(await find(`run_id NOT IN ('${ids[0]}')`)).toEqual([1, 2, 3]);
      expect(await find(`tags.mlflow.parentRunId = '${ids[0]}'`)).toEqual([1]);
      expect(await find("tags.`mlflow.runName` = 'run 3'")).toEqual([3]);
      expect(await find("dataset.name = 'iris' and datasets.context = 'train'")).toEqual([3]);
      expect(await find("dataset.digest = 'd2'")).toEqual([]);
      expect(await find('start_time > 0', { orderBy: ['metrics.`val loss` DESC'] })).toEqual([0, 1, 3, 2]);
      expect(await find('', { orderBy: ['params.optimizer DESC'], limit: 2 })).toEqual([1, 2]);
      expect(await find('', { orderBy: ['params.optimizer DESC'], limit: 2, offset: 2 })).toEqual([0, 3]);
      expect(await store.countRuns({ experimentIds: [experimentId], filter: 'metrics.`val loss` > 0' })).toBe(2);
      expect(await find('', { experimentIds: [] })).toEqual([]);
      for (const filter of [
        "metrics.loss = 'a'",
        'params.lr > 3',
        'nonsense = 1',
        'run_name =',
        "params.a = 'b' OR params.c = 'd'",
        "'; drop table run; --",
        'metrics.loss IS NULL',
        'metric.a < 1 AND',
        'dataset.size = 3',
      ]) {
        await expect(find(filter), filter).rejects.toMatchObject({ code: 'FILTER_INVALID', exitCode: 2 });
      }
    });

    test('names the columns of an experiment, each once, however often and by whichever run it is logged', async () => {
      const { store } = subject;
      const [first, second] = [await experiment(), await experiment()];
      const runs = await Promise.all([first, first, second].map((experimentId) => remote(experimentId, 'run')));
      await Promise.all(
        runs.map((id, i) =>
          store.logBatch(id, {
            metrics: ['b', 'a', 'b', `only.${i}`].map((name, step) => ({ name, value: step, step })),
            params: { [i === 0 ? 'p' : 'q']: '1' },
          }),
        ),
      );
      expect(await store.runColumns(first)).toEqual({
        metrics: ['a', 'b', 'only.0', 'only.1'],
        params: ['p', 'q'],
      });
      expect(await store.runColumns(second)).toEqual({ metrics: ['a', 'b', 'only.2'], params: ['q'] });
    });

    test('finds runs that Ballast itself recorded', async () => {
      const { store } = subject;
      const id = await store.createRun(newRun({ experiment: 'own runs', name: 'mine', regularizerId: 'rg-1' }));
      await store.logParams(id, { lr: 1 });
      await store.finishRun(id, 'finished');
      const { runs } = await store.searchRuns({ filter: "tags.ballast.regularizers = 'rg-1' and params.lr = '1'" });
      expect(runs.map((run) => run.id)).toEqual([id]);
    });
  });

  describe('logged models', () => {
    test('keep params, tags, metrics and files of their own', async () => {
      const { store } = subject;
      const experimentId = await experiment();
      const runId = await remote(experimentId, 'run');
      const made = await store.createLoggedModel({
        experimentId,
        name: 'model',
        modelType: '',
        sourceRunId: runId,
        params: { depth: '3' },
        tags: { a: '1' },
      });
      expect(made).toMatchObject({ status: 'pending', sourceRunId: runId });
      await store.putModelArtifact(made.id, 'MLmodel', Buffer.from('flavors'));
      await store.putModelArtifact(made.id, 'data/model.bin', Buffer.from('bin'));
      await store.setLoggedModelStatus(made.id, 'ready');
      await store.logModelMetrics([
        {
          modelId: made.id,
          runId,
          name: 'auc',
          value: 0.9,
          step: 1,
          timestamp: 5,
          datasetName: 'iris',
          datasetDigest: 'd',
        },
      ]);
      await store.logRunModels(runId, [{ modelId: made.id, direction: 'output', step: 1 }]);
      expect((await store.runDocuments([runId])).get(runId)?.models).toEqual([
        { modelId: made.id, direction: 'output', step: 1 },
      ]);
      const find = async (filter: string, datasets?: { name: string }[]) =>
        (await store.searchLoggedModels({ experimentIds: [experimentId], filter, ...(datasets && { datasets }) }))
          .models;
      expect(await find("metrics.auc > 0.8 and params.depth = '3' and status = 'READY'")).toMatchObject([
        { id: made.id, metrics: [{ name: 'auc', datasetName: 'iris' }] },
      ]);
      expect(await find('metrics.auc > 0.8', [{ name: 'other' }])).toEqual([]);
      expect((await store.listModelArtifacts(made.id)).map(({ path }) => path)).toEqual(['MLmodel', 'data/model.bin']);
      expect(Buffer.from(await (await store.openModelArtifact(made.id, 'MLmodel')).bytes()).toString()).toBe('flavors');
      await store.collectGarbage();
      expect(await store.verify()).toEqual([]);
      expect(await store.deleteModelArtifacts(made.id, 'data')).toBe(1);
      await expect(store.putModelArtifact(made.id, '../x', Buffer.from(''))).rejects.toMatchObject({
        code: 'ARTIFACT_PATH_INVALID',
      });
      await store.deleteLoggedModel(made.id);
      await expect(store.getLoggedModel(made.id)).rejects.toMatchObject({ code: 'LOGGED_MODEL_NOT_FOUND' });
    });
  });
}

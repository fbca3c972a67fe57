import { describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/index.js';
import { newRun, type Subject } from './subject.js';

/** The tables that came after the first version, those that others point to last. */
const LATER_TABLES = [
  'experiment_column',
  ...['turn', 'silence', 'alert_delivery', 'alert_event', 'alert', 'sli_count', 'slo'],
  ...['label_sample_row', 'label_sample', 'observation_report', 'observation_batch', 'observation_sketch'],
  ...['observation_window', 'observation_label', 'observation', 'observed_model'],
  ...['rollout_look', 'rollout_decision', 'rollout', 'model_traffic_share', 'model_traffic'],
  ...['access_grant', 'access_token', 'app_user'],
  ...['model_sign_off', 'model_alias', 'model_version_file', 'model_version_tag', 'model_version'],
  ...['registered_model_tag', 'registered_model', 'trial', 'sweep'],
  ...['logged_model_artifact', 'run_model', 'logged_model_metric', 'logged_model_tag', 'logged_model_parameter'],
  ...['logged_model', 'run_dataset', 'dataset', 'experiment_tag'],
];

/** The store contract's part on opening a store, and its experiments. */
export function openingContract(subject: Subject): void {
  describe('opening', () => {
    test('two openers of an empty place make one store', async () => {
      const { url } = await subject.createPlace();
      const stores = await Promise.all([openStore(url), openStore(url), openStore(url)]);
      const runId = await stores[0].createRun(newRun());
      expect((await stores[2].getRun(runId)).id).toBe(runId);
      await Promise.all(stores.map((each) => each.close()));
    });

    test('keeps everything when it is closed and opened again', async () => {
      const { url } = await subject.createPlace();
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

    test('brings a store of the version before tracking up to date, the last points of metrics too', async () => {
      const { url, execute } = await subject.createPlace();
      const before = await openStore(url);
      const runId = await before.createRun(newRun());
      await before.logMetrics(runId, [
        { name: 'loss', value: 2, step: 1, timestamp: 1 },
        { name: 'loss', value: Number.NaN, step: 3, timestamp: 2 },
        { name: 'auc', value: 0.5, step: 0, timestamp: 3 },
      ]);
      const latest = await before.latestMetrics(runId);
      await before.close();
      for (const kind of ['metric', 'param']) {
        const cascade = url.startsWith('postgres')
          ? `function keep_${kind}_column() cascade`
          : `trigger keep_${kind}_column`;
        await execute(`drop ${cascade}`);
      }
      for (const column of ['step', 'timestamp', 'value', 'is_nan']) {
        await execute(`alter table metric_series drop column latest_${column}`);
      }
      for (const column of ['updated_at', 'deleted_at']) await execute(`alter table experiment drop column ${column}`);
      for (const table of LATER_TABLES) await execute(`drop table ${table}`);
      await execute("delete from kysely_migration where name > '0001_initial'");
      await using after = await openStore(url);
      expect(await after.latestMetrics(runId)).toEqual(latest);
      expect((await after.searchRuns({ filter: 'metrics.auc = 0.5' })).runs.map(({ id }) => id)).toEqual([runId]);
    });

    test('refuses a store of a newer version, naming both versions, and leaves it as it is', async () => {
      const { url, execute } = await subject.createPlace();
      await (await openStore(url)).close();
      await execute(`insert into kysely_migration (name, timestamp) values ('9999_future', '2099-01-01')`);
      await execute(`update store_info set value = '99.0.0' where key = 'ballast_version'`);
      await expect(openStore(url)).rejects.toMatchObject({
        code: 'STORE_NEWER',
        exitCode: 2,
        message: expect.stringMatching(
          /newer Ballast \(99\.0\.0\).*9999_future.*\(\d+\.\d+\.\d+\).*\d{4}_\w+/,
        ) as string,
      });
      await execute(`delete from kysely_migration where name = '9999_future'`);
      await (await openStore(url)).close();
    });
  });

  describe('experiments', () => {
    test('are made once per name, also by two at once, and count their runs', async () => {
      const made = await Promise.all(Array.from({ length: 5 }, () => subject.store.ensureExperiment('digits ✓')));
      expect(new Set(made.map(({ id }) => id)).size).toBe(1);
      await subject.store.createRun(newRun({ experiment: 'digits ✓' }));
      const found = (await subject.store.listExperiments()).find(({ name }) => name === 'digits ✓');
      expect(found).toMatchObject({ runs: 1 });
      expect(found?.createdAt).toBeInstanceOf(Date);
    });

    test.each(['', 'a\0b', 'a\nb', 'x'.repeat(251), '\ud800'])('refuse the name %j', async (name) => {
      await expect(subject.store.ensureExperiment(name)).rejects.toMatchObject({
        code: 'STORE_NAME_INVALID',
        exitCode: 2,
      });
    });
  });
}

import { describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/index.js';
import { newRun, type Subject } from './subject.js';

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

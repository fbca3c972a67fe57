import { describe, expect, test } from 'vitest';
import { openStore, type TrafficShare } from '../../../src/store/index.js';
import { newRun, type Subject } from './subject.js';

/** The store contract's part on how requests are divided. */
export function trafficContract(subject: Subject): void {
  const live = (version: number, weight = 1): TrafficShare => ({ version, role: 'live', weight });
  const candidate = (version: number, weight: number): TrafficShare => ({ version, role: 'candidate', weight });
  const shadow = (version: number, weight = 1): TrafficShare => ({ version, role: 'shadow', weight });

  async function versions(name: string, count: number): Promise<void> {
    const { store } = subject;
    const runId = await store.createRun(newRun());
    await store.putArtifact(runId, 'model/model.onnx', Buffer.from(name));
    for (let i = 0; i < count; i++) {
      await store.createVersion({ name, source: `runs:/${runId}`, from: { kind: 'run', runId, path: 'model' } });
    }
  }

  describe('traffic', () => {
    test('is replaced as a whole, audited, and seen by other processes', async () => {
      const { store, place } = subject;
      await versions('divided', 3);
      expect(await store.getTraffic('divided')).toBeUndefined();
      await store.setAlias('divided', 'production', 1);
      await store.setTraffic('divided', {
        shares: [live(1, 0.95), candidate(2, 0.05), shadow(3)],
        stickyKey: 'user',
        reason: 'canary',
      });
      await using other = await openStore(place.url, { actor: 'other' });
      const [served] = await other.servedModels(['divided', 'no-such']);
      expect(served).toMatchObject({ model: 'divided', aliases: { production: 1 } });
      expect(served.traffic).toMatchObject({
        shares: [live(1, 0.95), candidate(2, 0.05), shadow(3)],
        stickyKey: 'user',
        revision: 1,
        reason: 'canary',
        updatedBy: 'tester',
      });
      const next = await other.setTraffic('divided', { shares: [live(2)], reason: 'promoted', replaces: 1 });
      expect(next).toMatchObject({ shares: [live(2)], stickyKey: undefined, revision: 2, updatedBy: 'other' });
      const [{ action, actor, details }] = await store.auditLog({ subject: 'models:/divided', limit: 1 });
      expect([action, actor, details]).toEqual([
        'model.traffic',
        'other',
        { shares: [live(2)], stickyKey: null, reason: 'promoted', revision: 2 },
      ]);
      const cleared = await store.setTraffic('divided', { shares: [], reason: 'the alias decides' });
      expect(cleared).toMatchObject({ shares: [], revision: 3 });
    });

    test('changed by two at once is changed by one', async () => {
      const { store, place } = subject;
      await versions('contested', 2);
      await using other = await openStore(place.url);
      const tries = await Promise.allSettled(
        [store, other, store, other].map((each, i) =>
          each.setTraffic('contested', { shares: [live((i % 2) + 1)], reason: String(i), replaces: 0 }),
        ),
      );
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const each of tries) {
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'TRAFFIC_CHANGED' });
      }
      expect(await store.getTraffic('contested')).toMatchObject({ revision: 1 });
    });

    test('is refused where it does not add up, and protects the versions it goes to', async () => {
      const { store } = subject;
      await versions('checked', 3);
      const odd: (readonly TrafficShare[])[] = [
        [live(1, 0.9)],
        [live(1, 0.5), live(2, 0.5)],
        [candidate(1, 1)],
        [live(1), shadow(1)],
        [live(1, 1.2), candidate(2, -0.2)],
        [live(1), shadow(2, Number.NaN)],
      ];
      for (const shares of odd) {
        await expect(store.setTraffic('checked', { shares, reason: '' })).rejects.toMatchObject({
          code: 'TRAFFIC_INVALID',
        });
      }
      await expect(store.setTraffic('checked', { shares: [live(9)], reason: '' })).rejects.toMatchObject({
        code: 'VERSION_NOT_FOUND',
      });
      await store.setTraffic('checked', { shares: [live(1), shadow(2)], reason: '' });
      await expect(store.archiveVersion('checked', 2)).rejects.toMatchObject({ code: 'MODEL_IN_USE' });
      await expect(store.deleteVersion('checked', 1)).rejects.toMatchObject({ code: 'MODEL_IN_USE' });
      await store.archiveVersion('checked', 3);
      await expect(store.setTraffic('checked', { shares: [live(3)], reason: '' })).rejects.toMatchObject({
        code: 'VERSION_ARCHIVED',
      });
    });
  });
}

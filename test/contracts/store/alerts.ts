import { describe, expect, test } from 'vitest';
import { type AlertState, openStore } from '../../../src/store/index.js';
import type { Subject } from './subject.js';

const MINUTE = 60_000;

/** The store contract's part on objectives, alerts and silences. */
export function alertsContract(subject: Subject): void {
  describe('objectives and alerts', () => {
    test('objectives are kept by model and name, and audited', async () => {
      const { store } = subject;
      await store.putSlos(
        'fraud',
        [
          { name: 'a', definition: { objective: 0.9 } },
          { name: 'b', definition: {} },
        ],
        'x',
      );
      await store.putSlos('fraud', [{ name: 'a', definition: { objective: 0.99 } }], 'slo.yaml');
      await store.putSlos('credit', [{ name: 'a', definition: {} }], 'x');
      expect(await store.listSlos('fraud')).toMatchObject([
        { name: 'a', definition: { objective: 0.99 }, source: 'slo.yaml', updatedBy: 'tester' },
        { name: 'b' },
      ]);
      await store.removeSlo('fraud', 'b');
      await expect(store.removeSlo('fraud', 'b')).rejects.toMatchObject({ code: 'SLO_NOT_FOUND' });
      expect((await store.listSlos()).map(({ model, name }) => [model, name])).toEqual([
        ['credit', 'a'],
        ['fraud', 'a'],
      ]);
      const [{ action, details }] = await store.auditLog({ subject: 'models:/fraud', limit: 1 });
      expect([action, details]).toEqual(['slo.remove', { names: ['b'] }]);
    });

    test("an application's counts add up by minute", async () => {
      const { store } = subject;
      const count = { model: 'counted', name: 'orders', version: '1', at: 10 * MINUTE + 5, good: 3, total: 4 };
      await Promise.all([store.countSli(count), store.countSli({ ...count, at: 10 * MINUTE + 9 })]);
      await store.countSli({ ...count, at: 11 * MINUTE });
      expect(await store.sliCounts('counted', { from: 0, to: 11 * MINUTE })).toEqual([
        { model: 'counted', name: 'orders', version: '1', at: 10 * MINUTE, good: 6, total: 8 },
      ]);
      await expect(store.countSli({ ...count, good: 5 })).rejects.toMatchObject({ code: 'SLI_INVALID' });
    });

    const alert = (change: Partial<AlertState> = {}): AlertState => ({
      fingerprint: 'f1',
      model: 'fraud',
      rule: 'burn',
      severity: 'page',
      state: 'firing',
      labels: { model: 'fraud', version: '3' },
      annotations: { summary: 'it burns' },
      startedAt: new Date(1000),
      seenAt: new Date(2000),
      resolvedAt: undefined,
      changes: [1000],
      suppressedBy: undefined,
      ...change,
    });

    test('an alert has one state, and a history', async () => {
      const { store } = subject;
      const resolved = alert({ state: 'resolved', seenAt: new Date(3000), resolvedAt: new Date(3000) });
      await store.saveAlerts([{ alert: alert(), event: 'fired', details: { burn: 20 } }]);
      await store.saveAlerts([{ alert: resolved, event: 'resolved' }, { alert: alert({ fingerprint: 'f2' }) }]);
      expect(await store.listAlerts({ model: 'fraud' })).toEqual([alert({ fingerprint: 'f2' }), resolved]);
      expect(await store.listAlerts({ state: 'resolved' })).toEqual([resolved]);
      expect(await store.alertEvents('f1')).toEqual([
        { at: new Date(2000), event: 'fired', details: { burn: 20 } },
        { at: new Date(3000), event: 'resolved', details: null },
      ]);
      const delivery = { fingerprint: 'f1', target: 'http://a', told: 'firing', at: new Date(5), failures: 0 };
      await store.saveDeliveries([{ ...delivery, error: 'refused' }]);
      await store.saveDeliveries([{ ...delivery, failures: 2, error: undefined }]);
      expect(await store.listDeliveries(['f1', 'f2'])).toEqual([{ ...delivery, failures: 2, error: undefined }]);
    });

    test('a silence says what, how long, why and who, and ends', async () => {
      const { store } = subject;
      const silence = {
        kind: 'silence',
        matchers: [{ label: 'model', value: 'fraud' }],
        startsAt: new Date(),
        endsAt: new Date(Date.now() + MINUTE),
        reason: 'known',
      } as const;
      const { id, createdBy } = await store.addSilence(silence);
      expect(createdBy).toBe('tester');
      expect(await store.listSilences()).toMatchObject([{ id, ...silence }]);
      await store.endSilence(id);
      expect(await store.listSilences()).toEqual([]);
      expect(await store.listSilences({ endedToo: true })).toMatchObject([{ id }]);
      await expect(store.endSilence(id)).rejects.toMatchObject({ code: 'SILENCE_OVER' });
      await expect(store.endSilence(9999)).rejects.toMatchObject({ code: 'SILENCE_NOT_FOUND' });
      for (const change of [
        { matchers: [] },
        { reason: ' ' },
        { endsAt: new Date(0) },
        { endsAt: new Date(Date.now() + 1e11) },
        { matchers: [{ label: 'model', value: '(', regex: true }] },
      ]) {
        await expect(store.addSilence({ ...silence, ...change })).rejects.toMatchObject({ code: 'SILENCE_INVALID' });
      }
      expect((await store.auditLog({ limit: 2 })).map(({ action }) => action)).toEqual([
        'alert.unsilence',
        'alert.silence',
      ]);
    });

    test('of all processes one has the turn', async () => {
      const other = await openStore(subject.place.url);
      try {
        const asked = [subject.store, other, subject.store, other].map((store) => store.takeTurn('alerts', MINUTE));
        expect((await Promise.all(asked)).filter((got) => got)).toHaveLength(1);
        expect(await other.takeTurn('alerts', MINUTE)).toBe(false);
        expect(await other.takeTurn('others', MINUTE)).toBe(true);
      } finally {
        await other.close();
      }
    });
  });
}

import { describe, expect, test } from 'vitest';
import { openStore, type RolloutStore } from '../../../src/store/index.js';
import type { Subject } from './subject.js';

type New = Parameters<RolloutStore['createRollout']>[0];

/** The store contract's part on rollouts: one of a model at a time, its decisions kept with its state or not at all. */
export function rolloutContract(subject: Subject): void {
  const rollout = (model: string, changes: Partial<New> = {}): New => ({
    ...{ model, baseline: '1', candidate: '2', phase: 'running', config: { alpha: 0.05 }, state: { step: 0 } },
    ...changes,
  });
  const decision = (kind: string, at = 1_700_000_000_000.4) => ({
    ...{ at, kind, step: 0, reason: `because of ${kind}\u0000`, by: 'controller', evidence: { log: 1.5 } },
  });

  describe('rollouts', () => {
    test('keep state, decisions and looks together, once', async () => {
      const { store } = subject;
      const made = await store.createRollout(rollout('rolled'), [decision('start')]);
      expect(made).toMatchObject({ phase: 'running', revision: 1, config: { alpha: 0.05 }, closedAt: undefined });
      const change = {
        ...{ phase: 'running', state: { step: 1 }, decisions: [decision('promote')], close: false },
        look: { number: 1, at: 1_700_000_001_000.7, step: 0, slis: [{ name: 'error', delta: null }] },
      };
      expect(await store.changeRollout(made.id, 1, change)).toBe(2);
      // Whoever comes second with the same look has changed nothing.
      expect(await store.changeRollout(made.id, 1, change)).toBeUndefined();
      expect((await store.getRollout(made.id)).state).toEqual({ step: 1 });
      const decisions = await store.rolloutDecisions(made.id);
      expect(decisions.map(({ number, kind, evidence }) => [number, kind, evidence])).toEqual([
        [1, 'start', { log: 1.5 }],
        [2, 'promote', { log: 1.5 }],
      ]);
      expect(await store.rolloutLooks(made.id)).toEqual([{ ...change.look, at: 1_700_000_001_001 }]);
      const events = await store.auditLog({ subject: 'models:/rolled' });
      expect(events.map(({ action }) => action).sort()).toEqual(['rollout.promote', 'rollout.start']);
    });

    test('are one of a model at a time, whoever begins them', async () => {
      const { store, place } = subject;
      await using other = await openStore(place.url, { actor: 'other' });
      const begun = await Promise.allSettled([
        store.createRollout(rollout('contended'), []),
        other.createRollout(rollout('contended'), []),
      ]);
      expect(begun.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const refused = begun.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
      expect(refused.reason).toMatchObject({ code: 'ROLLOUT_UNDER_WAY' });
      await expect(store.createRollout(rollout('contended'), [])).rejects.toMatchObject({ code: 'ROLLOUT_UNDER_WAY' });

      const [open] = await store.listRollouts({ model: 'contended', open: true });
      await store.changeRollout(open.id, 1, { phase: 'complete', state: {}, decisions: [], close: false });
      const next = await store.createRollout(rollout('contended', { candidate: '3' }), []);
      // What was only watched any more is closed by the next.
      expect((await store.getRollout(open.id)).closedAt).toBeInstanceOf(Date);
      await store.changeRollout(next.id, 1, { phase: 'aborted', state: {}, decisions: [], close: true });
      expect(await store.listRollouts({ model: 'contended', open: true })).toEqual([]);
      expect(await store.listRollouts({ model: 'contended' })).toHaveLength(2);
      await expect(store.getRollout('ro-none')).rejects.toMatchObject({ code: 'ROLLOUT_NOT_FOUND' });
    });
  });
}

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/index.js';
import type { Subject } from './subject.js';

/** The store contract's part on sweeps and their trials. */
export function sweepsContract(subject: Subject): void {
  describe('sweeps', () => {
    const begin = async (trials = 3): Promise<string> => {
      const id = randomBytes(8).toString('hex');
      await subject.store.createSweep({ id, name: 'digits', definition: { trials } });
      await subject.store.addTrials(
        id,
        Array.from({ length: trials }, (_, number) => ({ number, point: { x: number / 10 }, tag: undefined })),
      );
      return id;
    };

    test('are found by id, its beginning, or as the latest, with their trials in order', async () => {
      const id = await begin();
      expect(await subject.store.findSweep(id.slice(0, 10))).toMatchObject({ id, state: 'running', seconds: 0 });
      expect((await subject.store.findSweep('latest')).id).toBe(id);
      expect((await subject.store.listTrials(id)).map(({ number, point, state }) => [number, point, state])).toEqual([
        [0, { x: 0 }, 'queued'],
        [1, { x: 0.1 }, 'queued'],
        [2, { x: 0.2 }, 'queued'],
      ]);
      expect((await subject.store.listTrials(id, [2, 0])).map(({ number }) => number)).toEqual([0, 2]);
      expect(await subject.store.listTrials(id, [])).toEqual([]);
      await subject.store.updateSweep(id, { seconds: 2.5, state: 'finished', result: { best: Number.NaN } });
      expect(await subject.store.findSweep(id)).toMatchObject({
        state: 'finished',
        seconds: 2.5,
        result: { best: NaN },
      });
      await expect(subject.store.findSweep('nothing')).rejects.toMatchObject({ code: 'SWEEP_NOT_FOUND' });
    });

    test('are driven by one process at a time', async () => {
      const id = await begin();
      await expect(subject.store.takeSweep(id)).rejects.toMatchObject({ code: 'SWEEP_AT_WORK' });
      await subject.store.updateSweep(id, { state: 'stopped' });
      expect(await subject.store.takeSweep(id, { trials: 9 })).toMatchObject({
        state: 'running',
        definition: { trials: 9 },
      });
    });

    test('give each trial to one worker, however many ask at once', async () => {
      const id = await begin(20);
      const other = await openStore(subject.place.url);
      try {
        const numbers = Array.from({ length: 20 }, (_, number) => number);
        const claims = await Promise.all(
          [subject.store, other].flatMap((store, w) =>
            numbers.map((number) => store.claimTrial(id, number, { worker: `w${w}`, silentMs: 60_000 })),
          ),
        );
        expect(claims.filter((claim) => claim !== undefined)).toHaveLength(20);
      } finally {
        await other.close();
      }
    });

    test('take a trial from a worker that is silent; what that one writes later is not heard', async () => {
      const id = await begin();
      const options = { worker: 'a', silentMs: 60_000 };
      const first = (await subject.store.claimTrial(id, 0, options))!;
      expect(await subject.store.claimTrial(id, 0, options)).toBeUndefined();
      expect(await subject.store.trialAtWork(first, { runId: 'r', progress: { units: [1] } })).toBe(true);
      const second = (await subject.store.claimTrial(id, 0, { worker: 'b', silentMs: 0 }))!;
      expect(second).toMatchObject({ attempt: 2, runId: 'r', worker: 'b', progress: { units: [1] } });
      expect(await subject.store.trialAtWork(first)).toBe(false);
      expect(await subject.store.endTrial(first, 'complete', { losses: [1] })).toBe(false);
      expect(await subject.store.endTrial(second, 'complete', { losses: [2] })).toBe(true);
      expect(await subject.store.endTrial(second, 'failed')).toBe(false);
      // Said again because the answer was lost: it is this worker's still.
      expect(await subject.store.endTrial(second, 'complete', { losses: [2] })).toBe(true);
      expect(await subject.store.claimTrial(id, 0, { worker: 'c', silentMs: 0 })).toBeUndefined();
      expect((await subject.store.listTrials(id))[0]).toMatchObject({ state: 'complete', outcome: { losses: [2] } });
    });

    test('count the workers that fell silent at a trial, until one gets further', async () => {
      const id = await begin();
      const claim = async () => (await subject.store.claimTrial(id, 0, { worker: 'a', silentMs: 0 }))!;
      expect((await claim()).lost).toBe(0);
      expect((await claim()).lost).toBe(1);
      const third = await claim();
      expect(third.lost).toBe(2);
      await subject.store.endTrial(third, 'queued');
      expect(await subject.store.endTrial(third, 'queued')).toBe(true);
      const fourth = await claim();
      expect(fourth.lost).toBe(2);
      await subject.store.trialAtWork(fourth, { further: true });
      expect((await claim()).lost).toBe(1);
    });

    test('take a trial back that was given back, and keep what is recorded twice once', async () => {
      const id = await begin();
      const claim = (await subject.store.claimTrial(id, 1, { worker: 'a', silentMs: 0 }))!;
      await subject.store.endTrial(claim, 'queued');
      await subject.store.addTrials(id, [{ number: 1, point: { x: 9 }, tag: undefined }]);
      expect(await subject.store.claimTrial(id, 1, { worker: 'b', silentMs: 60_000 })).toMatchObject({
        attempt: 2,
        point: { x: 0.1 },
      });
    });
  });
}

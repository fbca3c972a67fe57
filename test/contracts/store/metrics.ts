import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/index.js';
import { newRun, type Subject } from './subject.js';

/** The store contract's part on metrics. */
export function metricsContract(subject: Subject): void {
  describe('metrics', () => {
    test('keep every number, by name, step and time', async () => {
      const runId = await subject.store.createRun(newRun());
      const values = [0.1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, -1.7e308, 2 ** 53];
      const points = values.map((value, step) => ({ name: 'b', step, value, timestamp: 1_700_000_000_000 + step }));
      await subject.store.logMetrics(runId, [...points].reverse());
      await subject.store.logMetrics(runId, [{ name: 'a/é %', value: -0 }]);
      expect(await subject.store.metricHistory(runId, 'b')).toEqual(points);
      const history = await subject.store.metricHistory(runId);
      expect(history.map(({ name }) => name)).toEqual(['a/é %', ...points.map(() => 'b')]);
      expect(history[0]).toMatchObject({ step: 0, value: 0 });
      expect(Math.abs((history[0]?.timestamp ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(await subject.store.metricHistory(runId, 'c')).toEqual([]);
    });

    test('have a latest value: highest step, then time', async () => {
      const runId = await subject.store.createRun(newRun());
      await subject.store.logMetrics(runId, [
        { name: 'loss', step: 2, value: Number.NaN, timestamp: 5 },
        { name: 'loss', step: 1, value: 7, timestamp: 9 },
        { name: 'loss', step: 2, value: 3, timestamp: 4 },
        { name: 'other', step: -1, value: 1, timestamp: 1 },
      ]);
      await subject.store.logMetrics(runId, [{ name: 'loss', step: 0, value: 8, timestamp: 10 }]);
      expect(await subject.store.latestMetrics(runId)).toEqual([
        { name: 'loss', step: 2, value: Number.NaN, timestamp: 5 },
        { name: 'other', step: -1, value: 1, timestamp: 1 },
      ]);
    });

    test('logged again are kept once, and several at one step are all kept', async () => {
      const runId = await subject.store.createRun(newRun());
      const points = [1, 2, Number.NaN].map((value) => ({ name: 'loss', step: 0, value, timestamp: 1 }));
      await subject.store.logMetrics(runId, [...points, ...points]);
      await subject.store.logMetrics(runId, points);
      expect((await subject.store.metricHistory(runId)).map(({ value }) => value).sort()).toEqual([1, 2, Number.NaN]);
    });

    test('are logged all or none', async () => {
      const runId = await subject.store.createRun(newRun());
      for (const bad of [{ name: '' }, { step: 0.5 }, { step: Number.NaN }, { timestamp: 2 ** 60 }, { value: '1' }]) {
        const point = { name: 'bad', value: 1, ...bad } as { name: string; value: number };
        await expect(subject.store.logMetrics(runId, [{ name: 'good', value: 1 }, point])).rejects.toMatchObject({
          exitCode: 2,
        });
      }
      expect(await subject.store.metricHistory(runId)).toEqual([]);
      await subject.store.logMetrics(runId, []);
    });

    test('any history reads back sorted, whatever the order and the batches it was logged in', async () => {
      const point = fc.record({
        name: fc.constantFrom('a', 'b', 'B', 'é'),
        step: fc.integer({ min: -3, max: 3 }),
        value: fc.oneof(fc.double(), fc.constantFrom(Number.NaN, 0, 1)),
        timestamp: fc.integer({ min: 0, max: 2 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(point, { maxLength: 12 }), { maxLength: 3 }), async (batches) => {
          const runId = await subject.store.createRun(newRun());
          for (const batch of batches) await subject.store.logMetrics(runId, batch);
          const key = (p: { name: string; step: number; value: number; timestamp: number }) =>
            `${p.name} ${p.step} ${p.timestamp} ${p.value + 0}`;
          const distinct = new Map(batches.flat().map((p) => [key(p), p]));
          const history = await subject.store.metricHistory(runId);
          expect(history.map(key).sort()).toEqual([...distinct.keys()].sort());
          const order = (p: (typeof history)[number]) => [Buffer.from(p.name).toString('hex'), p.step + 5, p.timestamp];
          const orders = history.map((p) => order(p).join(' '));
          expect(orders).toEqual([...orders].sort());
        }),
        { numRuns: 25 },
      );
    });

    test('resuming after a step removes the later points', async () => {
      const runId = await subject.store.createRun(newRun());
      await subject.store.logMetrics(
        runId,
        [0, 1, 2, 3].map((step) => ({ name: 'loss', step, value: step })),
      );
      await subject.store.logMetrics(runId, [{ name: 'late', step: 3, value: 1 }]);
      await subject.store.finishRun(runId, 'cancelled');
      await subject.store.resumeRun(runId, { afterStep: 1 });
      expect((await subject.store.metricHistory(runId)).map(({ name, step }) => [name, step])).toEqual([
        ['loss', 0],
        ['loss', 1],
      ]);
      expect(await subject.store.latestMetrics(runId)).toMatchObject([{ name: 'loss', step: 1, value: 1 }]);
      await subject.store.logMetrics(runId, [{ name: 'late', step: 2, value: 4 }]);
      expect(await subject.store.latestMetrics(runId)).toMatchObject([{ name: 'late', value: 4 }, { name: 'loss' }]);
      await subject.store.finishRun(runId, 'finished');
    });

    test('logged by two at once are all kept', async () => {
      await using other = await openStore(subject.place.url);
      const runId = await subject.store.createRun(newRun());
      await Promise.all(
        Array.from({ length: 20 }, (_, step) => {
          const names = Array.from({ length: 30 }, (_name, i) => `m${step % 3 === 0 ? 29 - i : i}`);
          const points = names.map((name) => ({ name, step, value: step }));
          return (step % 2 === 0 ? subject.store : other).logMetrics(runId, points);
        }),
      );
      expect(await subject.store.metricHistory(runId)).toHaveLength(600);
      expect(await subject.store.latestMetrics(runId)).toHaveLength(30);
    });
  });
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { histogramQuantile } from '../../../src/numeric/index.js';
import {
  addCounts,
  countsOf,
  HOUR_MS,
  MINUTE_MS,
  noCounts,
  type Observation,
  type ObservationWindow,
  openStore,
  type SlicedObservation,
  type Store,
  WindowSums,
} from '../../../src/store/index.js';
import type { Subject } from './subject.js';

const START = 1_700_000_040_000 - (1_700_000_040_000 % HOUR_MS);
let batches = 0;

function observed(model: string, id: string, change: Partial<SlicedObservation> = {}): SlicedObservation {
  return {
    ...{ id, at: START, model, version: '1', regularizerId: 'rg-1', role: 'live', status: 'ok', latencyMs: 2 },
    features: { age: 40.5, city: 'rome', none: null },
    prediction: 'yes',
    scores: [0.1, 0.9],
    flags: [],
    metadata: { device: 'phone' },
    slices: ['device=phone'],
    ...change,
  };
}

/** Writes observations with what is counted of them, as a recorder does. */
async function record(store: Store, observations: readonly SlicedObservation[]): Promise<void> {
  const sums = new WindowSums();
  for (const each of observations) sums.count(each, countsOf(each));
  await store.recordObservations({ id: `b${batches++}`, observations, windows: sums.values(), sketches: [] });
}

const whole = (windows: readonly ObservationWindow[]) =>
  windows
    .filter(({ slice }) => slice === '')
    .reduce<ReturnType<typeof noCounts>>((a, b) => addCounts(a, b), noCounts());

/** The store contract's part on what production answered. */
export function observationsContract(subject: Subject): void {
  describe('observations', () => {
    test('come back in the order of writing, whole', async () => {
      const { store } = subject;
      const failed: Partial<Observation> = { status: 'failed', fault: 'out of m\u00e9mory', scores: [] };
      const rows = [
        observed('order', 'a'),
        observed('order', 'b', { prediction: 7.25, flags: ['age: range'], features: { x: Number.NaN } }),
        observed('order', 'c', { ...failed, metadata: {}, slices: [] }),
        observed('order', 'a~2', {
          ...{ role: 'shadow', beside: 'a', version: '2', at: START + 1 },
          ...{ runMs: 0.125, memory: { process: 'p', answers: 11, bytes: 2 ** 33 + 1 } },
        }),
      ];
      await record(store, rows);
      const read = await store.observationsAfter('order', 0);
      expect(read).toEqual(rows.map((row, i) => ({ ...row, sequence: i + 1 })));
      expect(await store.observationsAfter('order', 1, 2)).toEqual(read.slice(1, 3));
      expect(await store.observationsAfter('order', 4)).toEqual([]);
      expect(await store.observationsBetween('order', { role: 'live', limit: 2 })).toEqual([read[2], read[1]]);
      expect(await store.observationsBetween('order', { from: START + 1 })).toEqual([read[3]]);
      expect(await store.observedModels()).toContain('order');
      expect(await store.observationsAfter('none such', 0)).toEqual([]);
    });

    test('add up in windows over processes and writings, and a batch tried twice counts once', async () => {
      const { store } = subject;
      await using other = await openStore(subject.place.url);
      const at = (minute: number) => START + minute * MINUTE_MS + 500;
      await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          record(i % 2 === 0 ? store : other, [
            observed('sums', `s${i}`, { at: at(i % 3), latencyMs: 10 + i }),
            observed('sums', `r${i}`, { at: at(i % 3), status: 'rejected', slices: [] }),
          ]),
        ),
      );
      const batch = { id: 'twice', observations: [observed('sums', 'once', { at: at(0) })], windows: [], sketches: [] };
      await store.recordObservations(batch);
      await other.recordObservations(batch);
      const windows = await store.windowsOf('sums');
      expect(windows.map(({ start, ms, slice, requests }) => [start, ms, slice, requests])).toEqual(
        [0, 1, 2].flatMap((minute) => [
          [START + minute * MINUTE_MS, MINUTE_MS, '', 8],
          [START + minute * MINUTE_MS, MINUTE_MS, 'device=phone', 4],
        ]),
      );
      expect(whole(windows)).toMatchObject({ requests: 24, rejected: 12, failed: 0 });
      expect(histogramQuantile(whole(windows).latency, 1)).toBeCloseTo(21, 0);
      const read = await store.observationsAfter('sums', 0);
      expect(read.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
      expect(await store.windowsOf('sums', { from: START + MINUTE_MS, to: START + 2 * MINUTE_MS, slice: '' })).toEqual([
        windows[2],
      ]);
    });

    test('take labels whenever they come, corrections and shadows too', async () => {
      const { store } = subject;
      const label = (id: string, value: string | number, knownAt = 10) => ({
        ...{ id, label: value, knownAt },
        source: 'test',
      });
      expect(await store.ingestLabels([label('late/0', 'yes')])).toMatchObject({ joined: 0, unknown: ['late/0'] });
      await record(store, [
        observed('labels', 'late/0'),
        observed('labels', 'l1'),
        observed('labels', 'l1~2', {
          role: 'shadow',
          beside: 'l1',
          version: '2',
          prediction: 'no',
          scores: [0.7, 0.3],
        }),
        observed('labels', 'twin'),
        observed('labels', 'twin'),
      ]);
      const first = await store.labelledAfter('labels', 0);
      expect(first).toMatchObject([
        { id: 'late/0', label: { value: 'yes', source: 'test', knownAt: 10, sequence: 1 } },
      ]);
      expect(
        await store.ingestLabels([
          label('l1', 'no', 20),
          label('l1', 'no', 30),
          label('twin', 'yes'),
          label('never', 'x'),
          label('late/0', 'no', 5),
        ]),
      ).toEqual({ joined: 1, corrected: 0, duplicates: 1, older: 1, unknown: ['never'], ambiguous: ['twin'] });
      const counts = async (version: string) => whole(await store.windowsOf('labels', { version }));
      expect(await counts('1')).toMatchObject({ requests: 4, labelled: 2, wrong: 1 });
      expect(await counts('2')).toMatchObject({ requests: 1, labelled: 1, wrong: 0 });
      // A shadow that answers later gets the label that is there.
      await record(store, [observed('labels', 'l1~3', { role: 'shadow', beside: 'l1', version: '3' })]);
      expect(await counts('3')).toMatchObject({ labelled: 1, wrong: 1 });
      expect(await store.ingestLabels([label('l1', 'yes', 40)])).toMatchObject({ joined: 0, corrected: 1 });
      expect(await counts('1')).toMatchObject({ labelled: 2, wrong: 0 });
      expect(await counts('2')).toMatchObject({ labelled: 1, wrong: 1 });
      expect((await counts('1')).confidence.right.reduce((a, b) => a + b)).toBe(2);
      expect((await store.labelHistory('l1')).map((each) => [each.label, each.knownAt])).toEqual([
        ['no', 20],
        ['yes', 40],
      ]);
      const again = await store.labelledAfter('labels', first.length);
      expect(again.map(({ id, label: given }) => [id, given?.value])).toEqual([
        ['l1', 'yes'],
        ['l1~2', 'yes'],
        ['l1~3', 'yes'],
      ]);
      expect(await store.observationsBetween('labels', { labelled: false })).toHaveLength(2);
      await expect(store.ingestLabels([label('', 'x')])).rejects.toMatchObject({ code: 'LABEL_INVALID', exitCode: 2 });
    });

    test('of numbers keep the sums of their errors', async () => {
      const { store } = subject;
      await record(
        store,
        [1, 2].map((prediction) => {
          const { scores: _, ...row } = observed('numbers', `n${prediction}`, { prediction });
          return row;
        }),
      );
      await store.ingestLabels([1, 2].map((n) => ({ id: `n${n}`, label: 2.5, knownAt: 1, source: '' })));
      expect(whole(await store.windowsOf('numbers'))).toMatchObject({
        labelled: 2,
        wrong: 0,
        errors: { signed: -2, absolute: 2, squared: 2.5 },
      });
    });

    test('and labels that are written at once by several processes are all joined, once', async () => {
      const { store } = subject;
      await using other = await openStore(subject.place.url);
      const ids = Array.from({ length: 24 }, (_, i) => `m${i}`);
      await Promise.all(
        ids.flatMap((id, i) => [
          record(i % 2 === 0 ? store : other, [observed('meeting', id)]),
          (i % 3 === 0 ? store : other).ingestLabels([
            { id, label: i % 4 === 0 ? 'no' : 'yes', knownAt: i, source: '' },
          ]),
        ]),
      );
      expect(whole(await store.windowsOf('meeting'))).toMatchObject({ requests: 24, labelled: 24, wrong: 6 });
      const labelled = await store.labelledAfter('meeting', 0);
      expect(labelled.map(({ label }) => label?.sequence)).toEqual(ids.map((_, i) => i + 1));
    });

    test('sketches are merged with what is there', async () => {
      const { store } = subject;
      const key = { model: 'sketches', version: '1', role: 'live', column: 'age', start: START, ms: HOUR_MS } as const;
      const add = (value: number) => ({
        ...key,
        merge: (present: Uint8Array | undefined) => Uint8Array.of(...(present ?? []), value),
      });
      for (const value of [1, 2]) {
        await store.recordObservations({ id: `k${value}`, observations: [], windows: [], sketches: [add(value)] });
      }
      const [{ content, ...read }, ...more] = await store.sketchesOf('sketches');
      expect([read, [...content], more]).toEqual([key, [1, 2], []]);
    });

    test('are kept as long and as many as the policy says; windows add up to the same', async () => {
      await using store = await openStore((await subject.createPlace()).url);
      const hours = [0, 1, 30];
      await record(
        store,
        hours.flatMap((hour) =>
          [0, 1].map((i) => observed('kept', `p${hour}-${i}`, { at: START + hour * HOUR_MS + i * MINUTE_MS })),
        ),
      );
      const before = whole(await store.windowsOf('kept'));
      const kept = {
        rows: 5,
        rowsMs: 30 * HOUR_MS - MINUTE_MS / 2,
        minutesMs: 10 * HOUR_MS,
        windowsMs: 1e12,
        sketchesMs: 1e12,
      };
      const pruned = await store.pruneObservations(kept, START + 31 * HOUR_MS);
      expect(pruned).toMatchObject({ rows: 3, minutes: 8, windows: 0 });
      expect((await store.observationsAfter('kept', 0)).map(({ id }) => id)).toEqual(['p1-1', 'p30-0', 'p30-1']);
      const windows = await store.windowsOf('kept', { slice: '' });
      expect(windows.map(({ start, ms }) => [(start - START) / HOUR_MS, ms])).toEqual([
        [0, HOUR_MS],
        [1, HOUR_MS],
        [30, MINUTE_MS],
        [30 + 1 / 60, MINUTE_MS],
      ]);
      expect(whole(windows)).toEqual(before);
      // A label of a row whose minute became part of an hour.
      await store.ingestLabels([{ id: 'p1-1', label: 'no', knownAt: 1, source: '' }]);
      expect((await store.windowsOf('kept', { slice: '' }))[1]).toMatchObject({ ms: HOUR_MS, labelled: 1, wrong: 1 });
      await store.pruneObservations({ ...kept, windowsMs: HOUR_MS }, START + 31 * HOUR_MS);
      expect(await store.windowsOf('kept', { slice: '' })).toHaveLength(2);
    });

    test('of any texts come back as they were written', async () => {
      const { store } = subject;
      const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((given) => given.replaceAll('\0', ''));
      await fc.assert(
        fc.asyncProperty(
          fc.dictionary(text, fc.oneof(text, fc.double(), fc.constant(null)), { noNullPrototype: true }),
          async (features) => {
            const own = Object.fromEntries(Object.entries(features).filter(([name]) => name !== '$number'));
            await record(store, [observed('texts', `t${batches}`, { features: own })]);
            const read = (await store.observationsAfter('texts', 0, 100_000)).at(-1);
            expect(JSON.stringify(read?.features)).toBe(JSON.stringify(own));
          },
        ),
        { numRuns: 20 },
      );
    });
  });
}

import type { Transaction } from 'kysely';
import { batches } from '../batches.js';
import { decodeJson, encodeJson } from '../json.js';
import type { StoreSchema } from '../schema.js';
import { HOUR_MS, MINUTE_MS, WindowSums } from './counts.js';
import type { ObservationWindowTable } from './schema.js';
import type { ObservationWindow, WindowCounts } from './types.js';

/** Adds windows of one model to those that are there; the transaction has the model's turn. */
export async function mergeWindows(
  transaction: Transaction<StoreSchema>,
  model: string,
  windows: readonly ObservationWindow[],
  rolledUntil: number,
): Promise<void> {
  if (windows.length === 0) return;
  const sums = new WindowSums();
  for (const window of windows) sums.add(window.start < rolledUntil ? ofHour(window) : window);
  const starts = [...new Set(sums.values().map(({ start }) => start))];
  for (const some of batches(starts)) {
    const rows = await transaction
      .selectFrom('observation_window')
      .selectAll()
      .where('model', '=', model)
      .where('start', 'in', some)
      .execute();
    for (const window of rows.map(toWindow)) if (sums.has(window)) sums.add(window);
  }
  await putWindows(transaction, sums.values());
}

/** The hour before which windows of a minute are added up, where those before `rolledUntil` were. */
export function rolledBefore(before: number, rolledUntil: number): number {
  return Math.max(rolledUntil, Math.floor(before / HOUR_MS) * HOUR_MS);
}

/** Adds up a model's windows of a minute before a time to windows of an hour; the transaction has the model's turn. */
export async function rollWindows(
  transaction: Transaction<StoreSchema>,
  model: string,
  before: number,
  rolledUntil: number,
): Promise<number> {
  const until = rolledBefore(before, rolledUntil);
  if (until <= rolledUntil) return 0;
  const rows = await transaction
    .deleteFrom('observation_window')
    .where('model', '=', model)
    .where('start', '<', until)
    .where('ms', '=', MINUTE_MS)
    .returningAll()
    .execute();
  await transaction.updateTable('observed_model').set({ rolled_until: until }).where('model', '=', model).execute();
  await mergeWindows(transaction, model, rows.map(toWindow), until);
  return rows.length;
}

async function putWindows(transaction: Transaction<StoreSchema>, windows: readonly ObservationWindow[]): Promise<void> {
  for (const some of batches(windows)) {
    await transaction
      .insertInto('observation_window')
      .values(some.map(toRow))
      .onConflict((conflict) =>
        conflict
          .columns(['model', 'start', 'ms', 'version', 'role', 'slice'])
          .doUpdateSet(({ ref }) => ({ counts: ref('excluded.counts') })),
      )
      .execute();
  }
}

function ofHour(window: ObservationWindow): ObservationWindow {
  return { ...window, start: Math.floor(window.start / HOUR_MS) * HOUR_MS, ms: HOUR_MS };
}

function toRow(window: ObservationWindow): ObservationWindowTable {
  const { model, version, regularizerId, role, slice, start, ms, ...counts } = window;
  return {
    ...{ model, version, role, slice, start, ms },
    regularizer_id: regularizerId,
    counts: encodeJson(counts, 'window'),
  };
}

export function toWindow({ regularizer_id, counts, ...row }: ObservationWindowTable): ObservationWindow {
  return { ...row, regularizerId: regularizer_id, ...(decodeJson(counts) as WindowCounts) };
}

import { createHash } from 'node:crypto';
import type { Insertable, Kysely, Selectable } from 'kysely';
import type { HoldoutLock } from '../data/index.js';
import { BallastError } from '../errors.js';
import type { StoreContext } from './context.js';
import type { HoldoutReadTable, HoldoutTable, StoreSchema } from './schema.js';
import { checkName, storableText } from './text.js';
import type { HoldoutStore, StoredHoldoutRead } from './types.js';

const BYTES_PER_HASH = 8;

/** The {@link HoldoutStore} part of a store. */
export function holdoutStore({ db, actor }: StoreContext): HoldoutStore {
  const store: HoldoutStore = {
    async readHoldout(datasetName) {
      const row = await selectLock(db, datasetName);
      return row === undefined ? undefined : toLock(row);
    },

    async writeHoldout(datasetName, lock, { reason, replaces }) {
      checkName(datasetName, 'data set name');
      checkAscending(lock.hashes, datasetName);
      const hashes = encodeHashes(lock.hashes);
      const values = { hashes, settings: storableText(lock.settings), generation: lock.generation };
      await db.transaction().execute(async (transaction) => {
        const row = await selectLock(transaction, datasetName);
        const before = row === undefined ? undefined : toLock(row);
        // Of two that draw the holdout of the same data at once, both draw the same one: nothing changed for the second.
        if (before !== undefined && sameLock(before, lock)) return;
        if (replaces !== undefined && !sameLock(replaces.lock, before)) throw holdoutChanged(datasetName);
        const version = (row?.version ?? 0) + 1;
        const written = await putLock(transaction, { dataset_name: datasetName, version, ...values });
        if (!written) {
          const now = await selectLock(transaction, datasetName);
          if (now !== undefined && sameLock(toLock(now), lock)) return;
          throw holdoutChanged(datasetName);
        }
        const kept = countCommon(before?.hashes ?? new BigUint64Array(0), lock.hashes);
        await transaction
          .insertInto('holdout_change')
          .values({
            dataset_name: datasetName,
            version,
            generation: lock.generation,
            rows: lock.hashes.length,
            added: lock.hashes.length - kept,
            removed: (before?.hashes.length ?? 0) - kept,
            content: createHash('sha256').update(hashes).digest('hex'),
            reason: storableText(reason),
            actor,
            created_at: Date.now(),
          })
          .execute();
      });
    },

    async holdoutChanges(datasetName) {
      const rows = await db
        .selectFrom('holdout_change')
        .selectAll()
        .where('dataset_name', '=', datasetName)
        .orderBy('version')
        .execute();
      return rows.map((row) => ({
        datasetName,
        version: row.version,
        generation: row.generation,
        rows: row.rows,
        added: row.added,
        removed: row.removed,
        reason: row.reason,
        actor: row.actor,
        at: new Date(row.created_at),
      }));
    },

    async countHoldoutRead({ datasetName, rowSet, reader, command }) {
      checkName(datasetName, 'data set name');
      checkName(rowSet, 'row set');
      return db.transaction().execute(async (transaction) => {
        const { reads } = await transaction
          .insertInto('holdout_row_set')
          .values({ dataset_name: datasetName, row_set: rowSet, reads: 1 })
          .onConflict((conflict) =>
            conflict
              .columns(['dataset_name', 'row_set'])
              .doUpdateSet((builder) => ({ reads: builder('holdout_row_set.reads', '+', 1) })),
          )
          .returning('reads')
          .executeTakeFirstOrThrow();
        await transaction
          .insertInto('holdout_read')
          .values({
            dataset_name: datasetName,
            row_set: rowSet,
            number: reads,
            reader: storableText(reader),
            command: storableText(command),
            actor,
            created_at: Date.now(),
          })
          .execute();
        return reads;
      });
    },

    async holdoutReads({ datasetName, rowSet, reader, command } = {}) {
      let query = db.selectFrom('holdout_read').selectAll();
      if (datasetName !== undefined) query = query.where('dataset_name', '=', datasetName);
      if (rowSet !== undefined) query = query.where('row_set', '=', rowSet);
      if (reader !== undefined) query = query.where('reader', '=', reader);
      if (command !== undefined) query = query.where('command', '=', command);
      const rows = await query
        .orderBy('created_at')
        .orderBy('dataset_name')
        .orderBy('row_set')
        .orderBy('number')
        .execute();
      return rows.map(toRead);
    },

    holdoutRegister(command) {
      const seen = new Map<string, HoldoutLock | undefined>();
      return {
        async read(name) {
          const lock = await store.readHoldout(name);
          seen.set(name, lock);
          return lock;
        },
        async write(name, lock) {
          const replaces = seen.has(name) ? { replaces: { lock: seen.get(name) } } : {};
          await store.writeHoldout(name, lock, { reason: command, ...replaces });
          seen.set(name, lock);
        },
        countRead: (name, rowSet, reader) => store.countHoldoutRead({ datasetName: name, rowSet, reader, command }),
      };
    },
  };
  return store;
}

function selectLock(db: Kysely<StoreSchema>, datasetName: string): Promise<Selectable<HoldoutTable> | undefined> {
  return db.selectFrom('holdout').selectAll().where('dataset_name', '=', datasetName).executeTakeFirst();
}

/** Writes a lock unless another process has written one of the same version, and says whether it did. */
async function putLock(db: Kysely<StoreSchema>, row: Insertable<HoldoutTable>): Promise<boolean> {
  if (row.version === 1) {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('holdout')
      .values(row)
      .onConflict((conflict) => conflict.column('dataset_name').doNothing())
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows === 1n;
  }
  const { numUpdatedRows } = await db
    .updateTable('holdout')
    .set(row)
    .where('dataset_name', '=', row.dataset_name)
    .where('version', '=', row.version - 1)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

function toLock(row: Selectable<HoldoutTable>): HoldoutLock {
  return { hashes: decodeHashes(row.hashes, row.dataset_name), settings: row.settings, generation: row.generation };
}

function sameLock(a: HoldoutLock | undefined, b: HoldoutLock | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.settings === b.settings && a.generation === b.generation && sameHashes(a.hashes, b.hashes);
}

function toRead(row: Selectable<HoldoutReadTable>): StoredHoldoutRead {
  return {
    datasetName: row.dataset_name,
    rowSet: row.row_set,
    number: row.number,
    reader: row.reader,
    command: row.command,
    actor: row.actor,
    at: new Date(row.created_at),
  };
}

function checkAscending(hashes: BigUint64Array, datasetName: string): void {
  for (let i = 1; i < hashes.length; i++) {
    if (hashes[i - 1]! < hashes[i]!) continue;
    throw new BallastError('The hashes of holdout rows must be ascending and each be there once', {
      code: 'HOLDOUT_INVALID',
      place: `${datasetName} hash ${i}`,
      value: String(hashes[i]),
    });
  }
}

function encodeHashes(hashes: BigUint64Array): Uint8Array {
  const bytes = new Uint8Array(hashes.length * BYTES_PER_HASH);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < hashes.length; i++) view.setBigUint64(i * BYTES_PER_HASH, hashes[i]!, true);
  return bytes;
}

/** SQLite's binding gives an ArrayBuffer, PostgreSQL's a view at any offset. */
function decodeHashes(stored: Uint8Array | ArrayBuffer, datasetName: string): BigUint64Array {
  const bytes = stored instanceof ArrayBuffer ? new Uint8Array(stored) : stored;
  if (bytes.byteLength % BYTES_PER_HASH !== 0) {
    throw new BallastError('The holdout of a data set is damaged in the store', {
      code: 'STORE_CORRUPT',
      kind: 'environment',
      place: datasetName,
      remedy: 'Restore the store from a backup.',
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return BigUint64Array.from({ length: bytes.byteLength / BYTES_PER_HASH }, (_, i) =>
    view.getBigUint64(i * BYTES_PER_HASH, true),
  );
}

function sameHashes(a: BigUint64Array, b: BigUint64Array): boolean {
  return a.length === b.length && a.every((hash, i) => hash === b[i]);
}

/** How many values two ascending arrays share. */
function countCommon(a: BigUint64Array, b: BigUint64Array): number {
  let [i, j, common] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const [left, right] = [a[i]!, b[j]!];
    if (left === right) common += 1;
    if (left <= right) i += 1;
    if (right <= left) j += 1;
  }
  return common;
}

function holdoutChanged(datasetName: string): BallastError {
  return new BallastError('Another process changed the holdout of this data set meanwhile', {
    code: 'HOLDOUT_CHANGED',
    kind: 'conflict',
    place: datasetName,
    remedy: 'Run the command again: it will see the new holdout.',
  });
}

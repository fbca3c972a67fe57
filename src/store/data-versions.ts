import type { Selectable } from 'kysely';
import { BallastError } from '../errors.js';
import type { StoreContext } from './context.js';
import { decodeJson, encodeJson } from './json.js';
import type { DataVersionTable } from './schema.js';
import { checkName, storableText } from './text.js';
import type { DataVersionStore, StoredDataVersion } from './types.js';

/** The {@link DataVersionStore} part of a store. */
export function dataVersionStore({ db }: StoreContext): DataVersionStore {
  return {
    async putDataVersion({ name, version, rows, schema, source, splits }) {
      const values = {
        rows: count(rows, `${name}@${version}`),
        schema: encodeJson(schema, 'schema'),
        source: storableText(source),
        splits: encodeJson(splits, 'splits'),
      };
      await db
        .insertInto('data_version')
        .values({
          name: checkName(name, 'data set name'),
          version: checkName(version, 'data version'),
          ...values,
          created_at: Date.now(),
        })
        .onConflict((conflict) => conflict.columns(['name', 'version']).doUpdateSet(values))
        .execute();
    },

    async getDataVersion(name, version) {
      const row = await db
        .selectFrom('data_version')
        .selectAll()
        .where('name', '=', name)
        .where('version', '=', version)
        .executeTakeFirst();
      if (row !== undefined) return toVersion(row);
      throw new BallastError('There is no such data version in this store', {
        code: 'DATA_VERSION_NOT_FOUND',
        kind: 'not-found',
        value: `${name}@${version}`,
        remedy: 'List the versions of the data set to see what there is.',
      });
    },

    async listDataVersions(name) {
      let query = db.selectFrom('data_version').selectAll().orderBy('created_at', 'desc').orderBy('version');
      if (name !== undefined) query = query.where('name', '=', name);
      return (await query.execute()).map(toVersion);
    },
  };
}

function count(rows: number, place: string): number {
  if (Number.isSafeInteger(rows) && rows >= 0) return rows;
  throw new BallastError('The number of rows must be an integer from 0', {
    code: 'DATA_VERSION_INVALID',
    place,
    value: rows,
  });
}

function toVersion(row: Selectable<DataVersionTable>): StoredDataVersion {
  return {
    name: row.name,
    version: row.version,
    rows: row.rows,
    schema: decodeJson(row.schema),
    source: row.source,
    // Written by putDataVersion from a value of this type.
    splits: decodeJson(row.splits) as Record<string, number>,
    createdAt: new Date(row.created_at),
  };
}

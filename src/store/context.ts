import type { Kysely } from 'kysely';
import type { ArtifactFolder } from './artifact-folder.js';
import type { DatabaseKind } from './migrations/dialect-types.js';
import type { StoreSchema } from './schema.js';

/** What every part of a store works with. */
export interface StoreContext {
  readonly kind: DatabaseKind;
  /**
   * The database. Several statements that belong together run in `db.transaction().execute(...)`, and there only on the
   * transaction: SQLite has one connection, so that waiting for it from inside its own transaction would never end.
   */
  readonly db: Kysely<StoreSchema>;
  readonly folder: ArtifactFolder;
  /** Who acts, for the records. */
  readonly actor: string;
}

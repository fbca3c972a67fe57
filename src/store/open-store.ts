import { hostname, userInfo } from 'node:os';
import { Kysely } from 'kysely';
import { makeFolder } from '../graph/format/make-folder.js';
import { accessStore } from './access/access-store.js';
import { alertStore } from './alerts/alerts.js';
import { artifactFolder } from './artifact-folder.js';
import { artifactStore } from './artifacts.js';
import { auditStore } from './audit.js';
import type { StoreContext } from './context.js';
import { dataVersionStore } from './data-versions.js';
import { evaluationStore } from './evaluations.js';
import { experimentStore } from './experiments.js';
import { explainFileFault } from './file-faults.js';
import { heartbeats } from './heartbeats.js';
import { holdoutStore } from './holdout.js';
import { lineageStore } from './lineage.js';
import { metricStore } from './metrics.js';
import { migrate } from './migrate.js';
import { refuseNetworkFileSystem } from './network-file-system.js';
import { labelWorkStore } from './observations/label-work.js';
import { observationStore } from './observations/observations.js';
import { parameterStore } from './parameters.js';
import { registryStore } from './registry/models.js';
import { retentionStore } from './retention/retention.js';
import { rolloutStore } from './rollouts/rollouts.js';
import { runStore } from './runs.js';

import type { StoreSchema } from './schema.js';
import { runSearch } from './search/run-search.js';
import { sweepStore } from './sweeps.js';
import { trackedExperiments } from './tracking/experiments.js';
import { loggedModelStore } from './tracking/logged-models.js';
import { remoteRunStore } from './tracking/remote-runs.js';
import { trafficStore } from './traffic/traffic.js';
import type { Store } from './types.js';
import { parseStoreUrl, type StoreLocation } from './url.js';

/** Actors whose store is kept: a server asks for it with each request. */
const MOST_ACTORS = 100;

export interface StoreOptions {
  /** Who acts, for audit events and holdout reads; default `user@host` of this process. */
  readonly actor?: string;
  /** How long to wait for other processes' writes to a SQLite store, in ms; default 30 000. */
  readonly busyTimeoutMs?: number;
  /** Run a SQLite store's statements in a thread of their own, as a server does: none then blocks the event loop. */
  readonly thread?: boolean;
}

/**
 * Opens a store, creating it when there is none.
 *
 * - A path or `file:` URL is a folder with a SQLite database and the artifacts. Several processes may use it at once.
 * - `postgres://user@host/database?artifacts=/path` keeps the same records in PostgreSQL; the artifacts are in the named
 *   folder, or in the one the environment variable BALLAST_ARTIFACTS names.
 *
 * Whatever is written is complete or absent: a process killed at any moment leaves a store that opens.
 *
 * @throws BallastError `STORE_URL_INVALID`, `STORE_ARTIFACTS_MISSING`, `STORE_ON_NETWORK`, `STORE_NEWER`,
 * `STORE_CORRUPT`, `STORE_CANNOT_OPEN`, `STORE_NOT_WRITABLE`, `STORE_FULL`, `STORE_BUSY`, `STORE_UNREACHABLE`,
 * `STORE_ACCESS_REFUSED`, `STORE_DATABASE_MISSING`
 */
export async function openStore(url = './.ballast', options: StoreOptions = {}): Promise<Store> {
  const location = parseStoreUrl(url);
  const place = location.kind === 'sqlite' ? location.folder : location.shown;
  const db = await openDatabase(location, options);
  try {
    await migrate(db, location.kind, place);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  const context: StoreContext = {
    kind: location.kind,
    db,
    folder: artifactFolder(location.artifacts),
    actor: options.actor ?? thisUser(),
  };
  const beats = heartbeats(db);
  const { stop: stopSweeps, ...sweeps } = sweepStore(context);
  const close = async () => {
    await stopSweeps();
    await beats.stop();
    await db.destroy();
  };
  const ofActors = new Map<string, Store>();
  const as = (actor: string): Store => {
    const known = ofActors.get(actor);
    if (known !== undefined) return known;
    if (ofActors.size === MOST_ACTORS) ofActors.clear();
    const store = assemble({ ...context, actor });
    ofActors.set(actor, store);
    return store;
  };
  const assemble = (own: StoreContext): Store => ({
    location: place,
    ...experimentStore(own),
    ...runStore(own, beats),
    ...metricStore(own),
    ...parameterStore(own),
    ...artifactStore(own),
    ...dataVersionStore(own),
    ...lineageStore(own),
    ...holdoutStore(own),
    ...evaluationStore(own),
    ...auditStore(own),
    ...sweeps,
    ...retentionStore(own),
    ...trackedExperiments(own),
    ...remoteRunStore(own),
    ...loggedModelStore(own),
    ...runSearch(own),
    ...registryStore(own),
    ...accessStore(own),
    ...observationStore(own),
    ...labelWorkStore(own.db),
    ...alertStore(own),
    ...trafficStore(own),
    ...rolloutStore(own),
    as,
    close,
    [Symbol.asyncDispose]: close,
  });
  return assemble(context);
}

/** Loads the client library of the one database that is used. */
async function openDatabase(
  location: StoreLocation,
  { busyTimeoutMs = 30_000, thread = false }: StoreOptions,
): Promise<Kysely<StoreSchema>> {
  if (location.kind === 'postgres') {
    const { postgresDialect } = await import('./postgres-dialect.js');
    return new Kysely({ dialect: postgresDialect(location.connectionString, location.shown) });
  }
  refuseNetworkFileSystem(location.folder);
  try {
    await makeFolder(location.folder);
  } catch (error) {
    throw explainFileFault(error, location.folder);
  }
  const { sqliteDialect } = await import('./sqlite-dialect.js');
  return new Kysely({ dialect: sqliteDialect(location.file, busyTimeoutMs, { thread }) });
}

function thisUser(): string {
  let user: string;
  try {
    user = userInfo().username;
  } catch {
    // A process whose user id has no name, as in many containers.
    user = `uid ${process.getuid?.() ?? 'unknown'}`;
  }
  return `${user}@${hostname()}`;
}

import type { NewRun, Store } from '../../../src/store/index.js';

/** An empty place for a store, and a way past the store to what lies under it. */
export interface StorePlace {
  readonly url: string;
  /** The artifact folder. */
  readonly artifacts: string;
  /** Runs SQL on the database itself. */
  execute(sql: string): Promise<void>;
}

/** What the parts of the contract are tried on; filled before the first test. */
export interface Subject {
  /** Makes another empty place on the same kind of database. */
  createPlace: () => Promise<StorePlace>;
  place: StorePlace;
  /** Open on `place`, as the actor `tester`. */
  store: Store;
  /** A folder for files of the tests' own. */
  scratch: string;
}

/** A run's record with what a test does not care about filled in. */
export function newRun(run: Partial<NewRun> = {}): NewRun {
  return {
    name: 'run',
    kind: 'train',
    spec: {},
    seed: 1,
    datasetName: null,
    dataVersion: null,
    regularizerId: null,
    manifest: {},
    environment: {},
    ...run,
  };
}

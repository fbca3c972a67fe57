import type { KeptObservations, PrunedObservations } from '../observations/types.js';

/** How long, and how much of, what a store collects is kept. Null: for ever, or any amount. */
export interface RetentionPolicy extends KeptObservations {
  /** Runs that nothing needs, ms after their end. */
  readonly runsMs: number | null;
  /** Files of runs that nothing needs, ms after the end of the run; what was measured of the run stays. */
  readonly artifactsMs: number | null;
  /** Bytes of all files; beyond, those of the oldest runs that nothing needs are removed. */
  readonly artifactBytes: number | null;
  /** For so long a run that was deleted, by hand or by age, can be restored, ms. */
  readonly deletedMs: number;
}

/** What {@link RetentionStore.applyRetention} removed, or would remove. */
export interface Expired {
  readonly observations: PrunedObservations;
  /** Resolved alerts, looks of closed rollouts, counts of applications, samples and reports older than windows are kept. */
  readonly records: number;
  /** Runs that are deleted from now on; they can be restored for a while. */
  readonly runs: number;
  /** Files taken off runs. */
  readonly artifacts: number;
  /** Runs that were deleted long enough ago and are gone for good. */
  readonly removedRuns: number;
  /** Contents that nothing names any more. */
  readonly contents: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Bytes of the database that went back to the disk (of PostgreSQL: 0, it uses them again itself). */
  readonly databaseBytes: number;
  /** What is kept although it is older: runs that something needs, and since when observations of models are needed. */
  readonly held: {
    readonly runs: number;
    readonly models: readonly { readonly model: string; readonly since: Date; readonly reason: string }[];
  };
}

/** What {@link RetentionStore.collectGarbage} removed. */
export interface Collected {
  readonly runs: number;
  /** Contents no artifact named any more. */
  readonly contents: number;
  /** Files a killed process left half written. */
  readonly temporaryFiles: number;
  /** Bytes of the files removed. */
  readonly bytes: number;
}

/** One thing {@link RetentionStore.verify} found wrong. */
export interface StoreProblem {
  readonly kind: 'database' | 'missing' | 'corrupt';
  /** A content's SHA-256, or the part of the database. */
  readonly subject: string;
  readonly message: string;
}

export interface RetentionStore {
  /** Hides a run; {@link RetentionStore.collectGarbage} removes it for good. @throws BallastError `RUN_AT_WORK` */
  deleteRun(runId: string): Promise<void>;
  /** Undoes {@link RetentionStore.deleteRun}. */
  restoreRun(runId: string): Promise<void>;
  /**
   * Removes deleted runs with all they logged, and contents that no artifact names. Safe while others write. Holdout
   * reads, lineage and audit events stay, and so does a deleted run that a registered version came from.
   *
   * @param options.deletedForSeconds only runs that were deleted at least so long ago; default 0
   */
  collectGarbage(options?: { readonly deletedForSeconds?: number }): Promise<Collected>;
  /** Checks the database's own structure and every content against its hash. */
  verify(): Promise<StoreProblem[]>;
  /** The policy that was declared, or the default one. */
  retentionPolicy(): Promise<RetentionPolicy>;
  /** Declares parts of the policy; the others stay as they are. Audited. */
  declareRetention(changes: Partial<RetentionPolicy>): Promise<RetentionPolicy>;
  /**
   * Removes what is older, or more, than the policy keeps, and gives the space back. What is needed stays, whatever its age: runs that a
   * version which is not archived, an alias, a share of traffic, a rollout or a firing alert comes from, with all they came from themselves and
   * their baselines; runs at work, of sweeps under way, or with the tag `ballast.keep`; observations since a rollout under way
   * began, and since three days before a firing alert did. In short transactions: killed at any moment, it leaves a store that opens.
   *
   * @param options.dryRun only tell what would be removed
   * @param options.policy instead of the declared one
   */
  applyRetention(options?: {
    readonly policy?: RetentionPolicy;
    readonly now?: number;
    readonly dryRun?: boolean;
  }): Promise<Expired>;
}

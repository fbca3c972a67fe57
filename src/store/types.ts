import type { HoldoutLock, HoldoutRegister } from '../data/index.js';
import type { AccessStore } from './access/types.js';
import type { AlertStore } from './alerts/types.js';
import type { LabelWorkStore } from './observations/label-work.js';
import type { ObservationStore } from './observations/types.js';
import type { RegistryStore } from './registry/types.js';
import type { RetentionStore } from './retention/types.js';
import type { RolloutStore } from './rollouts/types.js';
import type { FinalStatus, RunStatus } from './run-status.js';
import type { SweepStore } from './sweep-types.js';
import type { TrackingStore } from './tracking/types.js';
import type { TrafficStore } from './traffic/types.js';

/** What a run is compared as: the reference without regularization, the model the spec asks for, or it without one part. */
export type RunRole = 'baseline' | 'model' | 'ablation';

/** What a new run records. Everything that decides its result must be given; null says "there is none". */
export interface NewRun {
  /**
   * 32 hexadecimal digits, for who may have to say it twice because an answer was lost: of one id there is one run. A new one
   * unless given.
   */
  readonly id?: string;
  /** Created when it does not exist. Default `default`. */
  readonly experiment?: string;
  readonly name: string;
  /** What the run does: `train`, `evaluate`, `trial`, `path`, ... */
  readonly kind: string;
  readonly role?: RunRole;
  /** The resolved spec, every default written back. JSON. */
  readonly spec: unknown;
  readonly seed: number | null;
  readonly datasetName: string | null;
  readonly dataVersion: string | null;
  readonly regularizerId: string | null;
  /** The effective strengths. JSON. */
  readonly manifest: unknown;
  /** Processor, runtime, backend, threads, versions. JSON. */
  readonly environment: unknown;
  readonly codeCommit?: string;
  /** The run this one continues or starts from. */
  readonly parentRunId?: string;
  /** Joins the runs of one command, such as baseline and model of one `train`. */
  readonly groupId?: string;
  /**
   * Whether the run lives in this process (the default): its heartbeat is then sent until it is finished or the store
   * is closed, and it is shown as interrupted when the process dies. False for a run logged by a remote client.
   */
  readonly attached?: boolean;
}

/** A run without its large documents, as lists show it. */
export interface RunSummary {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly experiment: string;
  readonly name: string;
  readonly kind: string;
  readonly role: RunRole | undefined;
  readonly status: RunStatus;
  /** 1, and one more for each time the run was resumed. */
  readonly attempt: number;
  readonly seed: number | undefined;
  readonly datasetName: string | undefined;
  readonly dataVersion: string | undefined;
  readonly regularizerId: string | undefined;
  readonly codeCommit: string | undefined;
  readonly parentRunId: string | undefined;
  readonly groupId: string | undefined;
  readonly startedAt: Date;
  readonly endedAt: Date | undefined;
  /** When the run's process last said it was at work. */
  readonly heartbeatAt: Date;
  /** Why the run failed or diverged. */
  readonly error: string | undefined;
  readonly deletedAt: Date | undefined;
}

/** A run with everything needed to train it again. */
export interface Run extends RunSummary {
  readonly spec: unknown;
  readonly manifest: unknown;
  readonly environment: unknown;
}

/** Which runs to list; every condition must hold. */
export interface RunFilter {
  readonly experiment?: string;
  readonly status?: RunStatus | readonly RunStatus[];
  readonly kind?: string;
  readonly role?: RunRole;
  readonly groupId?: string;
  readonly parentRunId?: string;
  /** Only runs created before this run; with the default order, the last run of a page asks for the next. */
  readonly before?: string;
  /** Only runs created after this run. */
  readonly after?: string;
  /** By time of creation; default `newest` first. */
  readonly order?: 'newest' | 'oldest';
  /** At most so many; default 100. */
  readonly limit?: number;
  /** Also deleted runs; default false. */
  readonly includeDeleted?: boolean;
}

export interface Experiment {
  readonly id: number;
  readonly name: string;
  readonly createdAt: Date;
  /** Runs that are not deleted. */
  readonly runs: number;
}

export interface ExperimentStore {
  /** The experiment of this name, created when there is none. */
  ensureExperiment(name: string): Promise<Experiment>;
  /** Every experiment, by name. */
  listExperiments(): Promise<Experiment[]>;
}

/** Trainings that ended in a minute. */
export interface TrainingOutcome {
  readonly experiment: string;
  /** The minute, ms since 1970. */
  readonly at: number;
  readonly finished: number;
  /** Failed, diverged, or interrupted and not resumed. */
  readonly failed: number;
}

export interface RunStore {
  /** Records a new run as running and returns its id, 32 hexadecimal digits. */
  createRun(run: NewRun): Promise<string>;
  /**
   * Ends a run. Giving a run the status it already has changes nothing.
   *
   * @throws BallastError `RUN_ENDED` when it has another final status, `RUN_TAKEN_OVER` when another process resumed it,
   * `RUN_NOT_FOUND`
   */
  finishRun(runId: string, status: FinalStatus, options?: { readonly error?: string }): Promise<void>;
  /**
   * Continues an interrupted, cancelled, failed or diverged run in this process.
   *
   * @param options.afterStep removes every metric point of a later step, so that steps done again are logged once
   * @throws BallastError `RUN_AT_WORK`, `RUN_FINISHED`, `RUN_TAKEN_OVER`, `RUN_DELETED`, `RUN_NOT_FOUND`
   */
  resumeRun(runId: string, options?: { readonly afterStep?: number }): Promise<Run>;
  /** Says that a run of this process is at work. The store does so by itself every 15 seconds. */
  heartbeat(runId: string): Promise<void>;
  /** A run by its full id, a deleted one too. @throws BallastError `RUN_NOT_FOUND` */
  getRun(runId: string): Promise<Run>;
  /**
   * A run by `runs:/ID`, its id, or an unambiguous beginning of its id of at least 4 digits; deleted runs only by full id.
   *
   * @throws BallastError `RUN_NOT_FOUND`, `RUN_AMBIGUOUS`, `RUN_ID_INVALID`
   */
  findRun(reference: string): Promise<Run>;
  listRuns(filter?: RunFilter): Promise<RunSummary[]>;
  /**
   * What became of trainings that ended in [from, to), deleted ones included; of one experiment, or of all. Trials of sweeps and
   * what somebody cancelled do not count.
   */
  trainingOutcomes(range: {
    readonly from: number;
    readonly to: number;
    readonly experiment?: string | undefined;
  }): Promise<TrainingOutcome[]>;
}

/** A metric's value at a step. */
export interface MetricPoint {
  readonly name: string;
  /** Step or epoch, an integer; several points may share one. */
  readonly step: number;
  /** Any number: NaN and the infinities too. */
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** A point to log: step 0 and the present time unless given. */
export type NewMetricPoint = Pick<MetricPoint, 'name' | 'value'> & Partial<MetricPoint>;

export interface MetricStore {
  /** Logs points, all or none. A point that was logged before (the same in all four fields) is kept once. */
  logMetrics(runId: string, points: readonly NewMetricPoint[]): Promise<void>;
  /** The points of one metric, or of all, by name, step and time. */
  metricHistory(runId: string, name?: string): Promise<MetricPoint[]>;
  /** Each metric's point of the highest step; of several, the latest in time; of those, the greatest. By name. */
  latestMetrics(runId: string): Promise<MetricPoint[]>;
}

export interface ParameterStore {
  /**
   * Records parameters, all or none; kept as text.
   *
   * @throws BallastError `PARAMETER_CHANGED` when one is already recorded with another value
   */
  logParams(runId: string, parameters: Readonly<Record<string, string | number | boolean>>): Promise<void>;
  getParams(runId: string): Promise<Record<string, string>>;
  /** Sets tags, replacing those of the same name. */
  setTags(runId: string, tags: Readonly<Record<string, string>>): Promise<void>;
  /** Removes tags; those that are not set are passed over. */
  removeTags(runId: string, names: readonly string[]): Promise<void>;
  getTags(runId: string): Promise<Record<string, string>>;
}

/** Where an artifact's bytes come from: memory, a file of this machine, or a stream. */
export type ArtifactSource = Uint8Array | { readonly file: string } | AsyncIterable<Uint8Array>;

export interface ArtifactRecord {
  readonly runId: string;
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly mediaType: string;
  readonly createdAt: Date;
}

/** An artifact to read. Each way of reading checks the content's hash: `ARTIFACT_CORRUPT`, `ARTIFACT_MISSING`. */
export interface OpenArtifact extends ArtifactRecord {
  bytes(): Promise<Uint8Array>;
  /** The content in pieces; the error of a wrong hash comes after the last one. */
  stream(): AsyncIterable<Uint8Array>;
  /** The file that holds the content, for readers that need a path; never write to it. */
  file(): Promise<string>;
}

export interface ArtifactStore {
  /**
   * Stores a content under a path of the run, replacing what the path named before. Equal contents are stored once.
   *
   * @param options.mediaType default `application/octet-stream`
   * @param options.model the artifact is a model the run produced: recorded in the lineage
   */
  putArtifact(
    runId: string,
    path: string,
    source: ArtifactSource,
    options?: { readonly mediaType?: string; readonly model?: boolean },
  ): Promise<ArtifactRecord>;
  /** The artifacts of a run, by path. */
  listArtifacts(runId: string): Promise<ArtifactRecord[]>;
  /** @throws BallastError `ARTIFACT_NOT_FOUND` */
  openArtifact(runId: string, path: string): Promise<OpenArtifact>;
  /** Takes artifacts at or below a path off a run and returns how many; their contents may then be collected. */
  deleteArtifacts(runId: string, path: string): Promise<number>;
}

export interface DataVersion {
  readonly name: string;
  /** Content hash. */
  readonly version: string;
  readonly rows: number;
  /** Columns, types, roles. JSON. */
  readonly schema: unknown;
  /** Where the data was read from. */
  readonly source: string;
  /** Rows per part, such as `{ train: 60, validation: 20, holdout: 20 }`. */
  readonly splits: Readonly<Record<string, number>>;
}

export interface StoredDataVersion extends DataVersion {
  readonly createdAt: Date;
}

export interface DataVersionStore {
  /** Records a version of a data set. Of the same version, what is given last stands. */
  putDataVersion(version: DataVersion): Promise<void>;
  /** @throws BallastError `DATA_VERSION_NOT_FOUND` */
  getDataVersion(name: string, version: string): Promise<StoredDataVersion>;
  /** The versions of one data set, or of all, newest first. */
  listDataVersions(name?: string): Promise<StoredDataVersion[]>;
}

/** What stands in the lineage: a data version (`name@version`), a run (its id), a model (SHA-256 of its file). */
export interface LineageNode {
  readonly kind: 'data' | 'run' | 'model';
  readonly id: string;
}

/** `from` made, or is part of what made, `to`. */
export interface LineageEdge {
  readonly from: LineageNode;
  readonly to: LineageNode;
  /** `trained-on`, `produced`, `continued-by`, `started-from`, `distilled-into`, ... */
  readonly relation: string;
}

/** A part of the lineage: every node once, in the order of discovery, and the edges between them. */
export interface Lineage {
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly LineageEdge[];
}

export interface LineageStore {
  addLineage(edges: readonly LineageEdge[]): Promise<void>;
  /** Everything a run came from and everything that came from it. */
  lineage(runId: string): Promise<Lineage>;
}

/** One change of a data set's holdout. */
export interface HoldoutChange {
  readonly datasetName: string;
  /** 1 for the first. */
  readonly version: number;
  /** One more with every newly drawn holdout; changes within a generation add rows. */
  readonly generation: number;
  readonly rows: number;
  readonly added: number;
  readonly removed: number;
  readonly reason: string;
  readonly actor: string;
  readonly at: Date;
}

/** One reading of holdout rows. */
export interface HoldoutRead {
  readonly datasetName: string;
  /** Identifies the set of rows: a hash of their hashes. */
  readonly rowSet: string;
  /** The run, model version or model hash that looked. */
  readonly reader: string;
  /** The command that read it. */
  readonly command: string;
}

export interface StoredHoldoutRead extends HoldoutRead {
  /** Which read of this row set it was, from 1. */
  readonly number: number;
  readonly actor: string;
  readonly at: Date;
}

export interface HoldoutStore {
  /** What is locked for a data set; undefined when it has no holdout yet. */
  readHoldout(datasetName: string): Promise<HoldoutLock | undefined>;
  /**
   * Replaces a data set's lock and records the change; the same lock as before changes nothing.
   *
   * @param lock its hashes strictly ascending
   * @param options.reason why, for the record
   * @param options.replaces what the caller read before it decided (`lock` undefined: that there was none). When it is
   * given and no longer true, because another process wrote meanwhile, nothing is written.
   * @throws BallastError `HOLDOUT_CHANGED`, `HOLDOUT_INVALID`
   */
  writeHoldout(
    datasetName: string,
    lock: HoldoutLock,
    options: { readonly reason: string; readonly replaces?: { readonly lock: HoldoutLock | undefined } },
  ): Promise<void>;
  /** Every change of a data set's holdout, oldest first. */
  holdoutChanges(datasetName: string): Promise<HoldoutChange[]>;
  /** Records that holdout rows are read and returns how often this row set has now been read, this time included. */
  countHoldoutRead(read: HoldoutRead): Promise<number>;
  /** The recorded reads, oldest first. */
  holdoutReads(filter?: Partial<HoldoutRead>): Promise<StoredHoldoutRead[]>;
  /**
   * The register that splitting works with, for one command. A lock it writes must replace the one it read: of two
   * commands that draw different ones at once, the second fails with `HOLDOUT_CHANGED`; the same one is no change.
   *
   * @param command for the record, such as `train spec.yaml --new-holdout`
   */
  holdoutRegister(command: string): HoldoutRegister;
}

export interface Evaluation {
  /** `train`, `validation`, `holdout`, `stress`, ... */
  readonly stage: string;
  readonly record: unknown;
  readonly createdAt: Date;
}

export interface EvaluationStore {
  /** Records a run's evaluation at a stage, replacing an earlier one of the same stage. JSON; NaN and infinities are kept. */
  putEvaluation(runId: string, stage: string, record: unknown): Promise<void>;
  /** The evaluations of a run in the order they were made. */
  getEvaluations(runId: string): Promise<Evaluation[]>;
}

export interface AuditEvent {
  /** Who; the user of this process unless given. */
  readonly actor?: string;
  /** What was done, such as `run.delete`. */
  readonly action: string;
  /** To what, such as `runs:/ID`. */
  readonly subject: string;
  /** JSON. */
  readonly details?: unknown;
}

export interface StoredAuditEvent extends Required<AuditEvent> {
  readonly id: number;
  readonly at: Date;
}

export interface AuditStore {
  /** Appends an event; the database refuses to change or remove one. */
  audit(event: AuditEvent): Promise<void>;
  /** Events, newest first. `before` is the id of the last event of the page before. Default limit 100. */
  auditLog(filter?: {
    readonly actor?: string;
    readonly action?: string;
    readonly subject?: string;
    readonly before?: number;
    readonly limit?: number;
  }): Promise<StoredAuditEvent[]>;
}

/** The records of a project: what was trained, on what, with which result. Made by `openStore`. */
export interface Store
  extends ExperimentStore,
    RunStore,
    MetricStore,
    ParameterStore,
    ArtifactStore,
    DataVersionStore,
    LineageStore,
    HoldoutStore,
    EvaluationStore,
    AuditStore,
    SweepStore,
    RetentionStore,
    TrackingStore,
    RegistryStore,
    AccessStore,
    ObservationStore,
    LabelWorkStore,
    AlertStore,
    TrafficStore,
    RolloutStore,
    AsyncDisposable {
  /** Where it is, without credentials. */
  readonly location: string;
  /** The same store in the name of someone else: what it writes to the records names them. Closing it is the original's. */
  as(actor: string): Store;
  /** Stops the heartbeats and closes the database. Runs still running are then shown as interrupted once this process ends. */
  close(): Promise<void>;
}

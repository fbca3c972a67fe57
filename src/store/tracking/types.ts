import type { RunStatus } from '../run-status.js';
import type { RunSearch } from '../search/run-search.js';
import type { ArtifactRecord, ArtifactSource, MetricPoint, NewMetricPoint, OpenArtifact } from '../types.js';

/** An experiment with what clients of the tracking server know of it. */
export interface TrackedExperiment {
  readonly id: number;
  readonly name: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** Which experiments to find, in the filter language of search. */
export interface ExperimentQuery {
  readonly filter?: string;
  readonly orderBy?: readonly string[];
  readonly view?: 'active' | 'deleted' | 'all';
  readonly limit?: number;
  readonly offset?: number;
}

export interface TrackedExperimentStore {
  /** Makes the experiment 0, `Default`, in which clients log that name none; leaves it where it is. */
  ensureDefaultExperiment(): Promise<void>;
  /** @throws BallastError `EXPERIMENT_EXISTS`, of deleted ones too */
  createExperiment(name: string, tags?: Readonly<Record<string, string>>): Promise<number>;
  /** @throws BallastError `EXPERIMENT_NOT_FOUND` */
  getExperiment(id: number): Promise<TrackedExperiment>;
  /** The experiment of this name, a deleted one too. */
  findExperiment(name: string): Promise<TrackedExperiment | undefined>;
  searchExperiments(query: ExperimentQuery): Promise<{ experiments: TrackedExperiment[]; more: boolean }>;
  renameExperiment(id: number, name: string): Promise<void>;
  /** Hides an experiment and its runs. @throws BallastError `EXPERIMENT_NOT_FOUND`, `EXPERIMENT_DELETED` */
  deleteExperiment(id: number): Promise<void>;
  restoreExperiment(id: number): Promise<void>;
  setExperimentTags(id: number, tags: Readonly<Record<string, string>>): Promise<void>;
  /** @throws BallastError `TAG_NOT_FOUND` */
  removeExperimentTag(id: number, name: string): Promise<void>;
}

/** What one request logs. */
export interface Batch {
  readonly metrics?: readonly NewMetricPoint[];
  readonly params?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Everything logged to a run, as the tracking server tells it. */
export interface RunDocument {
  /** Parameters and tags as JSON text: `[{"key": ..., "value": ...}]`, made by the database, by name. */
  readonly params: string;
  readonly tags: string;
  readonly metrics: readonly MetricPoint[];
  readonly datasets: readonly DatasetInput[];
  readonly models: readonly RunModel[];
}

/** A run that a client logged over the network. */
export interface RemoteRun {
  readonly experimentId: number;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly startedAt: Date;
}

export interface RemoteRunStore {
  /** Records a run that lives elsewhere. @throws BallastError `EXPERIMENT_NOT_FOUND`, `EXPERIMENT_DELETED` */
  createRemoteRun(run: RemoteRun): Promise<string>;
  /**
   * Changes what a client may of a run: its name, its status and its end. A run of a process of this machine keeps its
   * status.
   *
   * @throws BallastError `RUN_NOT_FOUND`, `RUN_DELETED`, `RUN_AT_WORK`
   */
  updateRemoteRun(
    runId: string,
    change: { readonly name?: string; readonly status?: Exclude<RunStatus, 'interrupted'>; readonly endedAt?: Date },
  ): Promise<void>;
  /** Logs a batch, all or none. @throws BallastError those of logging its parts */
  logBatch(runId: string, batch: Batch): Promise<void>;
  /** What was logged to these runs, by id. Runs that do not exist have no entry. */
  runDocuments(runIds: readonly string[]): Promise<ReadonlyMap<string, RunDocument>>;
  /** A page of one metric's points, by step and time. */
  metricPage(
    runId: string,
    name: string,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<MetricPoint[]>;
  /** Removes a tag. @throws BallastError `TAG_NOT_FOUND` */
  removeTag(runId: string, name: string): Promise<void>;
  /** Appends a JSON document to the JSON array that a tag holds, which is made where it is not there. */
  appendToTag(runId: string, name: string, document: string): Promise<void>;
  /** The experiment a run belongs to. @throws BallastError `RUN_NOT_FOUND` */
  experimentOfRun(runId: string): Promise<number>;
}

/** A data set as a client describes it. */
export interface Dataset {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema?: string;
  readonly profile?: string;
}

export interface DatasetInput {
  readonly dataset: Dataset;
  readonly tags: Readonly<Record<string, string>>;
}

export interface RunModel {
  readonly modelId: string;
  readonly direction: 'input' | 'output';
  readonly step: number;
}

export type LoggedModelStatus = 'pending' | 'ready' | 'failed';

/** A model that a client logged. */
export interface LoggedModel {
  /** `m-` and 32 hexadecimal digits. */
  readonly id: string;
  readonly experimentId: number;
  readonly sourceRunId: string | undefined;
  readonly name: string;
  readonly modelType: string;
  readonly status: LoggedModelStatus;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly metrics: readonly ModelMetric[];
}

export interface ModelMetric extends MetricPoint {
  readonly runId: string;
  readonly datasetName: string | undefined;
  readonly datasetDigest: string | undefined;
}

export interface LoggedModelQuery {
  readonly experimentIds: readonly number[];
  readonly filter?: string;
  /** Only metrics on these data sets decide in a filter; any where none is given. */
  readonly datasets?: readonly { readonly name: string; readonly digest?: string }[];
  readonly orderBy?: readonly {
    readonly field: string;
    readonly ascending: boolean;
    readonly datasetName?: string;
    readonly datasetDigest?: string;
  }[];
  readonly limit?: number;
  readonly offset?: number;
}

export interface LoggedModelStore {
  createLoggedModel(model: {
    readonly experimentId: number;
    readonly name: string;
    readonly modelType: string;
    readonly sourceRunId?: string;
    readonly params: Readonly<Record<string, string>>;
    readonly tags: Readonly<Record<string, string>>;
  }): Promise<LoggedModel>;
  /** @throws BallastError `LOGGED_MODEL_NOT_FOUND` */
  getLoggedModel(modelId: string, options?: { readonly deletedToo?: boolean }): Promise<LoggedModel>;
  setLoggedModelStatus(modelId: string, status: LoggedModelStatus): Promise<void>;
  deleteLoggedModel(modelId: string): Promise<void>;
  logModelParams(modelId: string, params: Readonly<Record<string, string>>): Promise<void>;
  setLoggedModelTags(modelId: string, tags: Readonly<Record<string, string>>): Promise<void>;
  removeLoggedModelTag(modelId: string, name: string): Promise<void>;
  /** Logs metrics of models; those of the runs are logged beside. */
  logModelMetrics(metrics: readonly (ModelMetric & { readonly modelId: string })[]): Promise<void>;
  searchLoggedModels(query: LoggedModelQuery): Promise<{ models: LoggedModel[]; more: boolean }>;
  logInputs(runId: string, datasets: readonly DatasetInput[]): Promise<void>;
  logRunModels(runId: string, models: readonly RunModel[]): Promise<void>;
  putModelArtifact(
    modelId: string,
    path: string,
    source: ArtifactSource,
    options?: { readonly mediaType?: string },
  ): Promise<Omit<ArtifactRecord, 'runId'>>;
  listModelArtifacts(modelId: string): Promise<Omit<ArtifactRecord, 'runId'>[]>;
  openModelArtifact(modelId: string, path: string): Promise<Omit<OpenArtifact, 'runId'>>;
  /** Removes the artifacts at or below a path. */
  deleteModelArtifacts(modelId: string, path: string): Promise<number>;
}

/** What the tracking server works with, beyond the parts every command uses. */
export interface TrackingStore extends TrackedExperimentStore, RemoteRunStore, LoggedModelStore, RunSearch {}

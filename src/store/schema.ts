import type { Generated } from 'kysely';
import type {
  AlertDeliveryTable,
  AlertEventTable,
  AlertTable,
  SilenceTable,
  SliCountTable,
  SloTable,
  TurnTable,
} from './alerts/schema.js';
import type { ObservationSchema } from './observations/schema.js';
import type { RolloutSchema } from './rollouts/schema.js';
import type { StoredStatus } from './run-status.js';
import type { TrafficSchema } from './traffic/schema.js';

/**
 * The tables of a store, as queries see them; the migrations make them. Times are milliseconds since the epoch. JSON is
 * kept as text (see json.ts): PostgreSQL's jsonb reorders keys and refuses U+0000, and canonical texts are hashed.
 */
export interface StoreSchema extends ObservationSchema, TrafficSchema, RolloutSchema {
  store_info: StoreInfoTable;
  experiment: ExperimentTable;
  run: RunTable;
  run_parameter: RunTextTable;
  run_tag: RunTextTable;
  metric_series: MetricSeriesTable;
  experiment_column: ExperimentColumnTable;
  metric_point: MetricPointTable;
  blob: BlobTable;
  artifact: ArtifactTable;
  evaluation: EvaluationTable;
  data_version: DataVersionTable;
  lineage_edge: LineageEdgeTable;
  holdout: HoldoutTable;
  holdout_change: HoldoutChangeTable;
  holdout_row_set: HoldoutRowSetTable;
  holdout_read: HoldoutReadTable;
  audit_event: AuditEventTable;
  experiment_tag: ExperimentTagTable;
  dataset: DatasetTable;
  run_dataset: RunDatasetTable;
  logged_model: LoggedModelTable;
  logged_model_parameter: LoggedModelTextTable;
  logged_model_tag: LoggedModelTextTable;
  logged_model_metric: LoggedModelMetricTable;
  logged_model_artifact: LoggedModelArtifactTable;
  run_model: RunModelTable;
  sweep: SweepTable;
  trial: TrialTable;
  registered_model: RegisteredModelTable;
  registered_model_tag: RegisteredModelTagTable;
  model_version: ModelVersionTable;
  model_version_tag: ModelVersionTagTable;
  model_version_file: ModelVersionFileTable;
  model_alias: ModelAliasTable;
  model_sign_off: ModelSignOffTable;
  app_user: AppUserTable;
  access_token: AccessTokenTable;
  access_grant: AccessGrantTable;
  slo: SloTable;
  sli_count: SliCountTable;
  alert: AlertTable;
  alert_event: AlertEventTable;
  alert_delivery: AlertDeliveryTable;
  silence: SilenceTable;
  turn: TurnTable;
}

export interface StoreInfoTable {
  key: string;
  value: string;
}

export interface ExperimentTable {
  id: Generated<number>;
  name: string;
  created_at: number;
  /** Null until it is changed. */
  updated_at: number | null;
  deleted_at: number | null;
}

export interface ExperimentTagTable {
  experiment_id: number;
  name: string;
  value: string;
}

export interface RunTable {
  /** Order of creation. */
  sequence: Generated<number>;
  id: string;
  experiment_id: number;
  name: string;
  kind: string;
  role: 'baseline' | 'model' | 'ablation' | null;
  status: StoredStatus;
  /** 1, and one more for each resume: an earlier owner of the run can then no longer write its status. */
  attempt: number;
  seed: number | null;
  dataset_name: string | null;
  data_version: string | null;
  regularizer_id: string | null;
  manifest: string;
  spec: string;
  environment: string;
  code_commit: string | null;
  parent_run_id: string | null;
  group_id: string | null;
  started_at: number;
  ended_at: number | null;
  error: string | null;
  deleted_at: number | null;
  /** The process the run lives in; null for a run whose process is not known (logged by a client over the network). */
  host: string | null;
  pid: number | null;
  process_started: string | null;
  heartbeat_at: number;
}

/** A parameter or a tag of a run. */
export interface RunTextTable {
  run_id: string;
  name: string;
  value: string;
}

/** A name that runs of an experiment logged; triggers write it. */
export interface ExperimentColumnTable {
  experiment_id: number;
  kind: 'metric' | 'param';
  name: string;
}

/** One metric of one run. */
export interface MetricSeriesTable {
  id: Generated<number>;
  run_id: string;
  name: string;
  /** The point of the highest step; of several, the latest in time; of those, the greatest. */
  latest_step: number | null;
  latest_timestamp: number | null;
  latest_value: number | null;
  latest_is_nan: 0 | 1 | null;
}

/** NaN, which SQLite cannot hold, is value 0 with is_nan 1. */
export interface MetricPointTable {
  series_id: number;
  step: number;
  timestamp: number;
  value: number;
  is_nan: 0 | 1;
}

/** A content the artifact folder holds. A file without a row here, or a row without artifacts, may be collected. */
export interface BlobTable {
  sha256: string;
  size: number;
  created_at: number;
}

export interface ArtifactTable {
  run_id: string;
  path: string;
  sha256: string;
  media_type: string;
  created_at: number;
}

export interface EvaluationTable {
  run_id: string;
  stage: string;
  record: string;
  created_at: number;
}

export interface DataVersionTable {
  name: string;
  version: string;
  rows: number;
  schema: string;
  source: string;
  splits: string;
  created_at: number;
}

/** `from` made, or is part of what made, `to`. */
export interface LineageEdgeTable {
  from_kind: string;
  from_id: string;
  to_kind: string;
  to_id: string;
  relation: string;
  created_at: number;
}

export interface HoldoutTable {
  dataset_name: string;
  /** 1, and one more for each change. */
  version: number;
  /** Row hashes, ascending, 8 bytes little-endian each. */
  hashes: Uint8Array;
  settings: string;
  generation: number;
}

export interface HoldoutChangeTable {
  dataset_name: string;
  version: number;
  generation: number;
  rows: number;
  added: number;
  removed: number;
  /** SHA-256 of the hashes as stored. */
  content: string;
  reason: string;
  actor: string;
  created_at: number;
}

/** How often a set of holdout rows was read. */
export interface HoldoutRowSetTable {
  dataset_name: string;
  row_set: string;
  reads: number;
}

export interface HoldoutReadTable {
  dataset_name: string;
  row_set: string;
  /** Which read of this row set it was, from 1. */
  number: number;
  /** The run or the model that looked. */
  reader: string;
  command: string;
  actor: string;
  created_at: number;
}

export interface AuditEventTable {
  id: Generated<number>;
  created_at: number;
  actor: string;
  action: string;
  subject: string;
  details: string;
}

/** A data set that a client named as the input of a run. */
export interface DatasetTable {
  id: Generated<number>;
  experiment_id: number;
  name: string;
  digest: string;
  source_type: string;
  source: string;
  schema: string | null;
  profile: string | null;
}

export interface RunDatasetTable {
  run_id: string;
  dataset_id: number;
  /** JSON: `{ name: value }`. */
  tags: string;
}

/** A model that a client logged; its files are its own, whatever becomes of the run. */
export interface LoggedModelTable {
  sequence: Generated<number>;
  /** `m-` and 32 hexadecimal digits. */
  id: string;
  experiment_id: number;
  source_run_id: string | null;
  name: string;
  model_type: string;
  status: 'pending' | 'ready' | 'failed';
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

export interface LoggedModelTextTable {
  model_id: string;
  name: string;
  value: string;
}

/** A metric of a model; `dataset_name` and `dataset_digest` are empty where it was not measured on a named data set. */
export interface LoggedModelMetricTable {
  model_id: string;
  run_id: string;
  name: string;
  step: number;
  timestamp: number;
  value: number;
  is_nan: 0 | 1;
  dataset_name: string;
  dataset_digest: string;
}

export interface LoggedModelArtifactTable {
  model_id: string;
  path: string;
  sha256: string;
  media_type: string;
  created_at: number;
}

/** A model that a run used or made. */
export interface RunModelTable {
  run_id: string;
  model_id: string;
  direction: 'input' | 'output';
  step: number;
}

export interface SweepTable {
  id: string;
  name: string;
  /** What decides its trials. JSON. */
  definition: string;
  state: 'running' | 'finished' | 'stopped';
  /** Spent so far, over all processes that drove it. */
  seconds: number;
  /** JSON. */
  result: string | null;
  created_at: number;
  ended_at: number | null;
  /** The process that drives it. */
  host: string | null;
  pid: number | null;
  process_started: string | null;
  heartbeat_at: number;
}

export interface TrialTable {
  sweep_id: string;
  /** From 0. */
  number: number;
  /** JSON. */
  point: string;
  tag: string | null;
  state: 'queued' | 'running' | 'complete' | 'pruned' | 'failed';
  /** 0, and one more each time a worker takes it: an earlier worker can then no longer write to it. */
  attempt: number;
  /** How often its worker fell silent since the trial last got further than ever before. */
  lost: Generated<number>;
  run_id: string | null;
  worker: string | null;
  /** What a running trial has seen so far. JSON. */
  progress: string | null;
  /** JSON. */
  outcome: string | null;
  heartbeat_at: number;
  ended_at: number | null;
}

export interface RegisteredModelTable {
  id: Generated<number>;
  name: string;
  description: string;
  created_at: number;
  updated_at: number;
  /** The highest version there ever was: the number of a deleted version is not given again. */
  last_version: number;
  owner: string | null;
  on_call: string | null;
  escalation: string | null;
  criticality: string | null;
  threat_model: string | null;
}

export interface RegisteredModelTagTable {
  model_id: number;
  name: string;
  value: string;
}

/** A version: files that never change, and what they came from. */
export interface ModelVersionTable {
  model_id: number;
  version: number;
  description: string;
  created_at: number;
  updated_at: number;
  created_by: string;
  state: 'ready' | 'archived';
  /** MLflow's older word for an alias: `None`, `Staging`, `Production`, `Archived`. */
  stage: string;
  /** The reference it was registered from. */
  source: string;
  run_id: string | null;
  run_link: string | null;
  logged_model_id: string | null;
  /** SHA-256 of the list of files, each with its own SHA-256. */
  digest: string;
  /** The ONNX file, where there is exactly one. */
  onnx_path: string | null;
  onnx_sha256: string | null;
  regularizer_id: string | null;
  manifest: string;
  dataset_name: string | null;
  data_version: string | null;
  code_commit: string | null;
}

export interface ModelVersionTagTable {
  model_id: number;
  version: number;
  name: string;
  value: string;
}

export interface ModelVersionFileTable {
  model_id: number;
  version: number;
  path: string;
  sha256: string;
  media_type: string;
}

export interface ModelAliasTable {
  model_id: number;
  name: string;
  version: number;
}

/** An item of a checklist that someone answers for. */
export interface ModelSignOffTable {
  model_id: number;
  version: number;
  item: string;
  actor: string;
  note: string;
  created_at: number;
}

export interface AppUserTable {
  name: string;
  role: 'viewer' | 'editor' | 'deployer' | 'admin';
  /** Salt and scrypt hash; null where there is no login by password. */
  password: string | null;
  created_at: number;
}

export interface AccessTokenTable {
  /** SHA-256 of the token, which is not kept. */
  hash: string;
  user_name: string;
  label: string;
  created_at: number;
  expires_at: number;
}

export interface AccessGrantTable {
  subject_kind: 'experiment' | 'model';
  subject_id: number;
  /** `*` for everyone else. */
  user_name: string;
  permission: 'none' | 'read' | 'edit' | 'deploy' | 'manage';
}

/** The records of a project: runs, metrics, artifacts, data versions, lineage, holdout register, audit log. */

export { SESSION_LABEL } from './access/access-store.js';
export {
  EVERYONE,
  type Grant,
  PERMISSIONS,
  type Permission,
  ROLES,
  type Role,
  type Subject,
  type TokenInfo,
  type User,
} from './access/types.js';
export type {
  AlertDelivery,
  AlertEvent,
  AlertState,
  AlertStore,
  Matcher,
  NewSilence,
  Silence,
  SliCount,
  StoredSlo,
} from './alerts/types.js';
export {
  addCounts,
  confidenceOf,
  countsOf,
  countsOfLabel,
  HOUR_MS,
  isRight,
  MINUTE_MS,
  noCounts,
  WindowSums,
} from './observations/counts.js';
export type { ErrorReport, LabelSample, LabelWorkStore, StoredLabelSample } from './observations/label-work.js';
export {
  CONFIDENCE_BINS,
  type ColumnSketch,
  type IngestedLabels,
  type KeptObservations,
  type NewLabel,
  type Observation,
  type ObservationBatch,
  type ObservationStore,
  type ObservationWindow,
  type PrunedObservations,
  type SlicedObservation,
  type StoredObservation,
  type WindowCounts,
  type WindowQuery,
} from './observations/types.js';
export { openStore, type StoreOptions } from './open-store.js';
export { type CheckedItem, checklist, promote, REPRODUCED_TAG, requireReady, sign } from './registry/checklists.js';
export { isOfProduction } from './registry/production.js';
export { findVersion, isModelReference, parseSource } from './registry/reference.js';
export type { ModelVersion, NewVersion, RegisteredModel, Responsibility, SignOff } from './registry/types.js';
export { DEFAULT_RETENTION } from './retention/policy.js';
export type { Collected, Expired, RetentionPolicy, RetentionStore, StoreProblem } from './retention/types.js';
export type {
  NewRolloutDecision,
  RolloutChange,
  RolloutLook,
  RolloutStore,
  StoredRollout,
  StoredRolloutDecision,
} from './rollouts/types.js';
export { type FinalStatus, isResumable, RUN_STATUSES, type RunStatus } from './run-status.js';
export type { FoundRun, RunQuery } from './search/run-search.js';
export type { StoredSweep, StoredTrial, SweepStore, TrialClaim } from './sweep-types.js';
export type {
  Batch,
  DatasetInput,
  ExperimentQuery,
  LoggedModel,
  LoggedModelQuery,
  LoggedModelStatus,
  ModelMetric,
  RemoteRun,
  RunDocument,
  RunModel,
  TrackedExperiment,
  TrackingStore,
} from './tracking/types.js';
export type { NewTraffic, ServedModel, Traffic, TrafficShare, TrafficStore } from './traffic/types.js';
export type {
  ArtifactRecord,
  ArtifactSource,
  ArtifactStore,
  AuditEvent,
  AuditStore,
  DataVersion,
  DataVersionStore,
  Evaluation,
  EvaluationStore,
  Experiment,
  ExperimentStore,
  HoldoutChange,
  HoldoutRead,
  HoldoutStore,
  Lineage,
  LineageEdge,
  LineageNode,
  LineageStore,
  MetricPoint,
  MetricStore,
  NewMetricPoint,
  NewRun,
  OpenArtifact,
  ParameterStore,
  Run,
  RunFilter,
  RunRole,
  RunStore,
  RunSummary,
  Store,
  StoredAuditEvent,
  StoredDataVersion,
  StoredHoldoutRead,
  TrainingOutcome,
} from './types.js';

import type { Generated } from 'kysely';

/** The tables of what production answered. Times are milliseconds since the epoch. */
export interface ObservationSchema {
  observed_model: ObservedModelTable;
  observation: ObservationTable;
  observation_label: ObservationLabelTable;
  observation_window: ObservationWindowTable;
  observation_sketch: ObservationSketchTable;
  observation_batch: ObservationBatchTable;
  observation_report: ObservationReportTable;
  label_sample: LabelSampleTable;
  label_sample_row: LabelSampleRowTable;
}

/**
 * One row per model, which whoever writes about that model updates first: writers of a model take turns, so that sequences ascend
 * in the order of commits and windows add up. The row of the empty name stands for the labels.
 */
export interface ObservedModelTable {
  model: string;
  last_sequence: number;
  last_label: number;
  /** Windows of a minute that began earlier were added up to hours. */
  rolled_until: number;
}

export interface ObservationTable {
  model: string;
  sequence: number;
  id: string;
  /** The id of the answer that the user saw: the own one, or a shadow's `beside`. */
  answer_id: string;
  at: number;
  version: string;
  regularizer_id: string;
  role: 'live' | 'candidate' | 'shadow';
  status: 'ok' | 'rejected' | 'failed';
  fault: string | null;
  latency_ms: number;
  run_ms: number | null;
  /** JSON; of few rows. */
  memory: string | null;
  /** JSON, as are the other texts below. */
  features: string;
  prediction: string | null;
  scores: string | null;
  flags: string;
  metadata: string;
  slices: string;
  label: string | null;
  label_known_at: number | null;
  label_source: string | null;
  label_sequence: number | null;
}

export interface ObservationLabelTable {
  sequence: Generated<number>;
  prediction_id: string;
  /** JSON. */
  label: string;
  known_at: number;
  source: string;
  received_at: number;
  /** 1 once another label stands for the prediction. */
  superseded: 0 | 1;
}

export interface ObservationWindowTable {
  model: string;
  start: number;
  ms: number;
  version: string;
  role: 'live' | 'candidate' | 'shadow';
  slice: string;
  regularizer_id: string;
  /** What is counted. JSON. */
  counts: string;
}

export interface ObservationSketchTable {
  model: string;
  start: number;
  ms: number;
  version: string;
  role: 'live' | 'candidate' | 'shadow';
  name: string;
  /** SQLite's binding gives an ArrayBuffer, PostgreSQL's a view at any offset. */
  content: Uint8Array | ArrayBuffer;
}

/** Batches that were written, for a while. */
export interface ObservationBatchTable {
  id: string;
  at: number;
}

/** A user's word that an answer was wrong. */
export interface ObservationReportTable {
  sequence: Generated<number>;
  prediction_id: string;
  at: number;
  note: string;
  reporter: string;
}

/** Predictions drawn to be labelled. */
export interface LabelSampleTable {
  id: Generated<number>;
  model: string;
  at: number;
  method: string;
  /** How many predictions it was drawn from. */
  population: number;
}

export interface LabelSampleRowTable {
  sample_id: number;
  prediction_id: string;
  /** Of being drawn. */
  probability: number;
}

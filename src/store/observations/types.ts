import type { LogHistogram } from '../../numeric/log-histogram.js';

/** What is known of one row that a model answered, or would not answer. */
export interface Observation {
  /** The prediction's id, as the client was told it: labels join by it. */
  readonly id: string;
  /** When the request came, ms since the epoch. */
  readonly at: number;
  readonly model: string;
  readonly version: string;
  readonly regularizerId: string;
  /** Whether the user saw this answer (live: of the version that most traffic goes to; candidate: of a rollout), or not. */
  readonly role: 'live' | 'candidate' | 'shadow';
  /** Of a shadow's: the id of the answer that the user saw. */
  readonly beside?: string;
  readonly status: 'ok' | 'rejected' | 'failed';
  /** What was wrong, when not ok. */
  readonly fault?: string;
  /** From the request to its answer, as its user waited; of a shadow's, as nobody did. */
  readonly latencyMs: number;
  /** Of an answer: the time it ran in the model's process, its part of what ran at once, waiting for a processor left out, ms. */
  readonly runMs?: number;
  /** Now and then: what the process that answered held beside its JavaScript heap, after so many answers. */
  readonly memory?: { readonly process: string; readonly answers: number; readonly bytes: number };
  /** Columns as sent; null is missing. */
  readonly features: Readonly<Record<string, number | string | null>>;
  /** Class or number. */
  readonly prediction?: string | number;
  /** Probabilities in the order of the model's classes. */
  readonly scores?: readonly number[];
  /** Checks of the input that flagged or clipped, as `COLUMN: check`. */
  readonly flags: readonly string[];
  /** device, region, client, ... as the client said. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** An observation with the slices that it is counted in, such as `device=phone`. */
export interface SlicedObservation extends Observation {
  readonly slices: readonly string[];
}

/** The truth about a prediction. */
export interface NewLabel {
  /** Of the prediction that the user saw. */
  readonly id: string;
  readonly label: string | number;
  /** When the truth was known, ms since the epoch: of two labels the later one counts. */
  readonly knownAt: number;
  /** Where it comes from, such as `chargebacks` or `user report`. */
  readonly source: string;
}

export interface StoredObservation extends SlicedObservation {
  /** Ascending per model, in the order of writing: the cursor of {@link ObservationStore.observationsAfter}. */
  readonly sequence: number;
  readonly label?: {
    readonly value: string | number;
    readonly knownAt: number;
    readonly source: string;
    /** Ascending per model, in the order of joining: the cursor of {@link ObservationStore.labelledAfter}. */
    readonly sequence: number;
  };
}

/** What is counted of the answers within a window. Everything adds up: over processes, windows, versions. */
export interface WindowCounts {
  /** All that were asked, those rejected and failed included. */
  readonly requests: number;
  readonly rejected: number;
  readonly failed: number;
  /** With a flag of an input check. */
  readonly flagged: number;
  /** Latencies of those that were answered, ms. */
  readonly latency: LogHistogram;
  /** Labels that came, whenever they came. */
  readonly labelled: number;
  /** Of those labelled: another class than the label's. */
  readonly wrong: number;
  /** Of those labelled, where answer and label are numbers: sums of answer - label, its absolute value, its square. */
  readonly errors: { readonly signed: number; readonly absolute: number; readonly squared: number };
  /**
   * By the largest probability of an answer, in {@link CONFIDENCE_BINS} bins of equal width from 0 to 1: how many answers and the sum
   * of their probabilities; of those labelled the same, and how many were right.
   */
  readonly confidence: {
    readonly answers: readonly number[];
    readonly sum: readonly number[];
    readonly labelled: readonly number[];
    readonly labelledSum: readonly number[];
    readonly right: readonly number[];
  };
}

/** Bins of {@link WindowCounts.confidence}. */
export const CONFIDENCE_BINS = 15;

export interface ObservationWindow extends WindowCounts {
  readonly model: string;
  readonly version: string;
  readonly regularizerId: string;
  readonly role: Observation['role'];
  /** `''` for all, or such as `device=phone`. */
  readonly slice: string;
  /** From this time on, ms since the epoch: that of the requests, of their labels too. */
  readonly start: number;
  /** For so long: a minute, or an hour once it is older than the retention policy keeps minutes. */
  readonly ms: number;
}

/** A sketch of a column within a window; what it holds is the monitoring room's. */
export interface ColumnSketch {
  readonly model: string;
  readonly version: string;
  readonly role: Observation['role'];
  readonly column: string;
  readonly start: number;
  readonly ms: number;
  readonly content: Uint8Array;
}

/** Observations and what is counted of them, written together or not at all. */
export interface ObservationBatch {
  /** A batch that was written before is passed over: to write again after an uncertain end is safe. */
  readonly id: string;
  readonly observations: readonly SlicedObservation[];
  /** Are added to what is there. */
  readonly windows: readonly ObservationWindow[];
  /** Are merged with what is there. */
  readonly sketches: readonly (Omit<ColumnSketch, 'content'> & {
    merge(present: Uint8Array | undefined): Uint8Array;
  })[];
}

/** What became of labels that came in. */
export interface IngestedLabels {
  /** New ones of predictions that are known. */
  readonly joined: number;
  /** Replaced a label that was there. */
  readonly corrected: number;
  /** Said the same as the label that is there. */
  readonly duplicates: number;
  /** Older than the label that is there: kept in the history, without effect. */
  readonly older: number;
  /** Ids of predictions that are not known, yet: kept, and joined when they come. */
  readonly unknown: readonly string[];
  /** Ids that several predictions have: not joined. */
  readonly ambiguous: readonly string[];
}

export interface WindowQuery {
  /** Windows that begin at or after; default all. */
  readonly from?: number;
  /** Windows that begin before. */
  readonly to?: number;
  readonly version?: string;
  readonly role?: Observation['role'];
  /** Only this slice; default all. */
  readonly slice?: string;
}

export interface KeptObservations {
  /** Rows per model; the newest stay. */
  readonly rows: number;
  /** Rows and labels, ms. */
  readonly rowsMs: number;
  /** Windows of a minute; older ones become windows of an hour. */
  readonly minutesMs: number;
  /** Windows. */
  readonly windowsMs: number;
  /** Sketches. */
  readonly sketchesMs: number;
}

/** What {@link ObservationStore.pruneObservations} removed. */
export interface PrunedObservations {
  readonly rows: number;
  readonly labels: number;
  /** Windows of a minute that were added up. */
  readonly minutes: number;
  readonly windows: number;
  readonly sketches: number;
}

/** What production answered, the truth about it, and what is counted of both. */
export interface ObservationStore {
  /** Writes a batch. Labels that came before their predictions are joined. */
  recordObservations(batch: ObservationBatch): Promise<void>;
  /** Records labels and joins them to predictions, shadows' answers to the same request included. */
  ingestLabels(labels: readonly NewLabel[]): Promise<IngestedLabels>;
  /**
   * The observations of a model written after a cursor (0 to begin), in order, with the labels they have now. Nothing is
   * passed over: whatever is written later has a higher sequence.
   */
  observationsAfter(model: string, cursor: number, limit?: number): Promise<StoredObservation[]>;
  /**
   * The observations of a model whose label came, or was corrected, after a cursor, in the order of joining. One whose label is
   * corrected comes again.
   */
  labelledAfter(model: string, cursor: number, limit?: number): Promise<StoredObservation[]>;
  /** The observations of a model by time, of a version or role only if told; newest first, at most `limit` (default 1000). */
  observationsBetween(
    model: string,
    query: Omit<WindowQuery, 'slice'> & { readonly labelled?: boolean; readonly limit?: number },
  ): Promise<StoredObservation[]>;
  /** The windows of a model by start; a total over all is the sum of those of slice `''`. */
  windowsOf(model: string, query?: WindowQuery): Promise<ObservationWindow[]>;
  sketchesOf(model: string, query?: Omit<WindowQuery, 'slice'>): Promise<ColumnSketch[]>;
  /** Models that anything was observed of, by name. */
  observedModels(): Promise<string[]>;
  /** Every label that a prediction got, oldest first. */
  labelHistory(id: string): Promise<NewLabel[]>;
  /** Removes what is older than it is to be kept. */
  pruneObservations(kept: KeptObservations, now?: number): Promise<PrunedObservations>;
}

/** What an evaluation takes: targets, what the model said about the same rows, and how to look at it. */

/** A column of categories by which rows are told apart; a table's category column is one. Missing is code -1. */
export interface GroupColumn {
  readonly name: string;
  readonly codes: ArrayLike<number>;
  readonly dictionary: readonly string[];
}

interface CommonInput {
  /** Importance of rows, >= 0. Values are as if a row of weight 2 stood there twice; intervals use the effective count. */
  readonly weights?: ArrayLike<number>;
  /** What the model itself says of its uncertainty, [N] each, by {@link SaidMeasure}. */
  readonly said?: Readonly<Partial<Record<SaidMeasure, ArrayLike<number>>>>;
}

/**
 * Outputs in which a model tells its own uncertainty: what its samples or members disagree about, in nats
 * (`mutualInformation`) or as a standard deviation (`deviation`), and the standard deviation of an answer, noise included
 * (`predictiveDeviation`).
 */
export const SAID_MEASURES = ['mutualInformation', 'deviation', 'predictiveDeviation'] as const;
export type SaidMeasure = (typeof SAID_MEASURES)[number];

/**
 * K classes, N rows. One of `probabilities`, `logits`, `predictions` at least; with several, predictions decide the
 * labels and the others the scores. With two classes a single column [N] is the probability or logit of class 1.
 */
export interface ClassificationInput extends CommonInput {
  readonly task: 'classification';
  /** Class codes 0 .. K - 1, [N]. */
  readonly target: ArrayLike<number>;
  /** [N, K] row-major, rows sum to 1. */
  readonly probabilities?: ArrayLike<number>;
  /** [N, K] row-major, before softmax (or [N] before the logistic function). */
  readonly logits?: ArrayLike<number>;
  /** Predicted class codes, [N]. Default: the class of the largest probability, the first of equals. */
  readonly predictions?: ArrayLike<number>;
  /** Names of the classes by code. Default: the codes as text. */
  readonly classes?: readonly string[];
  /** Two classes: which one counts as positive, by name or code. Default: class 1. */
  readonly positive?: string | number;
  /** Cost of predicting class j when it is class i, [K][K]: makes the metric costWeighted. */
  readonly cost?: readonly (readonly number[])[];
}

export interface RegressionInput extends CommonInput {
  readonly task: 'regression';
  /** [N] */
  readonly target: ArrayLike<number>;
  /** [N], in the unit of the target; of survival times any numbers that grow with the risk. */
  readonly predictions: ArrayLike<number>;
  /** Where targets are survival times: 1 where the event was seen at the time, 0 where the row was last seen without it. */
  readonly events?: ArrayLike<number>;
}

/** Targets and a model's answers on the same rows. */
export type PredictionInput = ClassificationInput | RegressionInput;

export interface BootstrapLimits {
  /** Resamples where rows are resampled. */
  readonly resamples: number;
  /** Up to this many rows the bootstrap is used; beyond it large-sample intervals, which then agree with it. */
  readonly maxRows: number;
}

export interface IntervalOptions {
  /** Confidence level of all intervals. Default 0.95. */
  readonly level?: number;
  /** Seed of the resamples. Default 0. */
  readonly seed?: number;
  /** Default 1000 resamples on up to 1000 rows. */
  readonly bootstrap?: Partial<BootstrapLimits>;
  /** Bins of calibration errors and reliability. Default 15. */
  readonly bins?: number;
}

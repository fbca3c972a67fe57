import type { Margins } from './confusion.js';
import type { ClassificationSample, RegressionSample, Sample } from './sample.js';

export type Task = Sample['task'];

/** The scale on which a figure is nearly normal, so that its interval keeps to its range and its skew. */
export type Scale = 'identity' | 'log' | 'log-complement' | 'logit' | 'atanh';

/** How often each row counts in a resample; 1 everywhere is the sample itself. */
export type Counts = Float64Array;

/**
 * A metric that is a norm of signed errors by bin (a sum or maximum of absolute values). Noise in the bins adds to it and
 * never takes from it, so its interval is made from the bins.
 */
export interface BinErrors {
  readonly errors: Float64Array;
  /** Absolutely homogeneous: norm(c e) = |c| norm(e). */
  readonly norm: (errors: Float64Array) => number;
  /** Writes the errors of a resample of rows. */
  readonly resample: (counts: Counts, errors: Float64Array) => void;
  /** The same for a resample of whole groups of rows, for many rows. */
  readonly grouped: (groupOfRow: Int32Array, groups: number) => (counts: Counts, errors: Float64Array) => void;
}

/**
 * A metric of one sample as a function of how often each row counts. From it follow the value, every kind of interval
 * and every paired comparison, for all metrics alike.
 */
export interface Measured {
  readonly value: number;
  /** Rows the value rests on: the smaller class for an AUC, all rows for a mean. Decides the interval at a bound. */
  readonly support: number;
  /** The metric of a resample, NaN where it is undefined there. */
  readonly resample?: (counts: Counts) => number;
  /** Instead of `resample` for metrics of the confusion matrix: `of` is one function per sample, run once for all. */
  readonly margins?: { readonly of: (counts: Counts) => Margins; readonly value: (margins: Margins) => number };
  /** d value / d count of each row, [rows], summing to 0: its squares sum to the variance (infinitesimal jackknife). */
  readonly influence?: () => Float64Array;
  /** A closed-form variance better than the influence's sum of squares, and its name. */
  readonly variance?: { readonly method: string; readonly value: number };
  /** Set for a plain share of rows: `trials` is the effective number of rows it is a share of. */
  readonly proportion?: { readonly successes: number; readonly trials: number };
  /** Default identity. */
  readonly scale?: Scale;
  /** Set for calibration errors, whose absolute values need an interval of their own kind. */
  readonly bins?: BinErrors;
}

/** Why a metric has no value on a sample; a sentence without its stop. */
export interface NotMeasured {
  readonly reason: string;
}

export type Measurement = Measured | NotMeasured;

export function isMeasured(measurement: Measurement): measurement is Measured {
  return !('reason' in measurement);
}

interface Definition<T extends Task, S extends Sample> {
  /** The JSON name. Parametric metrics are asked for as `name@parameter`. */
  readonly name: string;
  readonly title: string;
  readonly task: T;
  readonly direction: 'higher' | 'lower';
  /** Smallest and largest possible value. */
  readonly range: readonly [number, number];
  /** A (weighted) mean of one number per row: it can be summed over shards, and each row has its share of it. */
  readonly perRow: boolean;
  /** Computed when nothing else is asked for. */
  readonly standard: boolean;
  /** The parameter behind the @: what it is and what it may be. */
  readonly parameter?: { readonly name: string; readonly valid: (value: number) => boolean; readonly expected: string };
  /** How its interval is made. */
  readonly interval: string;
  /** Formula and reference. */
  readonly description: string;
  readonly measure: (sample: S, parameter: number) => Measurement;
}

export type ClassificationMetric = Definition<'classification', ClassificationSample>;
export type RegressionMetric = Definition<'regression', RegressionSample>;

/** One metric: typed metadata from which lists and documents are made, and its measure. */
export type Metric = ClassificationMetric | RegressionMetric;

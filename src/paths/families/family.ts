import type { Kernels } from '../kernels/kernels.js';

/** What is predicted of each row, and how much the row counts. */
export interface Rows {
  /** Of several outputs, those of the first, then those of the second, and so on; of classes, the index of each row's. */
  readonly target: Float64Array;
  /** Sum 1. */
  readonly weights: Float64Array;
  /** Survival times: 1 where the event was seen at the time, 0 where the row was last seen without it. */
  readonly event?: Float64Array | undefined;
}

export const FAMILIES = [
  'gaussian',
  'binomial',
  'multinomial',
  'mgaussian',
  'poisson',
  'cox',
  'huber',
  'quantile',
] as const;

export type FamilyName = (typeof FAMILIES)[number];

/** Which loss it is. */
export interface FamilySettings {
  readonly family: FamilyName;
  /** Huber: distance from which on the loss is linear, in the unit of the target. */
  readonly delta?: number | undefined;
  /** Quantile: which, between 0 and 1. Default 0.5, the median. */
  readonly quantile?: number | undefined;
  /** Multinomial: classes; of several Gaussian targets: how many. Each has a linear predictor of its own. */
  readonly outputs?: number | undefined;
  /** Whether a column's coefficients for all outputs are penalised together; of several Gaussian targets they always are. */
  readonly grouped?: boolean | undefined;
}

/**
 * A loss of the linear predictors eta, convex; of a distribution with its canonical link, minus its log-likelihood. Losses
 * are means over rows, by their weights; the deviance is twice what they are above the saturated model's.
 */
export interface Family {
  readonly name: FamilyName;
  /** The loss is quadratic in eta, so that one model of it serves for good. */
  readonly quadratic: boolean;
  /** Only differences of eta count: there is no intercept, and what a row loses depends on the others. */
  readonly relative?: boolean;
  /** Linear predictors of each row, where there are several: eta is those of the first for all rows, then the second's. */
  readonly outputs?: number;
  /** Refuses targets that the family does not have. @throws BallastError PATH_TARGET, PATH_EVENT */
  check(target: Float64Array, event: Float64Array | undefined): void;
  /**
   * The mean loss at eta.
   *
   * @param residual becomes minus the loss's derivative by each eta
   * @param curvature becomes a diagonal, above 0, no smaller than the second derivatives (as matrices are compared); of
   *   smooth losses that are sums over rows, the second derivatives themselves
   */
  evaluate(eta: Float64Array, rows: Rows, residual: Float64Array, curvature: Float64Array): number;
  /**
   * Where the second derivatives at eta are no diagonal matrix: turns the product of that diagonal with a column into the
   * product of the whole matrix with the column, in place.
   */
  couple?(eta: Float64Array, rows: Rows, space: CouplingSpace): Coupling;
  /** Loss of the model that predicts every row exactly. */
  saturated(rows: Rows): number;
  /**
   * The rows' share of the duality gap when the dual point is `share` times the residual theta: loss(eta) +
   * conjugate(-share theta) + share theta eta, or what is known to be no less. 0 at 1.
   */
  gap(eta: Float64Array, rows: Rows, share: number): number;
  /** The mean that a linear predictor means: what is predicted; of several outputs, the predictor itself. */
  mean(eta: number): number;
  /** Which linear predictor means so: where the intercept starts. */
  link(mean: number): number;
}

/** What a coupling is worked out in, until the next one. */
export interface CouplingSpace {
  readonly kernels: Kernels;
  /** As long as eta, in the kernels' memory. */
  readonly scratch: Float64Array;
}

/**
 * Second derivatives between rows; see {@link Family.couple}.
 *
 * @param output of several, the one whose rows the column has; it is 0 in those of all others
 */
export type Coupling = (column: Float64Array, output: number) => void;

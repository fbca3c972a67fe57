/** What is predicted of each row, and how much the row counts. */
export interface Rows {
  readonly target: Float64Array;
  /** Sum 1. */
  readonly weights: Float64Array;
}

export type FamilyName = 'gaussian' | 'binomial' | 'poisson';

/**
 * A distribution of the target with its canonical link: loss f_i(eta_i), where eta is the linear predictor. Losses are
 * means over rows, by their weights; the deviance is twice what they are above the saturated model's.
 */
export interface Family {
  readonly name: FamilyName;
  /** The loss is quadratic in eta, so that one model of it serves for good. */
  readonly quadratic: boolean;
  /** Refuses targets that the family does not have. @throws BallastError PATH_TARGET */
  check(target: Float64Array): void;
  /**
   * The mean loss at eta.
   *
   * @param residual becomes -w f'(eta)
   * @param curvature becomes w f''(eta), above 0
   */
  evaluate(eta: Float64Array, rows: Rows, residual: Float64Array, curvature: Float64Array): number;
  /** Loss of the model that predicts every row exactly. */
  saturated(rows: Rows): number;
  /**
   * The rows' share of the duality gap when the dual point is `share` times the residual:
   * sum of w (f(eta) + f*(-share theta) + share theta eta), theta the residual of a row without its weight. 0 at 1.
   */
  gap(eta: Float64Array, rows: Rows, share: number): number;
  /** The mean that a linear predictor means: what is predicted. */
  mean(eta: number): number;
  /** Which linear predictor means so: where the intercept starts. */
  link(mean: number): number;
}

/**
 * The area under the ROC curve and its variance (DeLong, DeLong & Clarke-Pearson 1988) from one sort, O(n log n) (Sun &
 * Xu 2014), with row weights.
 */
import { argsort } from './sort.js';

/** The AUC of one score, and what each row adds to it. */
export interface RocArea {
  /** P(score of a positive > score of a negative) + P(equal) / 2. NaN without both classes. */
  readonly area: number;
  /**
   * d area / d (count of row i): (V10 - area) w / W1 for positives, (V01 - area) w / W0 for negatives, V the share of
   * the other class it beats. Sums to 0 in each class.
   */
  readonly influence: Float64Array;
  readonly positives: number;
  readonly negatives: number;
}

/** `isPositive(i)` tells a positive row; `order` may bring the ascending order of the scores when it is known. */
export function rocArea(
  scores: ArrayLike<number>,
  isPositive: (row: number) => boolean,
  weights?: ArrayLike<number>,
  order: ArrayLike<number> = argsort(scores),
): RocArea {
  const n = order.length;
  const influence = new Float64Array(n);
  let positiveWeight = 0;
  let negativeWeight = 0;
  let positives = 0;
  for (let i = 0; i < n; i++) {
    const weight = weights === undefined ? 1 : weights[i];
    if (isPositive(i)) {
      positiveWeight += weight;
      positives++;
    } else negativeWeight += weight;
  }
  const result = { influence, positives, negatives: n - positives };
  if (!(positiveWeight > 0 && negativeWeight > 0)) return { area: Number.NaN, ...result };
  let positivesBelow = 0;
  let negativesBelow = 0;
  let area = 0;
  for (let start = 0; start < n; ) {
    const score = scores[order[start]];
    let end = start;
    let tiedPositive = 0;
    let tiedNegative = 0;
    for (; end < n && scores[order[end]] === score; end++) {
      const row = order[end];
      const weight = weights === undefined ? 1 : weights[row];
      if (isPositive(row)) tiedPositive += weight;
      else tiedNegative += weight;
    }
    const beaten = (negativesBelow + tiedNegative / 2) / negativeWeight;
    const beating = (positiveWeight - positivesBelow - tiedPositive / 2) / positiveWeight;
    for (let i = start; i < end; i++) influence[order[i]] = isPositive(order[i]) ? beaten : beating;
    area += (tiedPositive * beaten) / positiveWeight;
    positivesBelow += tiedPositive;
    negativesBelow += tiedNegative;
    start = end;
  }
  for (let i = 0; i < n; i++) {
    const weight = weights === undefined ? 1 : weights[i];
    influence[i] = ((influence[i] - area) * weight) / (isPositive(i) ? positiveWeight : negativeWeight);
  }
  return { area, ...result };
}

/**
 * DeLong's variance of an AUC, or of a difference of AUCs on the same rows when `influence` is the difference of theirs:
 * the sum of squares in each class, times m / (m - 1).
 */
export function delongVariance(
  influence: ArrayLike<number>,
  isPositive: (row: number) => boolean,
  positives: number,
  negatives: number,
): number {
  let positiveSquares = 0;
  let negativeSquares = 0;
  for (let i = 0; i < influence.length; i++) {
    if (isPositive(i)) positiveSquares += influence[i] ** 2;
    else negativeSquares += influence[i] ** 2;
  }
  const unbias = (m: number): number => (m > 1 ? m / (m - 1) : 1);
  return positiveSquares * unbias(positives) + negativeSquares * unbias(negatives);
}

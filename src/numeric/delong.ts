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

/** `labels` are 1 for positives and 0; `order` may bring the ascending order of the scores when it is known. */
export function rocArea(
  scores: ArrayLike<number>,
  labels: Uint8Array,
  weights: Float64Array = new Float64Array(labels.length).fill(1),
  order: Uint32Array = argsort(scores),
): RocArea {
  const n = order.length;
  const influence = new Float64Array(n);
  let positiveWeight = 0;
  let negativeWeight = 0;
  let positives = 0;
  for (let i = 0; i < n; i++) {
    if (labels[i] === 1) {
      positiveWeight += weights[i];
      positives++;
    } else negativeWeight += weights[i];
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
      if (labels[row] === 1) tiedPositive += weights[row];
      else tiedNegative += weights[row];
    }
    const beaten = (negativesBelow + tiedNegative / 2) / negativeWeight;
    const beating = (positiveWeight - positivesBelow - tiedPositive / 2) / positiveWeight;
    for (let i = start; i < end; i++) influence[order[i]] = labels[order[i]] === 1 ? beaten : beating;
    area += (tiedPositive * beaten) / positiveWeight;
    positivesBelow += tiedPositive;
    negativesBelow += tiedNegative;
    start = end;
  }
  for (let i = 0; i < n; i++) {
    influence[i] = ((influence[i] - area) * weights[i]) / (labels[i] === 1 ? positiveWeight : negativeWeight);
  }
  return { area, ...result };
}

/**
 * DeLong's variance of an AUC, or of a difference of AUCs on the same rows when `influence` is the difference of theirs:
 * the sum of squares in each class, times m / (m - 1).
 */
export function delongVariance(influence: Float64Array, labels: Uint8Array): number {
  const squares = [0, 0];
  const counts = [0, 0];
  for (let i = 0; i < influence.length; i++) {
    squares[labels[i]] += influence[i] * influence[i];
    counts[labels[i]]++;
  }
  const unbias = (m: number): number => (m > 1 ? m / (m - 1) : 1);
  return squares[0] * unbias(counts[0]) + squares[1] * unbias(counts[1]);
}

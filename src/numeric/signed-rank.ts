import { normalSf } from './distributions/normal.js';

/** Beyond so many differences the normal approximation is good. */
const MOST_EXACT = 50;

/**
 * Wilcoxon's signed-rank test, one-sided: the chance of rank sums as large as these if differences were as often below 0
 * as above. Zeros are dropped and ties share their ranks (Wilcoxon 1945; as scipy's `wilcoxon(alternative='greater')`):
 * exact up to 50 differences, given the ranks that there are; beyond, the normal approximation with correction for ties.
 *
 * @returns 1 where every difference is 0
 */
export function signedRankGreater(differences: readonly number[]): number {
  const nonzero = differences.filter((difference) => difference !== 0);
  const count = nonzero.length;
  if (count === 0) return 1;
  const ranks = midRanks(nonzero.map(Math.abs));
  const positive = ranks.reduce((sum, rank, i) => sum + (nonzero[i] > 0 ? rank : 0), 0);
  if (count > MOST_EXACT) {
    const mean = ranks.reduce((sum, rank) => sum + rank, 0) / 2;
    const variance = ranks.reduce((sum, rank) => sum + rank * rank, 0) / 4;
    return normalSf((positive - mean) / Math.sqrt(variance));
  }
  // Twice the ranks are whole numbers: how many of the 2^n signs give each sum.
  const doubled = ranks.map((rank) => Math.round(2 * rank));
  const most = doubled.reduce((sum, rank) => sum + rank, 0);
  const ways = new Float64Array(most + 1);
  ways[0] = 1;
  let reached = 0;
  for (const rank of doubled) {
    for (let sum = reached; sum >= 0; sum--) ways[sum + rank] += ways[sum];
    reached += rank;
  }
  let tail = 0;
  for (let sum = Math.round(2 * positive); sum <= most; sum++) tail += ways[sum];
  return Math.min(1, tail / 2 ** count);
}

function midRanks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) ranks[order[i]] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}

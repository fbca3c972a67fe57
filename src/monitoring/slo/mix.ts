import type { Measured } from './sli.js';

/** Counts as they would be under a reference mix. */
export interface Reweighted extends Measured {
  /** Share of the reference mix of which nothing was seen. */
  readonly uncovered: number;
}

/**
 * Post-stratification: the bad share is the mean of the slices' by the reference shares, so that a change of the traffic's
 * mix alone does not move it. The total is the effective number of events, 1 / sum(w^2 / n): as many as, drawn from the
 * reference mix, would tell it as exactly. Slices that were not seen leave the rest to be weighted by what there is.
 *
 * @param slices by value; those outside the mix do not count
 */
export function reweight(slices: ReadonlyMap<string, Measured>, shares: Readonly<Record<string, number>>): Reweighted {
  const entries = Object.entries(shares);
  const whole = entries.reduce((sum, [, share]) => sum + share, 0);
  const seen = entries.flatMap(([value, share]) => {
    const counts = slices.get(value);
    return counts === undefined || counts.total === 0 ? [] : [{ share: share / whole, counts }];
  });
  const pending = entries.reduce((sum, [value]) => sum + (slices.get(value)?.pending ?? 0), 0);
  const covered = seen.reduce((sum, { share }) => sum + share, 0);
  if (covered === 0) return { good: 0, total: 0, pending, uncovered: 1 };
  let [bad, variance] = [0, 0];
  for (const { share, counts } of seen) {
    const weight = share / covered;
    bad += weight * (1 - counts.good / counts.total);
    variance += weight ** 2 / counts.total;
  }
  const total = 1 / variance;
  return { good: total * (1 - bad), total, pending, uncovered: Math.max(0, 1 - covered) };
}

import type { Random } from '../../numeric/random.js';

/**
 * Weights seen so far, of one tensor:
 *
 *     mean         <- mean + (w - mean) / n
 *     spread       <- spread + (w - mean before) (w - mean after)       n times the variance (Welford, 1962)
 *     deviations   the last `rank` of w - mean after
 */
export interface Moments {
  readonly mean: Float32Array;
  readonly spread: Float32Array;
  /** [rank, weights], a ring. */
  readonly deviations: Float32Array;
}

/** Takes up the weights as the `count`-th, from 1. */
export function collect({ mean, spread, deviations }: Moments, weights: Float32Array, count: number): void {
  const size = mean.length;
  const at = ((count - 1) % (deviations.length / size)) * size;
  for (let i = 0; i < size; i++) {
    // The first mean is whatever the array held before anything was seen.
    const before = count === 1 ? weights[i] : mean[i];
    mean[i] = before + (weights[i] - before) / count;
    const after = weights[i] - mean[i];
    spread[i] = count === 1 ? 0 : spread[i] + (weights[i] - before) * after;
    deviations[at + i] = after;
  }
}

/**
 * Draws weights of all tensors from N(mean, scale / 2 (diag(variance) + D D' / (columns - 1))), D the deviations: one normal
 * number a weight, and one a column that all tensors share.
 */
export function drawWeights(
  tensors: ReadonlyMap<string, Moments>,
  { count, scale, stream }: { count: number; scale: number; stream: Random },
): Map<string, Float32Array> {
  const [first] = tensors.values();
  const columns = Math.min(count, first.deviations.length / first.mean.length);
  const along = Float64Array.from(
    { length: columns },
    () => stream.normal() * Math.sqrt(scale / (2 * Math.max(1, columns - 1))),
  );
  const root = Math.sqrt(scale / 2);
  return new Map(
    [...tensors].map(([name, { mean, spread, deviations }]) => [
      name,
      Float32Array.from(mean, (value, i) => {
        let drawn = value + root * Math.sqrt(Math.max(0, spread[i]) / count) * stream.normal();
        for (let k = 0; k < columns; k++) drawn += along[k] * deviations[k * mean.length + i];
        return drawn;
      }),
    ]),
  );
}

/**
 * Intervals of norms of noisy errors: calibration errors (sums of absolute errors of bins), differences between groups
 * (the largest minus the smallest rate). The norm T of the observed errors e exceeds that of the true ones, most where
 * these are 0; the plain bootstrap adds the noise a second time and misses the truth. Here tests are inverted: a world
 * in which the true errors are s e has norm s T and shows norm(s e + noise). The interval holds s T of every world in
 * which what was observed is neither too large nor too small to be seen.
 */
import type { Interval } from '../numeric/index.js';

export interface NoisyErrors {
  readonly errors: Float64Array;
  /** Absolutely homogeneous: norm(c e) = |c| norm(e). */
  readonly norm: (errors: Float64Array) => number;
  /** Draws of the noise of the errors, one after the other, [draws, errors]. */
  readonly noise: Float64Array;
}

/** The interval, and the norm of errors + noise for every draw. */
export function normInterval(
  { errors, norm, noise }: NoisyErrors,
  level: number,
): { interval: Interval; norms: Float64Array } {
  const width = errors.length;
  const draws = noise.length / width;
  const observed = norm(errors);
  const noisy = new Float64Array(width);
  const normsAt = (scale: number): Float64Array => {
    const norms = new Float64Array(draws);
    for (let b = 0; b < draws; b++) {
      for (let j = 0; j < width; j++) noisy[j] = scale * errors[j] + noise[b * width + j];
      norms[b] = norm(noisy);
    }
    return norms;
  };
  const tail = (1 - level) / 2;
  /** Share of draws of the world `scale` with at least what was observed: grows with the scale. */
  const shareAbove = (scale: number): number =>
    normsAt(scale).reduce((count, value) => count + Number(value >= observed), 0) / draws;
  const low = crossing((scale) => shareAbove(scale) >= tail, 1);
  const high = crossing((scale) => shareAbove(scale) >= 1 - tail, 8);
  return { interval: [low * observed, high * observed], norms: normsAt(1) };
}

/** The smallest scale in [0, limit] at which a condition holds that holds from some scale on. */
function crossing(holds: (scale: number) => boolean, limit: number): number {
  if (holds(0)) return 0;
  let low = 0;
  let high = limit;
  for (let step = 0; step < 12; step++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

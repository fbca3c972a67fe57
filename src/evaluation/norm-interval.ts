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
  const normAt = (scale: number, draw: number): number => {
    for (let j = 0; j < width; j++) noisy[j] = scale * errors[j] + noise[draw * width + j];
    return norm(noisy);
  };
  const norms = Float64Array.from({ length: draws }, (_, draw) => normAt(1, draw));
  const seen = whereSeen(observed, norms, normAt);
  const tail = (1 - level) / 2;
  /** Share of draws of the world `scale` with at least what was observed: grows with the scale. */
  const shareAbove = (scale: number): number => {
    let count = 0;
    for (let draw = 0; draw < draws; draw++) count += Number(seen(scale, draw));
    return count / draws;
  };
  const low = crossing((scale) => shareAbove(scale) >= tail, 1);
  const high = crossing((scale) => shareAbove(scale) >= 1 - tail, 8);
  return { interval: [low * observed, high * observed], norms };
}

/**
 * Whether a draw shows at least what was observed in the world of a scale. A norm is convex along the scale, so that the
 * scales at which a draw shows less are one interval, which ends at 1 + r at most, r its noise's norm as a share of what was
 * observed (the triangle inequality): most answers follow from earlier ones, and few norms are computed.
 *
 * @param norms of each draw in the world of scale 1
 */
function whereSeen(
  observed: number,
  norms: Float64Array,
  normAt: (scale: number, draw: number) => number,
): (scale: number, draw: number) => boolean {
  // Where a draw is known to show less: from > to where that is nowhere. And from where on it shows more.
  const from = new Float64Array(norms.length).fill(Number.POSITIVE_INFINITY);
  const to = new Float64Array(norms.length).fill(Number.NEGATIVE_INFINITY);
  const above = new Float64Array(norms.length).fill(Number.POSITIVE_INFINITY);
  const learn = (scale: number, draw: number, value: number): boolean => {
    const less = value < observed;
    if (less) {
      from[draw] = Math.min(from[draw], scale);
      to[draw] = Math.max(to[draw], scale);
    } else if (scale > to[draw] && from[draw] <= to[draw]) above[draw] = Math.min(above[draw], scale);
    return !less;
  };
  for (let draw = 0; draw < norms.length; draw++) {
    const atNone = normAt(0, draw);
    learn(0, draw, atNone);
    learn(1, draw, norms[draw]);
    // Within rounding of the bound nothing is known.
    above[draw] = Math.min(above[draw], 1 + atNone / observed + 1e-9);
  }
  return (scale, draw) => {
    if (from[draw] <= scale && scale <= to[draw]) return false;
    return scale >= above[draw] || learn(scale, draw, normAt(scale, draw));
  };
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

/** Quantile functions from distribution functions. */
import type { Tails } from './gamma-function.js';

/**
 * The u at which a distribution's lower part is `probability` and its upper part is `complement` (1 - probability).
 * `tails` must increase in u over the whole line and `slope` is its derivative by u. Newton on the logarithm of the
 * smaller part, kept inside a shrinking bracket; `start` is any guess.
 */
export function invert(
  probability: number,
  complement: number,
  tails: (u: number) => Tails,
  slope: (u: number) => number,
  start: number,
): number {
  const useLower = probability <= complement;
  const goal = Math.log(useLower ? probability : complement);
  /** Positive when u is too large. */
  const excess = (u: number): number => {
    const at = tails(u);
    return useLower ? Math.log(at.lower) - goal : goal - Math.log(at.upper);
  };
  let low = start;
  let high = start;
  const limit = 1e6;
  for (let step = 1; excess(low) > 0 && low > -limit; step *= 2) low -= step;
  for (let step = 1; excess(high) < 0 && high < limit; step *= 2) high += step;
  let u = Math.min(Math.max(start, low), high);
  for (let iteration = 0; iteration < 200; iteration++) {
    const at = tails(u);
    const part = useLower ? at.lower : at.upper;
    const error = useLower ? Math.log(part) - goal : goal - Math.log(part);
    if (error === 0) return u;
    if (error > 0) high = u;
    else low = u;
    const newton = u - (error * part) / slope(u);
    const next = newton > low && newton < high ? newton : low + (high - low) / 2;
    if (Math.abs(next - u) <= 2e-16 * Math.abs(next) || high - low <= 1e-300) return next;
    u = next;
  }
  return u;
}

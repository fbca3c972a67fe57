/** The standard normal distribution. */
import { incompleteGamma } from '../gamma-function.js';

/** exp(-z^2 / 2) / sqrt(2 pi). */
export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) * 0.3989422804014327;
}

/** P(Z <= z), with full relative precision down to about 1e-308. */
export function normalCdf(z: number): number {
  return z > 0 ? 1 - upperTail(z) : upperTail(-z);
}

/** P(Z > z). */
export function normalSf(z: number): number {
  return normalCdf(-z);
}

/** P(Z > z) for z >= 0: Q(1/2, z^2 / 2) / 2. */
function upperTail(z: number): number {
  return Number.isNaN(z) ? Number.NaN : 0.5 * incompleteGamma(0.5, 0.5 * z * z).upper;
}

/**
 * The z with P(Z <= z) = p: a rational first guess (Abramowitz & Stegun 26.2.23), then Newton on ln P, which converges
 * from 1e-308 to 1 - 1e-16. -Infinity at 0, Infinity at 1, NaN outside [0, 1].
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p > 0.5) return -lowerQuantile(1 - p);
  return lowerQuantile(p);
}

function lowerQuantile(p: number): number {
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 0.5) return 0;
  const t = Math.sqrt(-2 * Math.log(p));
  let z = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (let iteration = 0; iteration < 4; iteration++) {
    const cdf = normalCdf(z);
    const step = (Math.log(cdf / p) * cdf) / normalDensity(z);
    z -= step;
    if (Math.abs(step) < 1e-16 * Math.abs(z)) break;
  }
  return z;
}

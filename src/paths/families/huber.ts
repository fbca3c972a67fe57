import { BallastError } from '../../errors.js';
import { weightedQuantiles } from '../../numeric/quantile.js';
import type { Family } from './family.js';

/** Standard deviations of normal errors beyond which they are outliers: 95 % efficient where there are none. */
const EFFICIENT = 1.345;
/** The median absolute deviation of normal numbers is this share of their standard deviation. */
const OF_NORMAL = 0.6744897501960817;

/**
 * Numbers with outliers (Huber 1964): f(eta) = r^2 / 2 as far as |r| <= delta, r = y - eta, and delta |r| - delta^2 / 2
 * beyond. The curvature is that of the parabola which touches f at r and lies above it.
 */
export function huber(delta: number): Family {
  const clip = (r: number): number => Math.min(Math.max(r, -delta), delta);
  return {
    name: 'huber',
    quadratic: false,
    check: () => undefined,
    evaluate(eta, { target, weights }, residual, curvature) {
      let loss = 0;
      for (let i = 0; i < eta.length; i++) {
        const r = target[i] - eta[i];
        const psi = clip(r);
        loss += weights[i] * psi * (r - psi / 2);
        residual[i] = weights[i] * psi;
        curvature[i] = weights[i] * (r === psi ? 1 : psi / r);
      }
      return loss;
    },
    saturated: () => 0,
    // The conjugate at theta, |theta| <= delta, is theta^2 / 2 - y theta.
    gap(eta, { target, weights }, share) {
      let sum = 0;
      for (let i = 0; i < eta.length; i++) {
        const r = target[i] - eta[i];
        const psi = clip(r);
        const theta = share * psi;
        sum += weights[i] * (psi * (r - psi / 2) + (theta * theta) / 2 - theta * r);
      }
      return sum;
    },
    mean: (eta) => eta,
    link: (mean) => mean,
  };
}

/**
 * Where the loss becomes linear unless it is said: 1.345 standard deviations of the target, as its median absolute deviation
 * from its median tells them.
 *
 * @throws BallastError PATH_DELTA where more than half of the rows have the same target
 */
export function usualDelta(target: Float64Array, weights: Float64Array): number {
  const median = (values: Float64Array): number => weightedQuantiles(values, weights, [0.5])[0];
  const middle = median(target);
  const deviation = median(target.map((value) => Math.abs(value - middle)));
  if (deviation > 0) return (EFFICIENT * deviation) / OF_NORMAL;
  throw new BallastError('half of the rows or more have one target, so that it does not tell the size of an outlier', {
    code: 'PATH_DELTA',
    value: middle,
    remedy: 'Give the distance from which on the loss is to be linear (delta)',
  });
}

import { BallastError } from '../../errors.js';
import type { Family } from './family.js';

/**
 * A quantile of numbers (Koenker and Bassett 1978): f(eta) = tau r where r = y - eta is above 0, (tau - 1) r below. It has no
 * second derivatives: its models are found by interior points, not by Newton steps, and `residual` is a subgradient's.
 */
export function quantile(tau: number): Family {
  return {
    name: 'quantile',
    quadratic: false,
    check() {
      if (tau > 0 && tau < 1) return;
      throw new BallastError('a quantile is between 0 and 1', { code: 'PATH_QUANTILE', value: tau, remedy: 'Mend it' });
    },
    evaluate(eta, { target, weights }, residual, curvature) {
      let loss = 0;
      for (let i = 0; i < eta.length; i++) {
        const r = target[i] - eta[i];
        const slope = r > 0 ? tau : r < 0 ? tau - 1 : 0;
        loss += weights[i] * slope * r;
        residual[i] = weights[i] * slope;
        curvature[i] = 0;
      }
      return loss;
    },
    saturated: () => 0,
    // The conjugate is that of a point between tau - 1 and tau: -y theta.
    gap(eta, { target, weights }, share) {
      let sum = 0;
      for (let i = 0; i < eta.length; i++) {
        const r = target[i] - eta[i];
        sum += (1 - share) * weights[i] * (r > 0 ? tau : tau - 1) * r;
      }
      return sum;
    },
    mean: (eta) => eta,
    link: (mean) => mean,
  };
}

import type { Family } from './family.js';

/** f(eta) = (y - eta)^2 / 2. */
export const gaussian: Family = {
  name: 'gaussian',
  quadratic: true,
  check: () => undefined,
  evaluate(eta, { target, weights }, residual, curvature) {
    let loss = 0;
    for (let i = 0; i < eta.length; i++) {
      const difference = target[i] - eta[i];
      residual[i] = weights[i] * difference;
      curvature[i] = weights[i];
      loss += residual[i] * difference;
    }
    return loss / 2;
  },
  saturated: () => 0,
  gap(eta, { target, weights }, share) {
    let squares = 0;
    for (let i = 0; i < eta.length; i++) squares += weights[i] * (target[i] - eta[i]) ** 2;
    return ((1 - share) ** 2 * squares) / 2;
  },
  mean: (eta) => eta,
  link: (mean) => mean,
};

import type { Family } from './family.js';

/** Several numbers a row: f(eta) = sum over them of (y - eta)^2 / 2. */
export function multiGaussian(outputs: number): Family {
  return {
    name: 'mgaussian',
    quadratic: true,
    outputs,
    check: () => undefined,
    evaluate(eta, { target, weights }, residual, curvature) {
      const n = weights.length;
      let loss = 0;
      for (let from = 0; from < eta.length; from += n) {
        for (let i = 0; i < n; i++) {
          const difference = target[from + i] - eta[from + i];
          residual[from + i] = weights[i] * difference;
          curvature[from + i] = weights[i];
          loss += residual[from + i] * difference;
        }
      }
      return loss / 2;
    },
    saturated: () => 0,
    gap(eta, { target, weights }, share) {
      let squares = 0;
      for (let at = 0; at < eta.length; at++) squares += weights[at % weights.length] * (target[at] - eta[at]) ** 2;
      return ((1 - share) ** 2 * squares) / 2;
    },
    mean: (eta) => eta,
    link: (mean) => mean,
  };
}

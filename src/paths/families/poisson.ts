import { BallastError } from '../../errors.js';
import type { Family } from './family.js';

/** Least curvature of a row. */
const LEAST = 1e-12;

/** x log x - x, continuous at 0. */
const entropy = (x: number): number => (x > 0 ? x * Math.log(x) - x : 0);

/** f(eta) = e^eta - y eta: counts, or rates with an offset log(exposure). */
export const poisson: Family = {
  name: 'poisson',
  quadratic: false,
  check(target) {
    const row = target.findIndex((value) => !(value >= 0));
    if (row === -1 && target.some((value) => value > 0)) return;
    throw new BallastError(row === -1 ? 'every count is 0' : 'a count is 0 or more', {
      code: 'PATH_TARGET',
      ...(row === -1 ? {} : { place: `row ${row + 1}`, value: target[row] }),
      remedy: row === -1 ? 'Give rows with counts above 0' : 'Mend the row, or choose another family',
    });
  },
  evaluate(eta, { target, weights }, residual, curvature) {
    let loss = 0;
    for (let i = 0; i < eta.length; i++) {
      const mean = Math.exp(eta[i]);
      loss += weights[i] * (mean - target[i] * eta[i]);
      residual[i] = weights[i] * (target[i] - mean);
      curvature[i] = weights[i] * Math.max(mean, LEAST);
    }
    return loss;
  },
  saturated({ target, weights }) {
    let loss = 0;
    for (let i = 0; i < target.length; i++) loss -= weights[i] * entropy(target[i]);
    return loss;
  },
  gap(eta, { target, weights }, share) {
    let sum = 0;
    for (let i = 0; i < eta.length; i++) {
      const y = target[i];
      const mean = Math.exp(eta[i]);
      const theta = share * (y - mean);
      sum += weights[i] * (mean - y * eta[i] + entropy(Math.max(0, y - theta)) + theta * eta[i]);
    }
    return sum;
  },
  mean: (eta) => Math.exp(eta),
  link: (mean) => Math.log(mean),
};

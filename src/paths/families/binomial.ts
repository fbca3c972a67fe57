import { BallastError } from '../../errors.js';
import type { Family } from './family.js';

/** Least curvature of a row: one that is predicted with certainty must not vanish from the model. */
const LEAST = 1e-9;

const entropy = (p: number): number => (p > 0 ? p * Math.log(p) : 0);

/** f(eta) = log(1 + e^eta) - y eta, y the probability of the second class (0, 1, or a share of trials). */
export const binomial: Family = {
  name: 'binomial',
  quadratic: false,
  check(target) {
    const row = target.findIndex((value) => !(value >= 0 && value <= 1));
    if (row !== -1) {
      throw new BallastError('a binomial target is 0, 1, or a share between them', {
        code: 'PATH_TARGET',
        place: `row ${row + 1}`,
        value: target[row],
        remedy: 'Encode the two classes as 0 and 1, or choose another family',
      });
    }
    if (target.every((value) => value === 0) || target.every((value) => value === 1)) {
      throw new BallastError('the target has one class only', {
        code: 'PATH_ONE_CLASS',
        value: target[0],
        remedy: 'Give rows of both classes',
      });
    }
  },
  evaluate(eta, { target, weights }, residual, curvature) {
    let loss = 0;
    for (let i = 0; i < eta.length; i++) {
      const e = eta[i];
      const small = Math.exp(-Math.abs(e));
      const larger = 1 / (1 + small);
      const p = e >= 0 ? larger : small * larger;
      loss += weights[i] * (Math.max(e, 0) + Math.log1p(small) - target[i] * e);
      residual[i] = weights[i] * (target[i] - p);
      curvature[i] = weights[i] * Math.max(small * larger * larger, LEAST);
    }
    return loss;
  },
  saturated({ target, weights }) {
    let loss = 0;
    for (let i = 0; i < target.length; i++) loss -= weights[i] * (entropy(target[i]) + entropy(1 - target[i]));
    return loss;
  },
  gap(eta, { target, weights }, share) {
    let sum = 0;
    for (let i = 0; i < eta.length; i++) {
      const e = eta[i];
      const y = target[i];
      const small = Math.exp(-Math.abs(e));
      const p = (e >= 0 ? 1 : small) / (1 + small);
      const theta = share * (y - p);
      const q = Math.min(1, Math.max(0, y - theta));
      const loss = Math.max(e, 0) + Math.log1p(small) - y * e;
      sum += weights[i] * (loss + entropy(q) + entropy(1 - q) + theta * e);
    }
    return sum;
  },
  mean: (eta) => 1 / (1 + Math.exp(-eta)),
  link: (mean) => Math.log(mean / (1 - mean)),
};

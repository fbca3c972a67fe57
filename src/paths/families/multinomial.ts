import { BallastError } from '../../errors.js';
import type { Coupling, Family, Rows } from './family.js';

/** Least curvature of a row, by its weight: a class that is all but ruled out must not vanish from the model. */
const LEAST = 1e-9;

/**
 * Classes: f(eta) = log(sum over classes k of e^eta_k) - eta_y. Each class has coefficients of its own; what is common to all
 * changes nothing, and is determined by the penalty (with none, the mean over classes is 0).
 */
export function multinomial(classes: number): Family {
  /** Probabilities of the classes, as eta stands; and the loss. */
  function predict(eta: Float64Array, { target, weights }: Rows, into: Float64Array): number {
    const n = weights.length;
    const end = n * classes;
    let loss = 0;
    for (let i = 0; i < n; i++) {
      let top = eta[i];
      for (let at = i + n; at < end; at += n) if (eta[at] > top) top = eta[at];
      let sum = 0;
      for (let at = i; at < end; at += n) {
        into[at] = Math.exp(eta[at] - top);
        sum += into[at];
      }
      for (let at = i; at < end; at += n) into[at] /= sum;
      loss += weights[i] * (Math.log(sum) + top - eta[target[i] * n + i]);
    }
    return loss;
  }

  return {
    name: 'multinomial',
    quadratic: false,
    outputs: classes,
    check(target) {
      const row = target.findIndex((value) => !(Number.isInteger(value) && value >= 0 && value < classes));
      if (row !== -1) {
        throw new BallastError('a multinomial target is the index of a class', {
          code: 'PATH_TARGET',
          place: `row ${row + 1}`,
          value: target[row],
          remedy: `Encode the classes as 0 to ${Number.isInteger(classes) ? classes - 1 : 'their number less one'}`,
        });
      }
      const seen = new Set(target);
      if (seen.size === 1) {
        throw new BallastError('the target has one class only', {
          code: 'PATH_ONE_CLASS',
          value: target[0],
          remedy: 'Give rows of every class',
        });
      }
      for (let k = 0; k < classes; k++) {
        if (seen.has(k)) continue;
        throw new BallastError(`no row is of class ${k + 1} of ${classes}`, {
          code: 'PATH_CLASS',
          value: k,
          remedy: 'Give rows of it, leave it out, or take fewer folds',
        });
      }
    },
    evaluate(eta, rows, residual, curvature) {
      const { target, weights } = rows;
      const n = weights.length;
      const loss = predict(eta, rows, curvature);
      for (let from = 0; from < eta.length; from += n) {
        for (let i = 0; i < n; i++) {
          const expected = weights[i] * curvature[from + i];
          residual[from + i] = -expected;
          curvature[from + i] = expected + LEAST * weights[i];
        }
      }
      for (let i = 0; i < n; i++) residual[target[i] * n + i] += weights[i];
      return loss;
    },
    /** The diagonal w p less w p p' of each row. */
    couple(eta, rows, { kernels, scratch }): Coupling {
      const n = rows.weights.length;
      predict(eta, rows, scratch);
      for (let at = 0; at < scratch.length; at++) scratch[at] = -scratch[at];
      const parts = Array.from({ length: classes }, (_, k) => scratch.subarray(k * n, (k + 1) * n));
      const kept = new Float64Array(n);
      return (column, output) => {
        const own = column.subarray(output * n, (output + 1) * n);
        kept.set(own);
        parts.forEach((part, k) => {
          if (k !== output) kernels.multiply(part, own, column.subarray(k * n, (k + 1) * n), n);
        });
        kernels.multiply(parts[output], own, own, n);
        for (let i = 0; i < n; i++) own[i] += kept[i];
      };
    },
    saturated: () => 0,
    /** The dual point is that of q = share p + (1 - share) y, and the gap of a row the divergence of q from p. */
    gap(eta, rows, share) {
      const { target, weights } = rows;
      const n = weights.length;
      const p = new Float64Array(eta.length);
      predict(eta, rows, p);
      let gap = 0;
      for (let i = 0; i < n; i++) {
        if (weights[i] === 0) continue;
        const own = p[target[i] * n + i];
        const q = share * own + 1 - share;
        const rest = share > 0 ? (1 - own) * share * Math.log(share) : 0;
        gap += weights[i] * (q * Math.log(q / own) + rest);
      }
      return gap;
    },
    mean: (eta) => eta,
    link: () => 0,
  };
}

import { BallastError } from '../../errors.js';
import type { Coupling, Family, Rows } from './family.js';

/** Least curvature of a row, by its weight: one that is in no risk set must not vanish from the model. */
const LEAST = 1e-9;

/** Rows by time. Rows of one time are a group: an event there puts all of them, and all later ones, at risk. */
interface Times {
  /** Rows by ascending time. */
  readonly order: Int32Array;
  /** Group g is from `starts[g]` to `starts[g + 1]` of the order. */
  readonly starts: Int32Array;
  /** Weight of the events of each group. */
  readonly events: Float64Array;
}

const KNOWN = new WeakMap<Rows, Times>();

/** The order of the rows' times, which is asked for at every step. */
function timesOf(rows: Rows): Times {
  const known = KNOWN.get(rows);
  if (known !== undefined) return known;
  const { target, weights, event } = rows;
  const order = Int32Array.from(target.keys()).sort((a, b) => target[a] - target[b]);
  const starts: number[] = [];
  const events: number[] = [];
  order.forEach((row, at) => {
    if (at === 0 || target[row] !== target[order[at - 1]]) {
      starts.push(at);
      events.push(0);
    }
    events[events.length - 1] += weights[row] * (event?.[row] ?? 1);
  });
  const times = {
    order,
    starts: Int32Array.from([...starts, order.length]),
    events: Float64Array.from(events),
  };
  KNOWN.set(rows, times);
  return times;
}

interface Risks {
  /** w e^(eta - top) of each row. */
  readonly risk: Float64Array;
  /** Sum of the risks of those at risk at each group's time, and the largest eta, by which all are scaled. */
  readonly atRisk: Float64Array;
  readonly top: number;
}

function risksOf(eta: Float64Array, { weights }: Rows, { order, starts, events }: Times): Risks {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < eta.length; i++) if (weights[i] > 0 && eta[i] > top) top = eta[i];
  const risk = new Float64Array(eta.length);
  for (let i = 0; i < eta.length; i++) risk[i] = weights[i] === 0 ? 0 : weights[i] * Math.exp(eta[i] - top);
  const atRisk = new Float64Array(events.length);
  let sum = 0;
  for (let g = events.length - 1; g >= 0; g--) {
    for (let at = starts[g]; at < starts[g + 1]; at++) sum += risk[order[at]];
    atRisk[g] = sum;
  }
  return { risk, atRisk, top };
}

/**
 * Survival times: minus the logarithm of Cox's partial likelihood, ties as Breslow (1974) has them,
 *
 *     sum over times t of  d_t log(sum over those at risk at t of w_i e^eta_i)  -  sum over events of w_i eta_i,
 *
 * d_t the weight of the events at t. Its second derivatives are those of each time's log-sum: a diagonal less one product.
 */
export const cox: Family = {
  name: 'cox',
  quadratic: false,
  relative: true,
  check(target, event) {
    if (event === undefined) {
      throw new BallastError('survival times need to know which of them ended in the event', {
        code: 'PATH_EVENT',
        remedy: 'Give for each row 1 where the event was seen, 0 where the row was last seen without it',
      });
    }
    const wrong = event.findIndex((value) => value !== 0 && value !== 1);
    if (wrong !== -1) {
      throw new BallastError('whether the event was seen is 0 or 1', {
        code: 'PATH_EVENT',
        place: `row ${wrong + 1}`,
        value: event[wrong],
        remedy: 'Mend the row',
      });
    }
    const row = target.findIndex((value) => !(value >= 0));
    if (row !== -1) {
      throw new BallastError('a survival time is 0 or more', {
        code: 'PATH_TARGET',
        place: `row ${row + 1}`,
        value: target[row],
        remedy: 'Mend the row, or choose another family',
      });
    }
    const last = target.reduce((most, value) => Math.max(most, value), 0);
    const together = target.filter((time) => time === last).length > 1;
    if (event.some((value, i) => value === 1 && (together || target[i] < last))) return;
    throw new BallastError('no event was seen while another row was at risk', {
      code: 'PATH_EVENT',
      remedy: 'Give rows with events (1), or choose another family',
    });
  },
  evaluate(eta, rows, residual, curvature) {
    const times = timesOf(rows);
    const { weights, event } = rows;
    const { order, starts, events } = times;
    const { risk, atRisk, top } = risksOf(eta, rows, times);
    let [loss, hazard] = [0, 0];
    for (let g = 0; g < events.length; g++) {
      if (events[g] > 0) {
        hazard += events[g] / atRisk[g];
        loss += events[g] * (Math.log(atRisk[g]) + top);
      }
      for (let at = starts[g]; at < starts[g + 1]; at++) {
        const i = order[at];
        const seen = weights[i] * (event?.[i] ?? 1);
        const expected = risk[i] * hazard;
        if (seen > 0) loss -= seen * eta[i];
        residual[i] = seen - expected;
        curvature[i] = expected + LEAST * weights[i];
      }
    }
    return loss;
  },
  couple(eta, rows): Coupling {
    const times = timesOf(rows);
    const { order, starts, events } = times;
    const { risk, atRisk } = risksOf(eta, rows, times);
    const share = new Float64Array(eta.length);
    let hazard = 0;
    for (let g = 0; g < events.length; g++) {
      if (events[g] > 0) hazard += events[g] / atRisk[g];
      for (let at = starts[g]; at < starts[g + 1]; at++) {
        const i = order[at];
        const curvature = risk[i] * hazard + LEAST * rows.weights[i];
        share[i] = curvature > 0 ? risk[i] / curvature : 0;
      }
    }
    const means = new Float64Array(events.length);
    return (column) => {
      // The mean of the column among those at risk at each time, by their risks.
      let sum = 0;
      for (let g = events.length - 1; g >= 0; g--) {
        for (let at = starts[g]; at < starts[g + 1]; at++) sum += share[order[at]] * column[order[at]];
        means[g] = events[g] > 0 ? sum / atRisk[g] : 0;
      }
      let drawn = 0;
      for (let g = 0; g < events.length; g++) {
        if (events[g] > 0) drawn += (events[g] / atRisk[g]) * means[g];
        for (let at = starts[g]; at < starts[g + 1]; at++) column[order[at]] -= risk[order[at]] * drawn;
      }
    };
  },
  saturated(rows) {
    let loss = 0;
    for (const weight of timesOf(rows).events) if (weight > 0) loss += weight * Math.log(weight);
    return loss;
  },
  /**
   * At the risks p of those at risk at a time, and the shares q of its events, the dual point is that of
   * v = share p + (1 - share) q, and the gap of the time is the divergence of v from p.
   */
  gap(eta, rows, share) {
    const times = timesOf(rows);
    const { event } = rows;
    const { order, starts, events } = times;
    const { risk, atRisk } = risksOf(eta, rows, times);
    let gap = 0;
    for (let g = 0; g < events.length; g++) {
      if (!(events[g] > 0)) continue;
      let [others, divergence] = [1, 0];
      for (let at = starts[g]; at < starts[g + 1]; at++) {
        const i = order[at];
        const seen = rows.weights[i] * (event?.[i] ?? 1);
        if (!(seen > 0)) continue;
        const p = risk[i] / atRisk[g];
        const v = share * p + ((1 - share) * seen) / events[g];
        others -= p;
        divergence += v * Math.log(v / p);
      }
      const rest = share > 0 ? share * Math.log(share) * Math.max(0, others) : 0;
      gap += events[g] * (divergence + rest);
    }
    return gap;
  },
  /** The risk relative to a row whose predictor is 0. */
  mean: (eta) => Math.exp(eta),
  link: () => 0,
};

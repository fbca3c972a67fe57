import { cholesky } from '../numeric/symmetric.js';
import type { Design } from './design.js';
import { solveTriangles } from './newton-leap.js';
import type { Penalty } from './penalty.js';

/** Interior-point steps of one model, at most; steps that gain nothing end it before. */
const MOST_STEPS = 80;
/** Share of the way to the nearest bound that a step goes. */
const INSIDE = 0.99995;

/** What is minimised over the coefficients of some columns: piecewise linear in each row's residual, the penalty's in each coefficient. */
export interface InteriorProblem {
  readonly design: Design;
  readonly penalty: Penalty;
  readonly members: Int32Array;
  /** What each row's predictor is to come to, offsets taken off. */
  readonly target: Float64Array;
  /** Slopes of a row's loss: `above` of a residual above 0, minus `below` of one below. */
  readonly above: Float64Array;
  readonly below: Float64Array;
  /** Where coefficients start. */
  readonly start: Float64Array;
  /** Arrays in the kernels' memory: three as long as the rows, two as long as the members or longer. */
  readonly space: { readonly rows: readonly Float64Array[]; readonly members: readonly Float64Array[] };
}

export interface InteriorPoint {
  readonly b: Float64Array;
  /** Dual point of the rows, between minus `below` and `above`. */
  readonly a: Float64Array;
}

/**
 * A linear, or with a ridge part quadratic, program by Mehrotra's predictor-corrector method (1992; for quantiles Portnoy and
 * Koenker 1997). With r = p - q the residual, b = s - t, multipliers a of rows and c of coefficients,
 *
 *     X'a = c + l2 b,   p (above - a) = q (below + a) = s (l1 - c) = t (l1 + c) = mu -> 0
 *
 * of which each Newton step solves one system in the coefficients.
 *
 * @param enough whether a point is near enough
 */
export function interiorPoint(problem: InteriorProblem, enough: (point: InteriorPoint) => boolean): InteriorPoint {
  const { design, penalty, members, target, above, below, start, space } = problem;
  const [n, m] = [target.length, members.length];
  const b = start.slice();
  const [fitted, scaled, curved] = space.rows;
  const [given, product] = space.members;
  const a = new Float64Array(n);
  const c = new Float64Array(m);
  const l1 = Float64Array.from(members, (j) => penalty.l1(j));
  const l2 = Float64Array.from(members, (j) => penalty.l2(j));
  const rows = new Split(n);
  const columns = new Split(m);
  const residual = new Float64Array(n);
  const follow = (): void => {
    given.set(b);
    fitted.fill(0);
    design.combine(members, m, given, fitted);
    for (let i = 0; i < n; i++) residual[i] = target[i] - fitted[i];
  };
  follow();
  rows.start(residual, (i) => above[i] + below[i] > 0);
  columns.start(b, (k) => l1[k] > 0);
  for (let step = 0; step < MOST_STEPS; step++) {
    if (enough({ b, a })) break;
    const mu = (rows.slack(a, above, below) + columns.slack(c, l1, l1)) / Math.max(1, 2 * (rows.count + columns.count));
    rows.weigh(a, above, below);
    columns.weigh(c, l1, l1);
    const lower = triangle();
    if (lower === undefined) break;
    solve(0);
    const [primal, dual] = lengths();
    const ahead =
      (rows.slackAhead(a, above, below, primal, dual) + columns.slackAhead(c, l1, l1, primal, dual)) /
      Math.max(1, 2 * (rows.count + columns.count));
    rows.keep();
    columns.keep();
    solve(mu * (ahead / mu) ** 3);
    const [long, dualLong] = lengths();
    // At the minimum itself, products vanish and steps with them.
    if (!(mu > 0 && long > 0 && dualLong > 0) || !columns.shift.every(Number.isFinite)) break;
    for (let k = 0; k < m; k++) b[k] += long * columns.shift[k];
    rows.move(a, long, dualLong);
    columns.move(c, long, dualLong);
    follow();

    function triangle(): Float64Array | undefined {
      const matrix = new Float64Array(m * m);
      curved.set(rows.inverse);
      for (let k = 0; k < m; k++) {
        design.weighted(members[k], curved, scaled);
        design.correlate(members, k + 1, scaled, product);
        for (let j = 0; j <= k; j++) matrix[k * m + j] = product[j];
        matrix[k * m + k] = product[k] * (1 + 1e-14) + columns.inverse[k] + l2[k];
      }
      return cholesky(matrix, m);
    }

    /** Steps towards complementary products of `centre`, and the second-order part of the steps that are kept. */
    function solve(centre: number): void {
      rows.aim(centre, a, above, below, residual);
      columns.aim(centre, c, l1, l1, b);
      const right = new Float64Array(m);
      for (let i = 0; i < n; i++) scaled[i] = a[i] + rows.inverse[i] * rows.rest[i];
      design.correlate(members, m, scaled, product);
      for (let k = 0; k < m; k++) {
        right[k] = product[k] - c[k] - l2[k] * b[k] - columns.inverse[k] * columns.rest[k];
      }
      const shift = solveTriangles(lower as Float64Array, right);
      columns.shift.set(shift);
      given.set(shift);
      fitted.fill(0);
      design.combine(members, m, given, fitted);
      for (let i = 0; i < n; i++) rows.shift[i] = -fitted[i];
      rows.complete(a, above, below, centre);
      columns.complete(c, l1, l1, centre);
    }

    function lengths(): [number, number] {
      const primalLength = Math.min(1, INSIDE * Math.min(rows.primalRoom(), columns.primalRoom()));
      const dualLength = Math.min(1, INSIDE * Math.min(rows.dualRoom(a, above, below), columns.dualRoom(c, l1, l1)));
      const together = l2.some((value) => value > 0);
      const both = Math.min(primalLength, dualLength);
      return together ? [both, both] : [primalLength, dualLength];
    }
  }
  return { b, a };
}

/** Numbers as differences of two that are above 0, each complementary to how far a multiplier is from one of its bounds. */
class Split {
  count = 0;
  readonly up: Float64Array;
  readonly down: Float64Array;
  /** One over the curvature that the complementary products give each number; 0 of those that are free. */
  readonly inverse: Float64Array;
  /** What of each number's equation does not depend on the step. */
  readonly rest: Float64Array;
  /** Step of the numbers themselves. */
  readonly shift: Float64Array;
  readonly #upStep: Float64Array;
  readonly #downStep: Float64Array;
  readonly #step: Float64Array;
  /** Second-order parts of the products. */
  readonly #upBent: Float64Array;
  readonly #downBent: Float64Array;
  readonly #bound: Uint8Array;

  constructor(readonly size: number) {
    const make = (): Float64Array => new Float64Array(size);
    [this.up, this.down, this.inverse, this.rest, this.shift] = [make(), make(), make(), make(), make()];
    [this.#upStep, this.#downStep, this.#step, this.#upBent, this.#downBent] = [make(), make(), make(), make(), make()];
    this.#bound = new Uint8Array(size);
  }

  start(values: Float64Array, bound: (at: number) => boolean): void {
    let sum = 0;
    for (const value of values) sum += Math.abs(value);
    const apart = Math.max(1e-3 * (sum / Math.max(1, this.size)), 1e-6);
    for (let i = 0; i < this.size; i++) {
      if (!bound(i)) continue;
      this.#bound[i] = 1;
      this.count++;
      this.up[i] = Math.max(values[i], 0) + apart;
      this.down[i] = Math.max(-values[i], 0) + apart;
    }
  }

  slack(dual: Float64Array, above: Float64Array, below: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < this.size; i++) {
      if (this.#bound[i]) sum += this.up[i] * (above[i] - dual[i]) + this.down[i] * (below[i] + dual[i]);
    }
    return sum;
  }

  slackAhead(dual: Float64Array, above: Float64Array, below: Float64Array, primal: number, long: number): number {
    let sum = 0;
    for (let i = 0; i < this.size; i++) {
      if (!this.#bound[i]) continue;
      const next = dual[i] + long * this.#step[i];
      sum += (this.up[i] + primal * this.#upStep[i]) * (above[i] - next);
      sum += (this.down[i] + primal * this.#downStep[i]) * (below[i] + next);
    }
    return sum;
  }

  weigh(dual: Float64Array, above: Float64Array, below: Float64Array): void {
    this.#upBent.fill(0);
    this.#downBent.fill(0);
    for (let i = 0; i < this.size; i++) {
      if (!this.#bound[i]) continue;
      this.inverse[i] = 1 / (this.up[i] / (above[i] - dual[i]) + this.down[i] / (below[i] + dual[i]));
    }
  }

  /** The second-order parts of the present step: what the next one corrects. */
  keep(): void {
    for (let i = 0; i < this.size; i++) {
      this.#upBent[i] = this.#upStep[i] * this.#step[i];
      this.#downBent[i] = -this.#downStep[i] * this.#step[i];
    }
  }

  aim(centre: number, dual: Float64Array, above: Float64Array, below: Float64Array, values: Float64Array): void {
    for (let i = 0; i < this.size; i++) {
      if (!this.#bound[i]) continue;
      const up = (centre + this.#upBent[i]) / (above[i] - dual[i]);
      const down = (centre + this.#downBent[i]) / (below[i] + dual[i]);
      this.rest[i] = values[i] - up + down;
    }
  }

  complete(dual: Float64Array, above: Float64Array, below: Float64Array, centre: number): void {
    for (let i = 0; i < this.size; i++) {
      if (!this.#bound[i]) continue;
      const step = this.inverse[i] * (this.rest[i] + this.shift[i]);
      const [high, low] = [above[i] - dual[i], below[i] + dual[i]];
      this.#step[i] = step;
      this.#upStep[i] = (centre + this.#upBent[i] + this.up[i] * step) / high - this.up[i];
      this.#downStep[i] = (centre + this.#downBent[i] - this.down[i] * step) / low - this.down[i];
    }
  }

  primalRoom(): number {
    let room = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.size; i++) {
      if (!this.#bound[i]) continue;
      if (this.#upStep[i] < 0) room = Math.min(room, -this.up[i] / this.#upStep[i]);
      if (this.#downStep[i] < 0) room = Math.min(room, -this.down[i] / this.#downStep[i]);
    }
    return room;
  }

  dualRoom(dual: Float64Array, above: Float64Array, below: Float64Array): number {
    let room = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.size; i++) {
      if (!this.#bound[i]) continue;
      const step = this.#step[i];
      if (step > 0) room = Math.min(room, (above[i] - dual[i]) / step);
      else if (step < 0) room = Math.min(room, -(below[i] + dual[i]) / step);
    }
    return room;
  }

  move(dual: Float64Array, primal: number, long: number): void {
    for (let i = 0; i < this.size; i++) {
      if (!this.#bound[i]) continue;
      this.up[i] += primal * this.#upStep[i];
      this.down[i] += primal * this.#downStep[i];
      dual[i] += long * this.#step[i];
    }
  }
}

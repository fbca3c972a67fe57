import type { Design } from './design.js';
import type { Family, Rows } from './families/family.js';
import { type InteriorPoint, interiorPoint } from './interior.js';
import type { Kernels } from './kernels/kernels.js';
import type { Penalty } from './penalty.js';
import type { Fit } from './solver.js';

/** Rounds of fitting and looking for columns that ought to join, at most. */
const MOST_ROUNDS = 100;
/** Share of the gap that is allowed which an interior point is to reach: the rest is for what is set to 0. */
const NEARER = 0.1;
/** Columns that join at once, at most, beside half of those in the model. */
const JOINING = 30;

export interface QuantileSettings {
  readonly design: Design;
  readonly family: Family;
  readonly rows: Rows;
  readonly offset: Float64Array | undefined;
  readonly penalty: Penalty;
  readonly kernels: Kernels;
  readonly tolerance: number;
  readonly quantile: number;
}

/**
 * Models of a quantile along a path: each a program that interior points solve over the columns that may matter (those of the
 * model before, and those that the dual point shows to be beyond their limits, until none is).
 */
export class QuantileSolver {
  nullLoss = Number.NaN;
  readonly saturatedLoss = 0;
  readonly #s: QuantileSettings;
  readonly #target: Float64Array;
  readonly #above: Float64Array;
  readonly #below: Float64Array;
  readonly #members: Int32Array;
  readonly #all: Int32Array;
  readonly #products: Float64Array;
  readonly #dual: Float64Array;
  readonly #space: { readonly rows: Float64Array[]; readonly members: Float64Array[] };
  /** Coefficients of all columns, the intercept last. */
  readonly #b: Float64Array;
  #size = 0;

  constructor(settings: QuantileSettings) {
    const { design, rows, offset, kernels, penalty, quantile } = settings;
    const all = design.columns + 1;
    this.#s = settings;
    this.#target = rows.target.map((value, i) => value - (offset?.[i] ?? 0));
    this.#above = rows.weights.map((weight) => weight * quantile);
    this.#below = rows.weights.map((weight) => weight * (1 - quantile));
    this.#members = kernels.integers(all);
    this.#products = kernels.floats(all);
    this.#dual = kernels.floats(design.rows);
    const floats = (length: number) => (): Float64Array => kernels.floats(length);
    this.#space = {
      rows: Array.from({ length: 3 }, floats(design.rows)),
      members: Array.from({ length: 2 }, floats(all)),
    };
    this.#b = new Float64Array(all);
    const eligible = (j: number): boolean =>
      (j === design.columns ? penalty.upper[j] > 0 : design.scale[j] !== 0) && Number.isFinite(penalty.factors[j]);
    const columns = Array.from({ length: all }, (_, j) => j).filter(eligible);
    this.#all = kernels.integers(columns.length);
    this.#all.set(columns);
  }

  /** Fits what is not penalised. @returns the least lambda at which nothing else is in the model */
  begin(): number {
    const { penalty } = this.#s;
    penalty.set(1);
    this.#take(Array.from(this.#all).filter((j) => penalty.factors[j] === 0));
    this.nullLoss = Number.POSITIVE_INFINITY;
    const { loss } = this.#solve(1e-12);
    this.nullLoss = loss;
    let largest = 0;
    for (const [k, j] of this.#all.entries()) {
      if (penalty.factors[j] > 0) largest = Math.max(largest, Math.abs(this.#products[k]) / penalty.factors[j]);
    }
    // At the very limit a coefficient may be any of a range.
    return ((1 + 1e-6) * largest) / Math.max(penalty.alpha, 1e-3);
  }

  /** The model at a penalty, which is to be below the one of the call before. */
  fit(lambda: number, previous: number): Fit {
    const { penalty, tolerance } = this.#s;
    penalty.set(lambda);
    const near = penalty.alpha * Math.max(0, 2 * lambda - previous);
    const kept = Array.from(this.#all).filter(
      (j, k) =>
        this.#b[j] !== 0 || penalty.factors[j] === 0 || Math.abs(this.#products[k]) >= near * penalty.factors[j],
    );
    this.#take(kept);
    for (let round = 0; ; round++) {
      const found = this.#solve(tolerance * this.nullLoss);
      const outside = this.#violators();
      if (outside.length > 0 && round < MOST_ROUNDS) {
        const most = JOINING + Math.floor(this.#size / 2);
        this.#take([...this.#members.subarray(0, this.#size), ...outside.slice(0, most)]);
        continue;
      }
      return this.#result(found, outside.length === 0 && found.gap <= tolerance * this.nullLoss);
    }
  }

  #take(columns: readonly number[]): void {
    this.#size = columns.length;
    this.#members.set([...columns].sort((a, b) => a - b));
  }

  /** Fits the members; products of all columns with the dual point are then known. */
  #solve(allowed: number): { loss: number; gap: number } {
    const { design, penalty } = this.#s;
    const members = this.#members.subarray(0, this.#size);
    const problem = {
      ...{ design, penalty, members, target: this.#target, above: this.#above, below: this.#below, space: this.#space },
      start: Float64Array.from(members, (j) => this.#b[j]),
    };
    let best = Number.POSITIVE_INFINITY;
    let idle = 0;
    const point = interiorPoint(problem, ({ b, a }) => {
      const { loss, gap } = this.#measure(members, b, a);
      idle = gap < 0.9 * best ? 0 : idle + 1;
      best = Math.min(best, gap);
      return gap <= NEARER * (Number.isFinite(this.nullLoss) ? allowed : allowed * loss) || idle > 8;
    });
    this.#b.fill(0);
    members.forEach((j, k) => {
      this.#b[j] = point.b[k];
    });
    this.#cut(members, point, allowed);
    const measured = this.#measure(
      members,
      Float64Array.from(members, (j) => this.#b[j]),
      point.a,
    );
    this.#dual.set(point.a);
    design.correlate(this.#all, this.#all.length, this.#dual, this.#products);
    return measured;
  }

  /** Sets coefficients to 0 that are nearer to it than their products are to their limits, as long as the gap allows it. */
  #cut(members: Int32Array, { b, a }: InteriorPoint, allowed: number): void {
    const { design, penalty } = this.#s;
    this.#dual.set(a);
    const [, products] = this.#space.members;
    design.correlate(members, members.length, this.#dual, products);
    const largest = b.reduce(
      (most, value, k) => (penalty.l1(members[k]) > 0 ? Math.max(most, Math.abs(value)) : most),
      0,
    );
    const cut = b.map((value, k) => {
      const l1 = penalty.l1(members[k]);
      return l1 > 0 && Math.abs(value) / largest < (l1 - Math.abs(products[k])) / l1 ? 0 : value;
    });
    if (Number.isFinite(this.nullLoss) && this.#measure(members, cut, a).gap > allowed) return;
    members.forEach((j, k) => {
      this.#b[j] = cut[k];
    });
  }

  /** Loss, and duality gap among the members. */
  #measure(members: Int32Array, b: Float64Array, a: Float64Array): { loss: number; gap: number } {
    const { design, penalty } = this.#s;
    const [fitted] = this.#space.rows;
    const [given, products] = this.#space.members;
    const size = members.length;
    given.set(b);
    fitted.fill(0);
    design.combine(members, size, given, fitted);
    this.#dual.set(a);
    design.correlate(members, size, this.#dual, products);
    let share = 1;
    for (let k = 0; k < size; k++) share = Math.min(share, penalty.share(members[k], products[k]));
    let [loss, gap] = [0, 0];
    for (let i = 0; i < fitted.length; i++) {
      const r = this.#target[i] - fitted[i];
      const own = r > 0 ? this.#above[i] * r : -this.#below[i] * r;
      loss += own;
      gap += own - share * a[i] * r;
    }
    for (let k = 0; k < size; k++) gap += penalty.gap(members[k], b[k], share * products[k]);
    return { loss, gap };
  }

  /** Columns outside whose products are beyond their limits, the furthest first. */
  #violators(): number[] {
    const { penalty } = this.#s;
    const inside = new Set(this.#members.subarray(0, this.#size));
    const beyond = Array.from(this.#all, (j, k) => [j, Math.abs(this.#products[k]) - penalty.l1(j)] as const);
    return beyond
      .filter(([j, over]) => !inside.has(j) && over > 1e-9 * Math.max(penalty.l1(j), Number.MIN_VALUE))
      .sort(([, one], [, other]) => other - one)
      .map(([j]) => j);
  }

  #result({ loss, gap }: { loss: number; gap: number }, converged: boolean): Fit {
    const { design, penalty } = this.#s;
    const columns: number[] = [];
    for (let j = 0; j < design.columns; j++) if (this.#b[j] !== 0) columns.push(j);
    let violation = 0;
    for (const [k, j] of this.#all.entries()) {
      violation = Math.max(violation, penalty.violation(j, this.#b[j], this.#products[k]));
    }
    return {
      columns: Int32Array.from(columns),
      coefficients: Float64Array.from(columns, (j) => this.#b[j]),
      intercept: this.#b[design.columns],
      loss,
      gap,
      violation,
      converged,
    };
  }
}

import { Descent } from './descent.js';
import type { Design } from './design.js';
import type { Family, Rows } from './families/family.js';
import type { GramProduct } from './gram-product.js';
import { bytesOf, type Kernels } from './kernels/kernels.js';
import type { Penalty } from './penalty.js';
import { WorkingSet } from './working-set.js';

/** Rounds of fitting and looking for columns that ought to join, at most. */
const MOST_ROUNDS = 1000;
/** Newton steps within a round, at most. */
const MOST_STEPS = 200;
/** A step that leaves more than this share of the violation shows that the model has aged. */
const STALE = 0.3;

/** One model of a path, on standardised columns. */
export interface Fit {
  /** Columns with a coefficient that is not 0, ascending; the intercept is none of them. */
  readonly columns: Int32Array;
  readonly coefficients: Float64Array;
  readonly intercept: number;
  /** Mean loss, without penalty. */
  readonly loss: number;
  /** Duality gap, in units of the loss. */
  readonly gap: number;
  /** Largest violation of the optimality conditions. */
  readonly violation: number;
  /** Whether both are within the tolerance. */
  readonly converged: boolean;
}

export interface SolverSettings {
  readonly design: Design;
  readonly family: Family;
  readonly rows: Rows;
  readonly offset: Float64Array | undefined;
  readonly penalty: Penalty;
  readonly kernels: Kernels;
  readonly product: GramProduct | undefined;
  /** Columns that the Gram matrix is made for. */
  readonly room: number;
  /** Largest gap, relative to the null model's loss above the saturated one. */
  readonly tolerance: number;
  /** Fit all columns from the start: cheaper where there are many more rows than columns. */
  readonly all: boolean;
}

/**
 * Models along a path, each from the one before: columns that may matter join a working set (strong rules, Tibshirani et
 * al. 2012), its quadratic model is minimised by coordinate descent, for other losses than the quadratic again and again
 * (proximal Newton with a line search, whose second derivatives are kept while they serve); then the optimality
 * conditions of all other columns are checked exactly.
 */
export class PathSolver {
  readonly set: WorkingSet;
  /** Loss of the model without penalised columns, and of the one that predicts exactly. */
  nullLoss = Number.NaN;
  readonly saturatedLoss: number;
  readonly #s: SolverSettings;
  readonly #descent: Descent;
  readonly #eta: Float64Array;
  readonly #trial: Float64Array;
  readonly #direction: Float64Array;
  readonly #curvature: Float64Array;
  #residual: Float64Array;
  #trialResidual: Float64Array;
  /** Gradient of every column where it was last looked at. */
  readonly #gradient: Float64Array;
  readonly #which: Int32Array;
  readonly #values: Float64Array;
  readonly #gradients: Float64Array;
  #loss = Number.NaN;
  /** Largest violation that is allowed: of the order of the gap's square root, relative to the largest penalty. */
  #allowed = 0;

  constructor(settings: SolverSettings) {
    const { design, kernels, family, rows, product, room } = settings;
    const n = design.rows;
    this.#s = settings;
    this.set = new WorkingSet(design, kernels, room, product);
    this.#descent = new Descent(this.set, design, kernels);
    [this.#eta, this.#trial, this.#direction, this.#curvature, this.#residual, this.#trialResidual] = Array.from(
      { length: 6 },
      () => kernels.floats(n),
    );
    this.#gradient = new Float64Array(design.columns + 1);
    this.#which = kernels.integers(design.columns + 1);
    this.#values = kernels.floats(design.columns + 1);
    this.#gradients = kernels.floats(design.columns + 1);
    this.saturatedLoss = family.saturated(rows);
  }

  /** Bytes that a solver takes of the kernels' memory, beside the design. */
  static bytes(rows: number, columns: number, room: number): number {
    const all = columns + 1;
    return (
      WorkingSet.bytes(rows, columns, room) +
      Descent.bytes(rows, columns) +
      bytesOf([rows, rows, rows, rows, rows, rows, all, all]) +
      bytesOf([all], 4)
    );
  }

  /** Fits what is not penalised. @returns the least lambda at which nothing else is in the model */
  async begin(): Promise<number> {
    const { penalty, design, offset, all } = this.#s;
    penalty.set(1);
    const free = this.#eligible((j) => penalty.factors[j] === 0);
    if (offset !== undefined) this.#eta.set(offset);
    this.#startIntercept();
    this.#evaluate();
    await this.set.rebuild(free, new Float64Array(design.columns + 1), this.#curvature, penalty);
    this.#setIntercept();
    this.#allowed = 1e-12 * this.#scale();
    await this.#optimise();
    this.nullLoss = this.#loss;
    this.#sweep(Number.POSITIVE_INFINITY);
    const largest = this.#largestLambda();
    this.#allowed = 0.1 * Math.sqrt(this.#s.tolerance) * largest * Math.max(penalty.alpha, 1e-3);
    if (all) {
      const coefficients = this.#coefficients();
      await this.set.rebuild(
        this.#eligible(() => true),
        coefficients,
        this.#curvature,
        penalty,
      );
      this.#gradientOfMembers();
    }
    return largest;
  }

  /** The model at a penalty, which is to be below the one of the call before. */
  async fit(lambda: number, previous: number): Promise<Fit> {
    const { penalty } = this.#s;
    penalty.set(lambda);
    this.set.penalize(penalty);
    this.#admit((j) => Math.abs(this.#gradient[j]) >= penalty.alpha * penalty.factors[j] * (2 * lambda - previous));
    let allowed = this.#allowed;
    for (let round = 0; ; round++) {
      await this.#optimise(allowed);
      if (this.#sweep(allowed) > 0 && round < MOST_ROUNDS) continue;
      const { gap, violation } = this.#measure();
      const converged = gap <= this.#gapLimit() && violation <= this.#allowed * 1.0001;
      if (converged || allowed < 1e-3 * this.#allowed || round >= MOST_ROUNDS)
        return this.#result(gap, violation, converged);
      allowed /= 10;
    }
  }

  #gapLimit(): number {
    return this.#s.tolerance * (this.nullLoss - this.saturatedLoss);
  }

  /** Minimises over the members, to a violation among them of at most `allowed`. */
  async #optimise(allowed = this.#allowed): Promise<void> {
    const { family } = this.#s;
    let before = Number.POSITIVE_INFINITY;
    let fresh = false;
    for (let step = 0; step < MOST_STEPS; step++) {
      const violation = this.#descent.violation();
      if (violation <= allowed && (!family.quadratic || this.#memberGap() <= this.#gapLimit())) return;
      if (!family.quadratic && violation > STALE * before && !fresh) {
        await this.#renew();
        fresh = true;
        before = Number.POSITIVE_INFINITY;
        continue;
      }
      if (violation > STALE * before) fresh = false;
      before = violation;
      const moved = family.quadratic ? this.#stepQuadratic(allowed) : this.#stepNewton(allowed, violation);
      if (moved) continue;
      if (family.quadratic || fresh) return;
      before = 0;
    }
  }

  #stepQuadratic(allowed: number): boolean {
    const set = this.set;
    const target = this.#gapLimit();
    this.#loss += this.#descent.run({ violation: allowed, met: () => this.#memberGap() <= target }, this.#residual);
    this.#moveEta();
    this.#evaluate();
    this.#gradientOfMembers();
    return set.size > 0 && this.#descent.violation() > allowed;
  }

  /** @returns false where no step along the model's direction is downhill */
  #stepNewton(allowed: number, violation: number): boolean {
    const set = this.set;
    const { family, rows } = this.#s;
    const before = this.#loss + this.#penaltyOf();
    this.#descent.run({ violation: Math.max(0.05 * violation, 0.3 * allowed) }, this.#residual);
    this.#fillDirection();
    for (let share = 1; share > 1e-6; share /= 2) {
      if (share < 1) this.#descent.shorten(0.5);
      for (let i = 0; i < this.#eta.length; i++) this.#trial[i] = this.#eta[i] + share * this.#direction[i];
      const loss = family.evaluate(this.#trial, rows, this.#trialResidual, this.#curvature);
      if (!(loss + this.#penaltyOf() <= before + 1e-14 * Math.abs(this.nullLoss || before))) continue;
      this.#eta.set(this.#trial);
      [this.#residual, this.#trialResidual] = [this.#trialResidual, this.#residual];
      this.#loss = loss;
      this.#gradientOfMembers();
      return true;
    }
    this.#descent.shorten(0);
    this.#evaluate();
    this.#gradientOfMembers();
    return set.size === 0;
  }

  /** The model under the present curvature, without columns that have long left it. */
  async #renew(): Promise<void> {
    const { penalty } = this.#s;
    const coefficients = this.#coefficients();
    const kept = Array.from(this.set.members.subarray(0, this.set.size)).filter(
      (j) => coefficients[j] !== 0 || penalty.factors[j] === 0 || Math.abs(this.#gradient[j]) > 0.5 * penalty.l1[j],
    );
    await this.set.rebuild(kept, coefficients, this.#curvature, penalty);
    this.#gradientOfMembers();
  }

  /** Exact gradients of the members at the present residual, in the model and in the table of all. */
  #gradientOfMembers(): void {
    const { size, members, model } = this.set;
    this.#s.design.correlate(members, size, this.#residual, model.g);
    for (let k = 0; k < size; k++) this.#gradient[members[k]] = model.g[k];
  }

  /** Gradients of all other columns; those that violate their conditions by more than allowed join. @returns how many */
  #sweep(allowed: number): number {
    const { design, penalty } = this.#s;
    const outside = this.#which;
    let count = 0;
    for (let j = 0; j < design.columns; j++) {
      if (this.set.position[j] === -1 && design.scale[j] !== 0 && penalty.factors[j] < Number.POSITIVE_INFINITY)
        outside[count++] = j;
    }
    design.correlate(outside, count, this.#residual, this.#gradients);
    const violators: number[] = [];
    for (let k = 0; k < count; k++) {
      const j = outside[k];
      this.#gradient[j] = this.#gradients[k];
      if (penalty.violation(j, 0, this.#gradients[k]) > 1e-9 * penalty.l1[j] && allowed < Number.POSITIVE_INFINITY)
        violators.push(j);
    }
    this.#join(violators);
    return violators.length;
  }

  #admit(may: (column: number) => boolean): void {
    this.#join(this.#eligible((j) => this.set.position[j] === -1 && may(j)));
  }

  #join(columns: readonly number[]): void {
    const from = this.set.size;
    this.set.add(columns, this.#s.penalty);
    for (let k = from; k < this.set.size; k++) this.set.model.g[k] = this.#gradient[this.set.members[k]];
  }

  /** Columns that may be in a model. The intercept is the one after the last feature. */
  #eligible(wanted: (column: number) => boolean): number[] {
    const { design, penalty } = this.#s;
    const found: number[] = [];
    for (let j = 0; j <= design.columns; j++) {
      const varies = j === design.columns ? penalty.upper[j] > 0 : design.scale[j] !== 0;
      if (varies && penalty.factors[j] < Number.POSITIVE_INFINITY && wanted(j)) found.push(j);
    }
    return found;
  }

  #coefficients(): Float64Array {
    const all = new Float64Array(this.#s.design.columns + 1);
    for (let k = 0; k < this.set.size; k++) all[this.set.members[k]] = this.set.model.b[k];
    return all;
  }

  /** What the last descent changes of each row's predictor. */
  #fillDirection(): void {
    const { members, size } = this.set;
    let count = 0;
    for (let k = 0; k < size; k++) {
      const change = this.#descent.change(k);
      if (change === 0) continue;
      this.#which[count] = members[k];
      this.#values[count++] = change;
    }
    this.#direction.fill(0);
    this.#s.design.combine(this.#which, count, this.#values, this.#direction);
  }

  #moveEta(): void {
    this.#fillDirection();
    for (let i = 0; i < this.#eta.length; i++) this.#eta[i] += this.#direction[i];
  }

  #evaluate(): void {
    const { family, rows } = this.#s;
    this.#loss = family.evaluate(this.#eta, rows, this.#residual, this.#curvature);
  }

  #penaltyOf(): number {
    const { members, size, model } = this.set;
    let sum = 0;
    for (let k = 0; k < size; k++) sum += this.#s.penalty.value(members[k], model.b[k]);
    return sum;
  }

  /** The gap if members were all there is, by the model's gradient; for the quadratic loss. */
  #memberGap(): number {
    const { penalty } = this.#s;
    const { members, size, model } = this.set;
    let share = 1;
    for (let k = 0; k < size; k++) share = Math.min(share, penalty.share(members[k], model.g[k]));
    let gap = (1 - share) ** 2 * Math.max(0, this.#loss);
    for (let k = 0; k < size; k++) gap += penalty.gap(members[k], model.b[k], share * model.g[k]);
    return gap;
  }

  /** Gap and violation over all columns, whose gradients are exact. */
  #measure(): { readonly gap: number; readonly violation: number } {
    const { penalty, family, rows, design } = this.#s;
    const { position, model } = this.set;
    const b = (j: number): number => (position[j] === -1 ? 0 : model.b[position[j]]);
    const eligible = (j: number): boolean =>
      j === design.columns
        ? position[j] !== -1
        : design.scale[j] !== 0 && penalty.factors[j] < Number.POSITIVE_INFINITY;
    let share = 1;
    let violation = 0;
    for (let j = 0; j <= design.columns; j++) {
      if (!eligible(j)) continue;
      share = Math.min(share, penalty.share(j, this.#gradient[j]));
      violation = Math.max(violation, penalty.violation(j, b(j), this.#gradient[j]));
    }
    let gap = share < 1 ? Math.max(0, family.gap(this.#eta, rows, share)) : 0;
    for (let j = 0; j <= design.columns; j++) if (eligible(j)) gap += penalty.gap(j, b(j), share * this.#gradient[j]);
    return { gap, violation };
  }

  #largestLambda(): number {
    const { penalty, design } = this.#s;
    let largest = 0;
    for (let j = 0; j < design.columns; j++) {
      const factor = penalty.factors[j];
      if (design.scale[j] === 0 || !(factor > 0 && factor < Number.POSITIVE_INFINITY)) continue;
      const z = this.#gradient[j];
      if (z > 0 ? penalty.upper[j] === 0 : penalty.lower[j] === 0) continue;
      largest = Math.max(largest, Math.abs(z) / factor);
    }
    return largest / Math.max(penalty.alpha, 1e-3);
  }

  /** The size of gradients: what a violation is compared with before there is a largest lambda. */
  #scale(): number {
    let sum = 0;
    for (const value of this.#residual) sum += Math.abs(value);
    return sum;
  }

  /** The intercept starts where the mean of the target is met. */
  #startIntercept(): void {
    const { penalty, design, family, rows, offset } = this.#s;
    if (!(penalty.upper[design.columns] > 0)) return;
    let mean = 0;
    let shift = 0;
    for (let i = 0; i < rows.target.length; i++) {
      mean += rows.weights[i] * rows.target[i];
      shift += rows.weights[i] * (offset?.[i] ?? 0);
    }
    this.#start = family.link(mean) - shift;
    for (let i = 0; i < this.#eta.length; i++) this.#eta[i] += this.#start;
  }

  #start = 0;

  #setIntercept(): void {
    const at = this.set.position[this.#s.design.columns];
    if (at !== -1) this.set.model.b[at] = this.#start;
    this.#gradientOfMembers();
  }

  #result(gap: number, violation: number, converged: boolean): Fit {
    const { columns: count } = this.#s.design;
    const all = this.#coefficients();
    const columns: number[] = [];
    for (let j = 0; j < count; j++) if (all[j] !== 0) columns.push(j);
    return {
      columns: Int32Array.from(columns),
      coefficients: Float64Array.from(columns, (j) => all[j]),
      intercept: all[count],
      loss: this.#loss,
      gap,
      violation,
      converged,
    };
  }
}

import { Descent } from './descent.js';
import type { Design } from './design.js';
import type { Coupling, CouplingSpace, Family, Rows } from './families/family.js';
import type { GramProduct } from './gram-product.js';
import { bytesOf, type Kernels, type Limits } from './kernels/kernels.js';
import type { Penalty } from './penalty.js';
import { Screen } from './screen.js';
import { WorkingSet } from './working-set.js';

/** Rounds of fitting and looking for columns that ought to join, at most. */
const MOST_ROUNDS = 1000;
/** Newton steps within a round, at most. */
const MOST_STEPS = 200;
/** A step that leaves more than this share of the violation shows that the model has aged. */
const STALE = 0.3;
/** How much smaller than asked for violations are made, for the sake of the gap, at most. */
const FINEST = 1e-9;
/** Models after which rows' predictors are computed anew. */
const EXACT_EVERY = 20;

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
  readonly #space: CouplingSpace;
  readonly #screen: Screen;
  readonly #which: Int32Array;
  readonly #values: Float64Array;
  /** Coefficients of the model before the last. */
  readonly #earlier: Float64Array;
  readonly #guess: Float64Array;
  /** Columns that may be in a model, the intercept among them. */
  #eligible = 0;
  /** Models since rows' predictors were last computed from coefficients. */
  #sinceExact = 0;
  #penultimate = Number.NaN;
  #loss = Number.NaN;
  /** Largest violation that is allowed: of the order of the gap's square root, relative to the largest penalty. */
  #allowed = 0;

  constructor(settings: SolverSettings) {
    const { design, kernels, family, rows, product, room } = settings;
    const n = design.rows;
    this.#s = settings;
    this.set = new WorkingSet(design, kernels, room, product);
    this.#descent = new Descent(this.set, settings.penalty, design, kernels);
    [this.#eta, this.#trial, this.#direction, this.#curvature, this.#residual, this.#trialResidual] = Array.from(
      { length: 6 },
      () => kernels.floats(n),
    );
    this.#space = { kernels, scratch: kernels.floats(family.couple === undefined ? 0 : n) };
    this.#screen = new Screen(design, kernels);
    this.#which = kernels.integers(design.columns + 1);
    this.#values = kernels.floats(design.columns + 1);
    this.#earlier = new Float64Array(design.columns + 1);
    this.#guess = new Float64Array(design.columns + 1);
    this.#markEligible();
    this.saturatedLoss = family.saturated(rows);
  }

  /** Bytes that a solver takes of the kernels' memory, beside the design. */
  static bytes(rows: number, columns: number, room: number, block: number): number {
    const all = columns + 1;
    return (
      WorkingSet.bytes(rows, columns, room) +
      Descent.bytes(rows, columns, block) +
      Screen.bytes(rows, columns) +
      bytesOf([rows, rows, rows, rows, rows, rows, rows, all]) +
      bytesOf([all], 4)
    );
  }

  /** Fits what is not penalised. @returns the least lambda at which nothing else is in the model */
  async begin(): Promise<number> {
    const { penalty, design, offset, all, family } = this.#s;
    penalty.set(1);
    const free = this.#outside((j) => penalty.factors[j] === 0);
    if (offset !== undefined) this.#eta.set(offset);
    const start = this.#startIntercept();
    this.#evaluate();
    const coefficients = new Float64Array(design.columns + 1);
    coefficients[design.columns] = start;
    await this.set.rebuild(free, coefficients, this.#curvature, penalty, this.#coupling());
    this.#gradientOfMembers();
    this.#allowed = 1e-12 * this.#residual.reduce((sum, value) => sum + Math.abs(value), 0);
    await this.#optimise(this.#allowed);
    this.nullLoss = this.#loss;
    this.#sweep();
    const largest = this.#largestLambda();
    this.#allowed = 0.1 * Math.sqrt(this.#s.tolerance) * largest * Math.max(penalty.alpha, 1e-3);
    if (all && family.quadratic) {
      const of = penalty.blocks?.of;
      const columns = [...this.set.members.subarray(0, this.set.size), ...this.#outside(() => true)].sort((a, b) =>
        of === undefined ? a - b : of[a] - of[b] || a - b,
      );
      await this.set.rebuild(columns, this.#coefficients(), this.#curvature, penalty);
      this.#gradientOfMembers();
    }
    return largest;
  }

  /** The model at a penalty, which is to be below the one of the call before. */
  async fit(lambda: number, previous: number): Promise<Fit> {
    const { penalty } = this.#s;
    penalty.set(lambda);
    this.set.penalize(penalty);
    if (!this.#s.family.quadratic && !this.set.dense) await this.#renew(0.9);
    this.#admit(penalty.alpha * (2 * lambda - previous));
    const guess = this.#extrapolate(lambda, previous);
    if (guess !== undefined && !this.#s.family.quadratic) this.#begin(guess);
    let allowed = this.#allowed;
    for (let round = 0; ; round++) {
      await this.#optimise(allowed, round === 0 && this.#s.family.quadratic ? guess : undefined);
      if (this.#joinViolators(round) > 0 && round < MOST_ROUNDS) continue;
      const { gap, violation } = this.#measure();
      const converged = gap <= this.#gapLimit() && violation <= this.#allowed * 1.0001;
      if (converged || allowed < FINEST * this.#allowed || round >= MOST_ROUNDS) {
        this.#refresh();
        return this.#result(gap, violation, converged);
      }
      allowed /= 10;
    }
  }

  #gapLimit(): number {
    return this.#s.tolerance * (this.nullLoss - this.saturatedLoss);
  }

  /** Minimises over the members, to a violation among them of at most `allowed`. */
  async #optimise(allowed: number, guess?: Float64Array): Promise<void> {
    const { family } = this.#s;
    let before = Number.POSITIVE_INFINITY;
    let fresh = false;
    for (let step = 0; step < MOST_STEPS; step++) {
      const violation = this.#descent.violation();
      if (violation <= allowed && (!family.quadratic || this.#memberGap() <= this.#gapLimit())) return;
      if (!family.quadratic && !this.set.dense) {
        this.set.follow(this.#curvature);
        fresh = true;
      } else if (!family.quadratic && violation > STALE * before && !fresh) {
        await this.#renew(0.5);
        fresh = true;
        before = Number.POSITIVE_INFINITY;
        continue;
      }
      if (violation > STALE * before) fresh = false;
      before = violation;
      const start = step === 0 ? guess : undefined;
      const moved = family.quadratic ? this.#stepQuadratic(allowed, start) : this.#stepNewton(allowed, violation);
      if (moved) continue;
      if (family.quadratic || fresh) return;
      before = 0;
    }
  }

  /** @returns whether another step may get nearer */
  #stepQuadratic(allowed: number, guess: Float64Array | undefined): boolean {
    const before = this.#descent.violation();
    const target = this.#gapLimit();
    const goal = { violation: allowed, met: () => this.#memberGap() <= target };
    this.#loss += this.#descent.run(goal, this.#residual, guess);
    if (!this.#complete) this.#follow();
    const violation = this.#descent.violation();
    return violation > allowed && violation < 0.9 * before;
  }

  /** Whether no column is outside: then everything is told by the Gram matrix alone. */
  get #complete(): boolean {
    return this.set.size === this.#eligible && this.set.dense;
  }

  /** Rows' predictors, residuals and gradients after a descent. */
  #follow(): void {
    this.#fillDirection();
    for (let i = 0; i < this.#eta.length; i++) this.#eta[i] += this.#direction[i];
    this.#evaluate();
    this.#gradientOfMembers();
  }

  /** Now and then, predictors from coefficients: what was added up over many steps drifts. */
  #refresh(): void {
    if (!this.#s.family.quadratic || ++this.#sinceExact < EXACT_EVERY) return;
    this.#sinceExact = 0;
    const { members, size, model } = this.set;
    this.#eta.fill(0);
    if (this.#s.offset !== undefined) this.#eta.set(this.#s.offset);
    this.#s.design.combine(members, size, model.b, this.#eta);
    this.#evaluate();
    this.#gradientOfMembers();
  }

  /** Where the members' coefficients will be if they go on as between the last two models. */
  #extrapolate(lambda: number, previous: number): Float64Array | undefined {
    const { model, members, size } = this.set;
    const ratio = (previous - lambda) / (this.#penultimate - previous);
    const known = Number.isFinite(ratio) && ratio > 0;
    for (let k = 0; k < size; k++) {
      const j = members[k];
      const next = model.b[k] + ratio * (model.b[k] - this.#earlier[j]);
      this.#guess[k] = next * model.b[k] > 0 ? next : 0;
      this.#earlier[j] = model.b[k];
    }
    this.#penultimate = previous;
    return known ? this.#guess : undefined;
  }

  /** Goes to other coefficients, unless the objective is no lower there. */
  #begin(guess: Float64Array): void {
    const { family, rows, penalty, design } = this.#s;
    const { model, members, size } = this.set;
    const before = this.#loss + this.#penaltyOf();
    let after = 0;
    for (let k = 0; k < size; k++) {
      guess[k] = Math.min(Math.max(guess[k], model.lower[k]), model.upper[k]);
      this.#values[k] = guess[k] - model.b[k];
      after += penalty.value(members[k], guess[k]);
    }
    this.#trial.set(this.#eta);
    design.combine(members, size, this.#values, this.#trial);
    after += family.evaluate(this.#trial, rows, this.#trialResidual, this.#curvature);
    if (after < before) {
      model.b.set(guess.subarray(0, size));
      this.#eta.set(this.#trial);
    }
    this.#evaluate();
    this.#gradientOfMembers();
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

  /** The model under the present curvature, without columns at 0 whose product is not `near` their limit. */
  async #renew(near: number): Promise<void> {
    const { penalty } = this.#s;
    const coefficients = this.#coefficients();
    const { products } = this.#screen;
    const kept = Array.from(this.set.members.subarray(0, this.set.size)).filter(
      (j) =>
        penalty.pull(coefficients, j) !== 0 ||
        penalty.factors[j] === 0 ||
        Math.abs(penalty.pull(products, j)) > near * penalty.l1(j),
    );
    await this.set.rebuild(kept, coefficients, this.#curvature, penalty, this.#coupling());
    this.#gradientOfMembers();
  }

  /** Exact gradients of the members at the present residual, in the model and in the table of all. */
  #gradientOfMembers(): void {
    const { size, members, model } = this.set;
    this.#s.design.correlate(members, size, this.#residual, model.g);
    for (let k = 0; k < size; k++) this.#screen.products[members[k]] = model.g[k];
  }

  /** Columns outside that violate their conditions; of blocks, the first column. */
  #sweep(): number[] {
    if (this.#complete) return [];
    const { penalty, design } = this.#s;
    const { products } = this.#screen;
    const members = this.set.members.subarray(0, this.set.size);
    const beyond = this.#screen.sweep(this.#residual, this.#limits(penalty.lasso), members, this.set.model.g);
    const found = penalty.heads(beyond);
    if (penalty.blocks !== undefined && found.length > 0) {
      const all = penalty.whole(found);
      this.#which.set(all);
      design.correlate(this.#which, all.length, this.#residual, this.#values);
      all.forEach((j, k) => {
        products[j] = this.#values[k];
      });
    }
    return found.filter((j) => penalty.violation(j, 0, penalty.pull(products, j)) > 0);
  }

  #limits(limit: number): Limits {
    const { penalty, design } = this.#s;
    return { factors: penalty.screening, limit, places: this.set.position, count: design.columns };
  }

  /** @returns how many joined */
  #joinViolators(round: number): number {
    return this.#join(this.#sweep(), this.#most(round));
  }

  /** Lets columns in that will soon matter (the strong rule's, Tibshirani et al. 2012): those of the largest products. */
  #admit(limit: number): void {
    if (this.#complete) return;
    const count = this.#s.kernels.beyond(this.#screen.products, this.#limits(Math.max(0, limit)), this.#which);
    this.#join(this.#s.penalty.heads(this.#which.subarray(0, count)), this.#most(0));
  }

  /** Columns that may join at once: among correlated ones, most of those beyond their limit will not be needed. */
  #most(round: number): number {
    if (this.#s.penalty.alpha < 0.05) return Number.POSITIVE_INFINITY;
    const { members, size, model } = this.set;
    const active = this.#s.penalty.heads(members.subarray(0, size).filter((_, k) => model.b[k] !== 0)).length;
    return 20 + Math.floor(active / 2) + 10 * round;
  }

  /** The first `most` of some columns, by how far they are beyond. */
  #join(columns: number[], most: number): number {
    const { products } = this.#screen;
    const { penalty } = this.#s;
    const size = (j: number): number => Math.abs(penalty.pull(products, j)) / penalty.factors[j];
    const chosen = columns.length <= most ? columns : columns.sort((a, b) => size(b) - size(a)).slice(0, most);
    const from = this.set.size;
    this.set.add(penalty.whole(chosen), penalty);
    for (let k = from; k < this.set.size; k++) this.set.model.g[k] = products[this.set.members[k]];
    return chosen.length;
  }

  /** Columns that may be in a model and are not. The intercept is the one after the last feature. */
  #outside(wanted: (column: number) => boolean): number[] {
    const found: number[] = [];
    this.set.position.forEach((place, j) => {
      if (place === -1 && wanted(j)) found.push(j);
    });
    return found;
  }

  #markEligible(): void {
    const { design, penalty } = this.#s;
    const { position } = this.set;
    for (let j = 0; j <= design.columns; j++) {
      const varies = j === design.columns ? penalty.upper[j] > 0 : design.scale[j] !== 0;
      if (varies && penalty.factors[j] < Number.POSITIVE_INFINITY) this.#eligible++;
      else position[j] = -2;
    }
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

  #evaluate(): void {
    const { family, rows } = this.#s;
    this.#loss = family.evaluate(this.#eta, rows, this.#residual, this.#curvature);
  }

  /** Second derivatives between rows at the present predictors. */
  #coupling(): Coupling | undefined {
    return this.set.room === 0 ? undefined : this.#s.family.couple?.(this.#eta, this.#s.rows, this.#space);
  }

  #penaltyOf(): number {
    return this.#s.penalty.total(this.set);
  }

  /** The gap if members were all there is, by the model's gradient; for the quadratic loss. */
  #memberGap(): number {
    const { penalty } = this.#s;
    const share = penalty.feasible(this.set);
    return (1 - share) ** 2 * Math.max(0, this.#loss) + penalty.gapAt(this.set, share);
  }

  /** Gap and violation, of the members: of what is outside, products are within their limits. */
  #measure(): { readonly gap: number; readonly violation: number } {
    const { penalty, family, rows } = this.#s;
    const violation = this.#descent.violation();
    if (family.quadratic) return { gap: this.#memberGap(), violation };
    const share = penalty.feasible(this.set);
    const ofRows = share < 1 ? Math.max(0, family.gap(this.#eta, rows, share)) : 0;
    return { gap: ofRows + penalty.gapAt(this.set, share), violation };
  }

  #largestLambda(): number {
    const { penalty, design } = this.#s;
    let largest = 0;
    for (let j = 0; j < design.columns; j++) {
      const factor = penalty.factors[j];
      if (this.set.position[j] === -2 || factor === 0) continue;
      const z = penalty.pull(this.#screen.products, j);
      if (z > 0 ? penalty.upper[j] === 0 : penalty.lower[j] === 0) continue;
      largest = Math.max(largest, Math.abs(z) / factor);
    }
    return largest / Math.max(penalty.alpha, 1e-3);
  }

  /** The intercept starts where the mean of the target is met. */
  #startIntercept(): number {
    const { penalty, design, family, rows, offset } = this.#s;
    if (!(penalty.upper[design.columns] > 0)) return 0;
    let mean = 0;
    let shift = 0;
    for (let i = 0; i < rows.target.length; i++) {
      mean += rows.weights[i] * rows.target[i];
      shift += rows.weights[i] * (offset?.[i] ?? 0);
    }
    const start = family.link(mean) - shift;
    for (let i = 0; i < this.#eta.length; i++) this.#eta[i] += start;
    return start;
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

import { Anderson } from './anderson.js';
import { BlockDescent } from './block-descent.js';
import type { Design } from './design.js';
import type { Kernels } from './kernels/kernels.js';
import { newtonTarget } from './newton-leap.js';
import type { Penalty } from './penalty.js';
import type { WorkingSet } from './working-set.js';

/** Passes of coordinate descent on one model at most. */
const MOST_PASSES = 20_000;
/** Share of a model's value within which two of them are alike. */
const ROUNDING = 1e-12;
/** Passes from which on the equations of the present signs are worth being solved. */
const SLOW = 60;

export interface DescentGoal {
  /** Largest violation of the optimality conditions. */
  readonly violation: number;
  /** A further condition, asked once the violation is small enough. */
  readonly met?: () => boolean;
}

/** Minimises the quadratic model of a working set, its penalty included, by extrapolated coordinate descent. */
export class Descent {
  /** Passes so far. */
  passes = 0;
  readonly #set: WorkingSet;
  readonly #penalty: Penalty;
  readonly #blocks: BlockDescent | undefined;
  readonly #design: Design;
  readonly #kernels: Kernels;
  readonly #anderson: Anderson;
  readonly #residual: Float64Array;
  readonly #which: Int32Array;
  readonly #step: Float64Array;
  readonly #shift: Float64Array;
  readonly #startB: Float64Array;
  readonly #startG: Float64Array;
  readonly #keptB: Float64Array;
  readonly #keptG: Float64Array;

  constructor(set: WorkingSet, penalty: Penalty, design: Design, kernels: Kernels) {
    const all = design.columns + 1;
    this.#set = set;
    this.#penalty = penalty;
    this.#blocks = penalty.blocks && new BlockDescent(set, penalty.blocks, design, kernels);
    this.#design = design;
    this.#kernels = kernels;
    this.#anderson = new Anderson(all);
    this.#residual = kernels.floats(design.rows);
    this.#which = kernels.integers(all);
    this.#step = kernels.floats(all);
    this.#shift = kernels.floats(design.rows);
    [this.#startB, this.#startG, this.#keptB, this.#keptG] = [0, 0, 0, 0].map(() => new Float64Array(all));
  }

  /** Bytes that this takes of the kernels' memory, at most. */
  static bytes(rows: number, columns: number, block: number): number {
    return 8 * (2 * rows + 2 * (columns + 1)) + 320 + BlockDescent.bytes(rows, block);
  }

  /**
   * From the exact gradient at the present coefficients to where the goal is reached.
   *
   * @param residual of the rows at the present coefficients; only read
   * @param guess coefficients to begin at instead, where the model is lower there
   * @returns by how much the model says that the loss, without penalty, changes
   */
  run(goal: DescentGoal, residual: Float64Array, guess?: Float64Array): number {
    const { size } = this.#set;
    const { b, g } = this.#set.model;
    for (let k = 0; k < size; k++) {
      this.#startB[k] = b[k];
      this.#startG[k] = g[k];
    }
    if (this.#set.dense) this.#leap(guess);
    if (this.#set.dense) this.#inGramSpace(goal);
    else this.#onResidual(goal, residual);
    return this.#lossChange();
  }

  /** How far a coefficient moved in the last run. */
  change(k: number): number {
    return this.#set.model.b[k] - this.#startB[k];
  }

  /** Makes the last run's move `share` times as long. */
  shorten(share: number): void {
    const { b } = this.#set.model;
    for (let k = 0; k < this.#set.size; k++) b[k] = this.#startB[k] + share * this.change(k);
  }

  /** Largest violation of the optimality conditions among the members, by the model's gradient. */
  violation(): number {
    return this.#penalty.worst(this.#set);
  }

  #inGramSpace(goal: DescentGoal): void {
    const { model, size } = this.#set;
    this.#anderson.restart();
    let due = SLOW;
    for (let pass = 0; pass < MOST_PASSES; pass++) {
      if (pass >= due && this.#blocks === undefined) {
        // The equations cost a third of their number of passes.
        due = pass + Math.max(SLOW / 3, size / 2);
        const violation = this.violation();
        // So near to the minimum, values differ by less than their rounding.
        this.#leap(newtonTarget(this.#set), () => this.violation() < violation / 2);
        this.#anderson.restart();
      }
      const change = this.#blocks === undefined ? this.#kernels.descend(model, size) : this.#blocks.pass();
      this.passes++;
      const enough = this.#anderson.keep(model.b, size);
      if ((enough || change <= 9 * goal.violation ** 2) && this.#reached(goal)) return;
      if (change === 0) return;
      if (enough) this.#leap(this.#anderson.extrapolate(size));
    }
  }

  #onResidual(goal: DescentGoal, residual: Float64Array): void {
    const set = this.#set;
    const { model, members, curvature, size } = set;
    this.#residual.set(residual);
    const state = { ...model, members, curvature, residual: this.#residual };
    this.#anderson.restart();
    for (let pass = 0; pass < MOST_PASSES; pass++) {
      const change =
        this.#blocks === undefined
          ? this.#design.descendResidual(state, size)
          : this.#blocks.passOnResidual(this.#residual);
      this.passes++;
      if (this.#anderson.keep(model.b, size)) this.#leapOnResidual(this.#anderson.extrapolate(size));
      if (change > 9 * goal.violation ** 2 && pass % 10 !== 9) continue;
      this.#design.correlate(members, size, this.#residual, model.g);
      if (this.#reached(goal) || change === 0) return;
    }
    this.#design.correlate(members, size, this.#residual, model.g);
  }

  #reached(goal: DescentGoal): boolean {
    return this.violation() <= goal.violation && (goal.met === undefined || goal.met());
  }

  /** Goes to extrapolated coefficients, unless the model is no lower there. */
  #leap(target: Float64Array | undefined, otherwise: () => boolean = () => false): void {
    if (target === undefined) return;
    const { model, size } = this.#set;
    const { b, g, gram, stride, lower, upper } = model;
    const before = this.#value();
    let count = 0;
    for (let k = 0; k < size; k++) {
      this.#keptB[k] = b[k];
      this.#keptG[k] = g[k];
      const next = Math.min(Math.max(target[k], lower[k]), upper[k]);
      if (next === b[k]) continue;
      this.#which[count] = k;
      this.#step[count++] = b[k] - next;
      b[k] = next;
    }
    this.#kernels.combine({ data: gram, stride, length: size }, this.#which, count, this.#step, g);
    const after = this.#value();
    if (after < before || (after - before <= ROUNDING * Math.abs(before) && otherwise())) return;
    for (let k = 0; k < size; k++) {
      b[k] = this.#keptB[k];
      g[k] = this.#keptG[k];
    }
  }

  /** The same where a residual is kept. */
  #leapOnResidual(target: Float64Array | undefined): void {
    if (target === undefined) return;
    const { model, members, curvature, size } = this.#set;
    const { b, lower, upper } = model;
    const before = this.#valueOnResidual();
    for (let k = 0; k < size; k++) {
      this.#keptB[k] = b[k];
      b[k] = Math.min(Math.max(target[k], lower[k]), upper[k]);
      this.#step[k] = b[k] - this.#keptB[k];
    }
    const shift = this.#shift.fill(0);
    this.#design.combine(members, size, this.#step, shift);
    for (let i = 0; i < shift.length; i++) this.#residual[i] -= curvature[i] * shift[i];
    if (this.#valueOnResidual() < before) return;
    for (let i = 0; i < shift.length; i++) this.#residual[i] += curvature[i] * shift[i];
    for (let k = 0; k < size; k++) b[k] = this.#keptB[k];
  }

  /** The model, penalty included, up to a constant; rows without curvature keep their residual. */
  #valueOnResidual(): number {
    const { curvature } = this.#set;
    let value = this.#penalty.total(this.#set);
    for (let i = 0; i < curvature.length; i++) {
      if (curvature[i] > 0) value += (this.#residual[i] * this.#residual[i]) / (2 * curvature[i]);
    }
    return value;
  }

  #lossChange(): number {
    const { b, g } = this.#set.model;
    let change = 0;
    for (let k = 0; k < this.#set.size; k++) change -= (b[k] - this.#startB[k]) * (this.#startG[k] + g[k]);
    return change / 2;
  }

  /** The model, penalty included, up to a constant. */
  #value(): number {
    return this.#lossChange() + this.#penalty.total(this.#set);
  }
}

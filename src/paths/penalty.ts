import type { Blocks } from './blocks.js';

/** Coordinates that are being fitted, their coefficients b, and minus the gradient g of the loss there. */
export interface Coordinates {
  readonly members: Int32Array;
  readonly size: number;
  readonly model: { readonly b: Float64Array; readonly g: Float64Array };
}

/** The penalty of each column, and of the intercept after them, at one lambda: on the scale of standardised columns. */
export class Penalty {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Relative penalties of mean 1, Infinity for columns left out, 0 for the intercept. */
  readonly factors: Float64Array;
  readonly alpha: number;
  /** Where coordinates are penalised together. */
  readonly blocks: Blocks | undefined = undefined;
  #lasso = 0;
  #ridge = 0;

  constructor(options: { alpha: number; factors: Float64Array; lower: Float64Array; upper: Float64Array }) {
    this.alpha = options.alpha;
    this.factors = options.factors;
    this.lower = options.lower;
    this.upper = options.upper;
  }

  set(lambda: number): void {
    this.#lasso = lambda * this.alpha;
    this.#ridge = lambda * (1 - this.alpha);
  }

  /** Weight of |b| at a factor of 1: lambda alpha. */
  get lasso(): number {
    return this.#lasso;
  }

  /** Weight of |b|. */
  l1(j: number): number {
    return this.#lasso * this.factors[j];
  }

  /** Weight of b^2 / 2. */
  l2(j: number): number {
    return this.#ridge * this.factors[j];
  }

  value(j: number, b: number): number {
    return this.l1(j) * Math.abs(b) + (this.l2(j) / 2) * b * b;
  }

  /**
   * How far b is from where it would stay: the distance of the gradient z (minus the loss's derivative) from the
   * penalty's subdifferential.
   */
  violation(j: number, b: number, z: number): number {
    const rest = z - this.l2(j) * b;
    const l1 = this.l1(j);
    const up = rest - (b < 0 ? -l1 : l1);
    const down = rest - (b > 0 ? l1 : -l1);
    if (up > 0 && b < this.upper[j]) return up;
    if (down < 0 && b > this.lower[j]) return -down;
    return 0;
  }

  /** The share of z by which the dual point must shrink to be feasible for coordinate j; 1 where it is. */
  share(j: number, z: number): number {
    const l1 = this.l1(j);
    const size = Math.abs(z);
    if (size <= l1 || l1 === 0 || this.l2(j) > 0) return 1;
    return Number.isFinite(z > 0 ? this.upper[j] : this.lower[j]) ? 1 : l1 / size;
  }

  /**
   * The coordinate's share of the duality gap: penalty(b) + conjugate(z) - z b, 0 or more. What has no penalty and no
   * bounds has a conjugate only at z = 0, where the optimality conditions hold it; it counts |z b|.
   */
  gap(j: number, b: number, z: number): number {
    const l2 = this.l2(j);
    const over = Math.abs(z) - this.l1(j);
    let best = 0;
    if (over > 0) {
      const bound = z > 0 ? this.upper[j] : this.lower[j];
      const free = l2 > 0 ? (Math.sign(z) * over) / l2 : bound;
      const at = Math.abs(free) > Math.abs(bound) ? bound : free;
      if (!Number.isFinite(at)) return Math.max(0, this.value(j, b) + Math.abs(z * b));
      best = z * at - this.value(j, at);
    }
    return Math.max(0, this.value(j, b) + best - z * b);
  }

  /** Factors of limits within which the products of coordinates at 0 are surely in order. */
  get screening(): Float64Array {
    return this.factors;
  }

  /** What acts on a coordinate at 0, of values by coordinate; of a block, the length of what acts on it. */
  pull(values: Float64Array, j: number): number {
    return values[j];
  }

  /** Of each block that some coordinates are of, one of its coordinates. */
  heads(coordinates: Int32Array): number[] {
    return Array.from(coordinates);
  }

  /** All coordinates of the blocks of these heads, those of a block one after the other. */
  whole(heads: readonly number[]): readonly number[] {
    return heads;
  }

  /** The penalty of the coefficients. */
  total({ members, size, model: { b } }: Coordinates): number {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += this.value(members[k], b[k]);
    return sum;
  }

  /** Largest violation of the optimality conditions. */
  worst({ members, size, model: { b, g } }: Coordinates): number {
    let largest = 0;
    for (let k = 0; k < size; k++) largest = Math.max(largest, this.violation(members[k], b[k], g[k]));
    return largest;
  }

  /** The share at which the gradient is feasible as a dual point. */
  feasible({ members, size, model: { g } }: Coordinates): number {
    let share = 1;
    for (let k = 0; k < size; k++) share = Math.min(share, this.share(members[k], g[k]));
    return share;
  }

  /** The coordinates' part of the duality gap, at a share of the gradient. */
  gapAt({ members, size, model: { b, g } }: Coordinates, share: number): number {
    let gap = 0;
    for (let k = 0; k < size; k++) gap += this.gap(members[k], b[k], share * g[k]);
    return gap;
  }
}

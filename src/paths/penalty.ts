/** The penalty of each column, and of the intercept after them, at one lambda: on the scale of standardised columns. */
export class Penalty {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Relative penalties of mean 1, Infinity for columns left out, 0 for the intercept. */
  readonly factors: Float64Array;
  readonly alpha: number;
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
}

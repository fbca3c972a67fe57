/**
 * What can be removed along an axis: a unit for each index, or undefined where nothing may be removed. Units that have to
 * go together are one class of a union-find forest.
 */
export type Axis = Int32Array | undefined;

/** An axis each, of one tensor. */
export type Axes = readonly Axis[];

/** The unit that stays: what is one with it cannot be removed. */
const STAYS = 0;

export class Units {
  readonly #parent: number[] = [STAYS];
  readonly #read = new Set<number>();
  readonly #mixed = new WeakSet<Int32Array>();

  /** An axis of units that have nothing to do with others yet; an axis of one index stays. */
  axis(extent: number): Axis {
    if (extent < 2) return undefined;
    const first = this.#parent.length;
    for (let i = 0; i < extent; i++) this.#parent.push(first + i);
    return Int32Array.from({ length: extent }, (_, i) => first + i);
  }

  /** The class of a unit. */
  find(unit: number): number {
    let root = unit;
    while (this.#parent[root] !== root) root = this.#parent[root];
    for (let at = unit; at !== root; ) {
      const next = this.#parent[at];
      this.#parent[at] = root;
      at = next;
    }
    return root;
  }

  /** Makes two classes one; the smaller number names it, so that what stays is always named STAYS. */
  join(a: number, b: number): void {
    const [x, y] = [this.find(a), this.find(b)];
    if (x < y) this.#parent[y] = x;
    else this.#parent[x] = y;
  }

  /** Nothing along this axis may be removed any more. */
  fix(axis: Axis): void {
    if (axis !== undefined) for (const unit of axis) this.join(unit, STAYS);
  }

  /** Nothing along this axis may be removed, since single indices of it are read by their positions. */
  read(axis: Axis): void {
    this.fix(axis);
    for (const unit of axis ?? []) this.#read.add(unit);
  }

  /** Whether an axis was {@link read} by positions itself, not only through others that it is one with. */
  wasRead(axis: Axis): boolean {
    return axis?.some((unit) => this.#read.has(unit)) ?? false;
  }

  /** Both axes are one: index by index. Where one may not lose anything, neither may the other. */
  merge(a: Axis, b: Axis): Axis {
    if (a === undefined || b === undefined || a.length !== b.length) {
      this.fix(a);
      this.fix(b);
      return undefined;
    }
    a.forEach((unit, i) => {
      this.join(unit, b[i]);
    });
    return a;
  }

  /** Says that an axis counts something else too, such as batch x heads: its length may differ from batch to batch. */
  mix(axis: Int32Array): void {
    this.#mixed.add(axis);
  }

  /** Whether an axis is as long for all rows, as one that is made by weights is. */
  steady(axis: Axis): boolean {
    return axis !== undefined && !this.#mixed.has(axis);
  }

  /** Whether a unit may be removed. */
  removable(unit: number): boolean {
    return this.find(unit) !== STAYS;
  }
}

/** Counters that a sketch keeps; each is too low by at most a share 1 / (COUNTERS + 1) of all rows. */
const COUNTERS = 1000;

/**
 * A mergeable sketch of how often categories occur: exact while there are at most {@link COUNTERS}, and beyond them the frequent ones
 * (Misra and Gries 1982; merged as by Agarwal et al., Mergeable Summaries, 2013). What counters lost is told as `others`.
 */
export class FrequencySketch {
  readonly #counts: Map<string, number>;
  #total: number;

  constructor(counts: Iterable<readonly [string, number]> = [], total?: number) {
    this.#counts = new Map(counts);
    this.#total = total ?? [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Rows seen. */
  get total(): number {
    return this.#total;
  }

  /** Rows whose category is not among the counters. */
  get others(): number {
    let kept = 0;
    for (const count of this.#counts.values()) kept += count;
    return this.#total - kept;
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  add(category: string, count = 1): void {
    this.#counts.set(category, (this.#counts.get(category) ?? 0) + count);
    this.#total += count;
    if (this.#counts.size > 2 * COUNTERS) this.#shrink();
  }

  merge(other: FrequencySketch): void {
    for (const [category, count] of other.#counts) {
      this.#counts.set(category, (this.#counts.get(category) ?? 0) + count);
    }
    this.#total += other.#total;
    this.#shrink();
  }

  /** Takes the largest count that finds no place from all. */
  #shrink(): void {
    if (this.#counts.size <= COUNTERS) return;
    const cut = [...this.#counts.values()].sort((a, b) => b - a)[COUNTERS];
    for (const [category, count] of this.#counts) {
      if (count <= cut) this.#counts.delete(category);
      else this.#counts.set(category, count - cut);
    }
  }
}

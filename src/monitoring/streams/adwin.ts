/** Equal buckets of one size that are kept; one more, and the two oldest become one of twice the size. */
const BUCKETS = 5;
/** A cut is looked for after so many values. */
const CLOCK = 32;
/** Values before anything is looked for. */
const GRACE = 10;
/** Values that either side of a cut has at least. */
const SIDE = 5;

/** 2^row values: their sum, and the sum of squared deviations from their mean. */
interface Bucket {
  readonly sum: number;
  readonly squares: number;
}

/**
 * Adaptive windowing (Bifet and Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007): a window over the newest
 * values of a stream that drops its older part whenever the means of both parts differ by more than chance allows; kept in
 * O(log n) buckets.
 */
export class Adwin {
  readonly #delta: number;
  /** Buckets of 2^row values, the oldest first. */
  readonly #rows: Bucket[][] = [[]];
  #width = 0;
  #sum = 0;
  #squares = 0;
  #ticks = 0;

  /** @param delta chance of a false alarm; default 0.002 */
  constructor(delta = 0.002) {
    this.#delta = delta;
  }

  /** Values in the window. */
  get width(): number {
    return this.#width;
  }

  /** Their mean; 0 of none. */
  get mean(): number {
    return this.#width === 0 ? 0 : this.#sum / this.#width;
  }

  /** Takes a value and tells whether the stream changed: its older part is forgotten then. */
  update(value: number): boolean {
    this.#insert(value);
    this.#ticks++;
    let changed = false;
    if (this.#ticks % CLOCK !== 0 || this.#width <= GRACE) return false;
    while (this.#hasCut()) {
      this.#dropOldest();
      changed = true;
    }
    return changed;
  }

  #insert(value: number): void {
    if (this.#width > 0) {
      const apart = value - this.#sum / this.#width;
      this.#squares += (this.#width * apart * apart) / (this.#width + 1);
    }
    this.#width++;
    this.#sum += value;
    this.#rows[0].push({ sum: value, squares: 0 });
    for (let row = 0; this.#rows[row].length > BUCKETS; row++) {
      const [first, second] = this.#rows[row].splice(0, 2);
      const size = 2 ** row;
      const apart = (first.sum - second.sum) / size;
      this.#rows[row + 1] ??= [];
      this.#rows[row + 1].push({
        sum: first.sum + second.sum,
        squares: first.squares + second.squares + (apart * apart * size) / 2,
      });
    }
  }

  #hasCut(): boolean {
    let [older, sumOlder] = [0, 0];
    for (let row = this.#rows.length - 1; row >= 0; row--) {
      for (const { sum } of this.#rows[row]) {
        older += 2 ** row;
        sumOlder += sum;
        const newer = this.#width - older;
        if (newer < SIDE) return false;
        if (older < SIDE) continue;
        const apart = Math.abs(sumOlder / older - (this.#sum - sumOlder) / newer);
        if (apart > this.#allowed(older, newer)) return true;
      }
    }
    return false;
  }

  /** How far the means of both parts may be apart by chance. */
  #allowed(older: number, newer: number): number {
    const confidence = Math.log((2 * Math.log(this.#width)) / this.#delta);
    const inverse = 1 / (older - SIDE + 1) + 1 / (newer - SIDE + 1);
    const variance = this.#squares / this.#width;
    return Math.sqrt(2 * inverse * variance * confidence) + (2 / 3) * confidence * inverse;
  }

  #dropOldest(): void {
    const row = this.#rows.findLastIndex(({ length }) => length > 0);
    const bucket = this.#rows[row].shift();
    if (bucket === undefined) return;
    const size = 2 ** row;
    this.#width -= size;
    this.#sum -= bucket.sum;
    const apart = bucket.sum / size - this.mean;
    this.#squares -= bucket.squares + (size * this.#width * apart * apart) / (size + this.#width);
    if (this.#squares < 0) this.#squares = 0;
  }
}

type Numbers = Float32Array | Float64Array | Int32Array;

/** Unused room at the end of a finished column that is still not worth a copy. */
const WASTE = 0.05;

/**
 * A column of numbers that grows. Given a good bound on the number of rows it is never copied, so that peak memory is
 * the column itself: memory of a bound that is too high is reserved, not used.
 */
export class Growing<T extends Numbers> {
  readonly #make: (length: number) => T;
  #values: T;
  #used = 0;

  constructor(make: (length: number) => T, capacity: number) {
    this.#make = make;
    this.#values = make(Math.max(1, capacity));
  }

  append(values: Numbers): void {
    const end = this.#used + values.length;
    if (end > this.#values.length) {
      const larger = this.#make(Math.max(end, Math.ceil(1.5 * this.#values.length)));
      larger.set(this.#values.subarray(0, this.#used));
      this.#values = larger;
    }
    this.#values.set(values, this.#used);
    this.#used = end;
  }

  /** The whole column. */
  finish(): T {
    const whole = this.#values.subarray(0, this.#used) as T;
    return this.#used < (1 - WASTE) * this.#values.length ? (whole.slice() as T) : whole;
  }
}

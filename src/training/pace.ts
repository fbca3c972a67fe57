/**
 * How fast steps go and whether they should leave the event loop: below some 1.5 ms a step the hand-over costs more than
 * it frees, so quick steps run in place and the loop yields between them.
 */
export class Pace {
  #done = 0;
  #left: number;
  readonly #start = performance.now();
  #told = 0;
  #yielded = performance.now();

  /** @param steps that are still to be done */
  constructor(steps: number) {
    this.#left = steps;
  }

  /** Whether a step is long enough to run off the event loop. */
  get slow(): boolean {
    return this.#done >= 3 && (performance.now() - this.#start) / this.#done > 1.5;
  }

  get stepsPerSecond(): number {
    return (1000 * this.#done) / (performance.now() - this.#start);
  }

  get secondsLeft(): number {
    return this.#done === 0 ? 0 : this.#left / this.stepsPerSecond;
  }

  /** Counts a step; true when it is time to tell. Lets other work run every 20 ms. */
  async tick(): Promise<boolean> {
    this.#done++;
    this.#left--;
    const now = performance.now();
    if (now - this.#yielded > 20) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#yielded = performance.now();
    }
    if (now - this.#told < 100) return false;
    this.#told = now;
    return true;
  }
}

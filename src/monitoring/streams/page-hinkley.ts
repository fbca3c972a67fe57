export interface PageHinkleyOptions {
  /** Values before anything is looked for. Default 30. */
  readonly least?: number;
  /** Change that is not worth an alarm, in the unit of the values. Default 0.005. */
  readonly tolerance?: number;
  /** How far the sum may leave its extreme. Default 50. */
  readonly threshold?: number;
  /** What of the sum stays at each value. Default 0.9999. */
  readonly memory?: number;
}

/**
 * Page and Hinkley's test for a change of a stream's mean in either direction (Page 1954; Gama et al., A Survey on Concept Drift
 * Adaptation, 2014). It begins anew after an alarm.
 */
export class PageHinkley {
  readonly #options: Required<PageHinkleyOptions>;
  #count = 0;
  #mean = 0;
  #up = 0;
  #down = 0;
  #lowest = Infinity;
  #highest = -Infinity;

  constructor({ least = 30, tolerance = 0.005, threshold = 50, memory = 0.9999 }: PageHinkleyOptions = {}) {
    this.#options = { least, tolerance, threshold, memory };
  }

  /** Takes a value and tells whether the mean changed. */
  update(value: number): boolean {
    const { least, tolerance, threshold, memory } = this.#options;
    this.#count++;
    this.#mean += (value - this.#mean) / this.#count;
    const apart = value - this.#mean;
    this.#up = memory * this.#up + apart - tolerance;
    this.#down = memory * this.#down + apart + tolerance;
    this.#lowest = Math.min(this.#lowest, this.#up);
    this.#highest = Math.max(this.#highest, this.#down);
    const changed =
      this.#count >= least && (this.#up - this.#lowest > threshold || this.#highest - this.#down > threshold);
    if (changed) this.#begin();
    return changed;
  }

  #begin(): void {
    this.#count = 0;
    this.#mean = 0;
    this.#up = 0;
    this.#down = 0;
    this.#lowest = Infinity;
    this.#highest = -Infinity;
  }
}

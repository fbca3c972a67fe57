import type { Tensor } from '../../graph/tensor.js';

/** Bins of a histogram; even. */
export const BINS = 4096;

/**
 * Values of a stream in bounded memory: BINS equal bins over [-reach, reach], least and greatest value. Where a value lies
 * outside, the reach doubles and neighbouring bins become one; so the bins of the values seen are never coarser than a
 * 1024th of their largest magnitude.
 */
export class Histogram {
  readonly counts = new Float64Array(BINS);
  reach = 0;
  low = Number.POSITIVE_INFINITY;
  high = Number.NEGATIVE_INFINITY;
  total = 0;
  /** Values that are not finite are counted apart. */
  notFinite = 0;

  /**
   * @param binned without bins only the least and greatest value are known, which is quicker
   */
  constructor(readonly binned = true) {}

  add({ data }: Tensor): void {
    const values = data as Float32Array;
    let low = this.low;
    let high = this.high;
    let wrong = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value < low) low = value;
      if (value > high) high = value;
      if (value - value !== 0) wrong++;
    }
    if (wrong > 0) {
      this.notFinite += wrong;
      this.add({ type: 'float32', shape: [], data: values.filter(Number.isFinite) });
      return;
    }
    if (values.length === 0) return;
    this.low = low;
    this.high = high;
    this.#grow(Math.max(Math.abs(low), Math.abs(high)));
    this.total += values.length;
    const { counts, reach } = this;
    if (reach === 0) {
      counts[BINS / 2] += values.length;
      return;
    }
    if (!this.binned) return;
    const scale = BINS / (2 * reach);
    for (let i = 0; i < values.length; i++) {
      const bin = ((values[i] + reach) * scale) | 0;
      counts[bin < BINS ? bin : BINS - 1]++;
    }
  }

  /** Middle of a bin. */
  center(bin: number): number {
    return this.reach === 0 ? 0 : ((bin + 0.5) * 2 * this.reach) / BINS - this.reach;
  }

  /** Value below which a share of what was seen lies, within a bin. */
  quantile(share: number): number {
    let below = 0;
    for (let bin = 0; bin < BINS; bin++) {
      below += this.counts[bin];
      if (below >= share * this.total) return Math.min(this.high, Math.max(this.low, this.center(bin)));
    }
    return this.high;
  }

  #grow(magnitude: number): void {
    if (magnitude <= this.reach) return;
    if (this.reach === 0) {
      // What was there so far are zeros, in the middle bin.
      this.reach = magnitude;
      return;
    }
    while (this.reach < magnitude) {
      this.reach *= 2;
      const { counts } = this;
      const merged = new Float64Array(BINS);
      for (let bin = 0; bin < BINS; bin++) merged[BINS / 4 + (bin >> 1)] += counts[bin];
      counts.set(merged);
    }
  }
}

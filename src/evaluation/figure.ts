import type { Interval } from '../numeric/index.js';

/** A number with its interval and the name of the method that made the interval. Never NaN or infinite: JSON-safe. */
export interface Figure {
  readonly value: number;
  readonly interval: Interval;
  readonly method: string;
}

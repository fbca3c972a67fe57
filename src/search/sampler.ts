import type { Point, Space } from './space.js';
import type { Trial } from './trial.js';

/** What a sampler is asked with. */
export interface Request {
  readonly space: Space;
  /** Every trial so far, by number; those at work too. */
  readonly trials: readonly Trial[];
  /** Of the trial that is wanted. */
  readonly number: number;
  readonly seed: number;
  readonly objectives: number;
}

export interface Suggestion {
  readonly point: Point;
  /** Kept with the trial and handed back in {@link Request.trials}. */
  readonly tag?: string;
}

/**
 * Chooses the next point. A pure function: the same request gives the same point, in another process too, so that a
 * sweep that was killed goes on as if it had not been. Undefined where there is nothing left to try.
 */
export interface Sampler {
  suggest(request: Request): Suggestion | undefined;
}

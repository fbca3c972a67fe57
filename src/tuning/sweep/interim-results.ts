import { isAway } from '../queue/patience.js';

/** The least time from one result to the next, in ms. */
const LEAST_MS = 5000;
/** Results take at most so large a share of the time: whoever drives a sweep alone trains in the same thread. */
const SHARE = 0.05;

export interface InterimResults {
  /** Says that a trial has ended, which may change what the sweep has come to. */
  changed(): void;
  /** Waits for the result that is being worked out; there is none after it. @throws what working one out met */
  stop(): Promise<void>;
}

/**
 * Keeps in a sweep's record what it has come to so far, the correction for luck included: that needs the rows, which whoever
 * looks at a sweep at work does not have.
 *
 * @param record works the result out and records it
 */
export function interimResults(record: () => Promise<void>, leastMs = LEAST_MS): InterimResults {
  let work: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let next = 0;
  let due = false;
  let stopped = false;
  let failure: unknown;

  const once = async (): Promise<void> => {
    const started = performance.now();
    try {
      await record();
    } catch (error) {
      // While the database is away nobody could read it either; the next result tells what this one would have.
      if (!isAway(error)) failure ??= error;
    }
    const now = performance.now();
    next = now + Math.max(leastMs, (now - started) / SHARE);
    work = undefined;
    if (due) changed();
  };

  const changed = (): void => {
    due = true;
    if (stopped || work !== undefined || timer !== undefined || failure !== undefined) return;
    const wait = next - performance.now();
    if (wait > 0) {
      timer = setTimeout(() => {
        timer = undefined;
        changed();
      }, wait).unref();
      return;
    }
    due = false;
    work = once();
  };

  return {
    changed,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await work;
      if (failure !== undefined) throw failure;
    },
  };
}

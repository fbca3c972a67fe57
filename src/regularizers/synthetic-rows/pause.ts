import { setImmediate } from 'node:timers/promises';

const LONGEST_TURN_MS = 20;

/** Lets the event loop turn where work has gone on for some 20 ms: heavy preparation then blocks nothing. */
export function pauses(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < LONGEST_TURN_MS) return undefined;
    return setImmediate().then(() => {
      since = performance.now();
    });
  };
}

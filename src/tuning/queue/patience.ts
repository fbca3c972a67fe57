import { setTimeout as sleep } from 'node:timers/promises';
import { BallastError } from '../../errors.js';

/** How long a database may be away before who waits for it gives up, in ms. */
const LONGEST_MS = 300_000;

/** Whether an error says that the database is away for now. */
export function isAway(error: unknown): boolean {
  return error instanceof BallastError && (error.code === 'STORE_UNREACHABLE' || error.code === 'STORE_BUSY');
}

/**
 * Does something on the database, again and again while that is away: a restart must not cost a worker its trial. What is
 * done must bear being done twice.
 */
export async function patiently<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const since = Date.now();
  for (let wait = 100; ; wait = Math.min(2 * wait, 5000)) {
    try {
      return await action();
    } catch (error) {
      if (!isAway(error) || Date.now() - since > LONGEST_MS || signal?.aborted === true) throw error;
    }
    await sleep(wait, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

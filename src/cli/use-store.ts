import { stat } from 'node:fs/promises';
import { BallastError } from '../errors.js';
import { openStore } from '../store/open-store.js';
import type { Store } from '../store/types.js';
import { parseStoreUrl } from '../store/url.js';

/** Whether there is a store at this address; one on a server is found out by opening it. */
export async function storeExists(url: string): Promise<boolean> {
  const location = parseStoreUrl(url);
  if (location.kind !== 'sqlite') return true;
  try {
    await stat(location.file);
    return true;
  } catch (error) {
    // Anything else is for opening to explain.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

/**
 * Opens a store for a command and closes it after.
 *
 * @param create whether the command makes a store where there is none; one that only reads does not
 * @throws BallastError STORE_NOT_FOUND, and those of opening
 */
export async function withStore<T>(
  url: string,
  { create }: { create: boolean },
  action: (store: Store) => Promise<T>,
): Promise<T> {
  if (!create && !(await storeExists(url))) {
    throw new BallastError('there is no store', {
      code: 'STORE_NOT_FOUND',
      kind: 'not-found',
      place: url,
      remedy: 'Name the store with --store; ballast train SPEC makes one',
    });
  }
  const store = await openStore(url);
  try {
    return await action(store);
  } finally {
    await store.close();
  }
}

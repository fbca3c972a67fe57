import { BallastError } from '../errors.js';
import type { AlertState, Store } from '../store/index.js';

/** An alert by the beginning of its fingerprint. @throws BallastError `ALERT_AMBIGUOUS` */
export async function alertOf(store: Store, beginning: string): Promise<AlertState | undefined> {
  if (beginning.length < 4) return undefined;
  const found = (await store.listAlerts({ limit: 10_000 })).filter(({ fingerprint }) =>
    fingerprint.startsWith(beginning),
  );
  if (found.length > 1) {
    throw new BallastError('several alerts begin so', {
      code: 'ALERT_AMBIGUOUS',
      value: beginning,
      remedy: `Write more of it: ${found
        .slice(0, 5)
        .map(({ fingerprint }) => fingerprint)
        .join(', ')}`,
    });
  }
  return found[0];
}

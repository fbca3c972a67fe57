import { BallastError } from '../../errors.js';

/** MLflow's limits of one batch. */
const LIMITS = { metrics: 1000, params: 100, tags: 100 } as const;
const TOTAL_LIMIT = 1000;
/** Bytes of a batch's JSON. */
export const BATCH_BYTES = 1_000_000;

/** @throws BallastError `BATCH_TOO_LARGE` */
export function requireWithin(counts: Readonly<Record<keyof typeof LIMITS, number>>): void {
  for (const [name, limit] of Object.entries(LIMITS)) {
    const count = counts[name as keyof typeof LIMITS];
    if (count > limit) throw tooLarge(`A batch holds at most ${limit} ${name}`, count);
  }
  const total = counts.metrics + counts.params + counts.tags;
  if (total > TOTAL_LIMIT) throw tooLarge(`A batch holds at most ${TOTAL_LIMIT} entries`, total);
}

/** @throws BallastError `PARAMETER_CHANGED` when one batch gives a parameter two values */
export function requireDistinct(params: readonly { key: string; value: string }[]): void {
  const seen = new Map<string, string>();
  for (const { key, value } of params) {
    const before = seen.get(key);
    if (before !== undefined && before !== value) {
      throw new BallastError(`The batch gives the parameter "${key}" two values`, {
        code: 'PARAMETER_CHANGED',
        place: 'params',
        value,
        remedy: 'Send each parameter once.',
      });
    }
    seen.set(key, value);
  }
}

function tooLarge(message: string, value: number): BallastError {
  return new BallastError(message, { code: 'BATCH_TOO_LARGE', value, remedy: 'Send several smaller batches.' });
}

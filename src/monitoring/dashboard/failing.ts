import type { StoredObservation } from '../../store/index.js';

export interface Failing {
  /** A fault, a flagged column, or a slice. */
  readonly what: string;
  readonly kind: 'fault' | 'flag' | 'slice';
  readonly count: number;
  /** Of those observed. */
  readonly share: number;
}

const MOST = 10;

/** What fails most among recent observations: faults, flags of input checks, slices of the answers that were wrong. */
export function topFailing(observations: readonly StoredObservation[]): Failing[] {
  const counts = new Map<string, { kind: Failing['kind']; what: string; count: number }>();
  const count = (kind: Failing['kind'], what: string): void => {
    const key = `${kind} ${what}`;
    const of = counts.get(key) ?? { kind, what, count: 0 };
    of.count += 1;
    counts.set(key, of);
  };
  for (const { status, fault, flags, slices, label, prediction } of observations) {
    if (status !== 'ok') count('fault', fault ?? status);
    for (const flag of flags) count('flag', flag);
    const wrong = label !== undefined && typeof prediction === 'string' && String(label.value) !== prediction;
    if (wrong || status === 'failed') for (const slice of slices) count('slice', slice);
  }
  return [...counts.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST)
    .map((each) => ({ ...each, share: each.count / observations.length }));
}

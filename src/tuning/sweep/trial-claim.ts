import type { StoredTrial, TrialClaim } from '../../store/sweep-types.js';
import type { Store } from '../../store/types.js';
import { isAway, patiently } from '../queue/patience.js';
import type { TrialOutcome, TrialProgress } from './outcome.js';
import type { TrialEnd, TrialHost, TrialRunner } from './trial-runner.js';
import { thisWorker } from './worker-name.js';

/** A trial at whose work so many workers died, without getting further, is not offered to another. */
export const MOST_LOST = 3;

export type ClaimedTrial = StoredTrial & TrialClaim;

/** What came of reaching for a trial. */
export type Reached =
  | { readonly claim: ClaimedTrial }
  /** It is done, or it was failed because it kills whoever takes it. */
  | { readonly end: Exclude<TrialEnd, { state: 'queued' }> }
  /** Somebody else is at it. */
  | undefined;

/** Takes a trial, unless it is done, at work elsewhere, or has killed too many workers: then it fails here and now. */
export async function reachForTrial(
  store: Store,
  { sweepId, number, silentMs }: { sweepId: string; number: number; silentMs: number },
): Promise<Reached> {
  const claim = await store.claimTrial(sweepId, number, { worker: thisWorker(), silentMs });
  if (claim === undefined) {
    const { state, outcome } = (await store.listTrials(sweepId, [number]))[0] ?? {};
    return state === 'complete' || state === 'pruned' || state === 'failed'
      ? { end: { state, outcome: outcome as TrialOutcome } }
      : undefined;
  }
  if (claim.lost < MOST_LOST) return { claim };
  const { units = [], reports = [], seconds = 0 } = (claim.progress ?? {}) as Partial<TrialProgress>;
  const error = {
    code: 'TRIAL_KILLS_WORKER',
    message: `${claim.lost} workers died at it without getting further, the last one ${claim.worker}`,
    remedy: "Look at the workers' memory and system log; a smaller batch or model may fit",
  };
  const outcome: TrialOutcome = { units, reports, seconds, error };
  if (!(await store.endTrial(claim, 'failed', outcome))) return undefined;
  if (claim.runId !== undefined) await store.finishRun(claim.runId, 'failed', { error: error.message });
  return { end: { state: 'failed', outcome } };
}

/** Gives a trial back with its run, after the database was away, unless another worker has it by now. */
export async function giveBack(store: Store, claim: TrialClaim): Promise<boolean> {
  const [trial] = await store.listTrials(claim.sweepId, [claim.number]);
  if (trial?.attempt !== claim.attempt || trial.state !== 'running') return false;
  if (trial.runId !== undefined) await store.finishRun(trial.runId, 'cancelled');
  return store.endTrial(claim, 'queued');
}

/**
 * Takes a trial that nobody else may have and trains it to its end. A database that goes away is waited for: the trial is
 * then given back and taken again, from its checkpoint.
 *
 * @returns undefined where somebody else is at it
 */
export async function trainTrial(
  store: Store,
  runner: TrialRunner,
  { sweepId, number, host }: { sweepId: string; number: number; host: TrialHost },
): Promise<TrialEnd | undefined> {
  for (;;) {
    const reached = await patiently(() => reachForTrial(store, { sweepId, number, silentMs: 0 }), host.signal);
    if (reached === undefined) return undefined;
    if ('end' in reached) return reached.end;
    try {
      return await runner.run(reached.claim, host);
    } catch (error) {
      if (!isAway(error)) throw error;
      await patiently(() => giveBack(store, reached.claim), host.signal);
    }
  }
}

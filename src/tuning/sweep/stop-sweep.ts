import type { Store } from '../../store/types.js';

/**
 * Asks whoever drives a sweep to stop: trials at work keep a checkpoint, and it can be resumed. Audited with its reason.
 *
 * @returns the sweep's id, and false where it is over already: nothing changes
 * @throws BallastError SWEEP_NOT_FOUND, SWEEP_AMBIGUOUS
 */
export async function stopSweep(
  store: Store,
  reference: string,
  reason: string | undefined,
): Promise<{ readonly sweepId: string; readonly state: string; readonly stopped: boolean }> {
  const { id, state } = await store.findSweep(reference);
  const stopped = state === 'running' || state === 'interrupted';
  if (stopped) {
    await store.updateSweep(id, { state: 'stopped' });
    await store.audit({ action: 'sweep.stop', subject: `sweeps/${id}`, details: { reason: reason ?? null } });
  }
  return { sweepId: id, state, stopped };
}

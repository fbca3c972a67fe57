import type { Store } from '../../store/types.js';
import type { TrialEnd } from './trial-runner.js';

/** Figures that are no validation metrics. */
const OWN = new Set(['gap', 'parameters', 'seconds']);

/**
 * Writes what a trial came to into its run; written twice it is there once.
 *
 * @param timestamp of its figures, in ms
 */
export async function recordTrial(store: Store, runId: string, end: TrialEnd, timestamp: number): Promise<void> {
  if (end.state === 'queued') {
    await store.finishRun(runId, 'cancelled');
    return;
  }
  const { figures = {}, units, error } = end.outcome;
  const step = units[0]?.epochs ?? 0;
  await store.logMetrics(
    runId,
    Object.entries(figures).map(([name, value]) => ({
      name: OWN.has(name) ? `final.${name}` : `final.validation.${name}`,
      value,
      step,
      timestamp,
    })),
  );
  await store.setTags(runId, { 'ballast.trial': end.state });
  if (end.state === 'complete') await store.finishRun(runId, 'finished');
  else if (end.state === 'pruned') await store.finishRun(runId, 'cancelled');
  else await store.finishRun(runId, 'failed', { error: error?.message ?? '' });
}

import { BallastError } from '../errors.js';

/** A final status a run can be given. `cancelled`, `failed` and `diverged` runs can be resumed; `finished` ones not. */
export type FinalStatus = 'finished' | 'failed' | 'cancelled' | 'diverged';

/** What the database holds. */
export type StoredStatus = 'running' | FinalStatus;

/**
 * What a reader is shown: `interrupted` is a run that is stored as running but whose process is gone.
 *
 *     running --finish(s)--> finished | failed | cancelled | diverged
 *     running --process dies--> interrupted
 *     interrupted | failed | cancelled | diverged --resume--> running
 *     interrupted --finish(s)--> s
 */
export type RunStatus = StoredStatus | 'interrupted';

/** Every status, in the order of a run's life. */
export const RUN_STATUSES: readonly RunStatus[] = [
  'running',
  'interrupted',
  'finished',
  'failed',
  'cancelled',
  'diverged',
];

/** Whether a run of this status may be continued by another process. */
export function isResumable(status: RunStatus): boolean {
  return status !== 'running' && status !== 'finished';
}

/** Refuses to resume a run that is at work or is done. */
export function checkResumable(runId: string, status: RunStatus): void {
  if (isResumable(status)) return;
  throw new BallastError(
    status === 'running' ? 'This run is still at work in another process' : 'This run is finished',
    {
      code: status === 'running' ? 'RUN_AT_WORK' : 'RUN_FINISHED',
      kind: 'conflict',
      place: `runs:/${runId}`,
      remedy: status === 'running' ? 'Wait for it or stop that process.' : 'Start a new run.',
    },
  );
}

import { parseStoreUrl } from '../../store/url.js';
import { type JobQueue, openQueue, waitingJobs } from '../queue/job-queue.js';

/** Rings for a trial that is to be taken. */
export interface TrialJob {
  readonly sweepId: string;
  readonly number: number;
}

/** A worker that was not heard of for so long is taken for dead, in ms; it is heard of every fifth of that. */
export const SILENT_MS = 30_000;

const QUEUE = 'ballast-trials';

/** Trials that wait for a worker, as SQL. */
export const WAITING_TRIALS = waitingJobs(QUEUE);

/** Trials that wait for a worker or have one that was heard of of late, as SQL. */
export const UNFINISHED_TRIALS = `select (${WAITING_TRIALS}) + (select count(*) from trial where state = 'running' and heartbeat_at > 1000 * extract(epoch from now()) - ${2 * SILENT_MS})`;

export function openTrialQueue(storeUrl: string): Promise<JobQueue<TrialJob>> {
  return openQueue<TrialJob>(storeUrl, QUEUE);
}

/** Where the checkpoints of a shared store's trials are: beside its artifacts, which every worker reaches. */
export function sharedFolder(storeUrl: string): string {
  const location = parseStoreUrl(storeUrl);
  return location.kind === 'postgres' ? `${location.artifacts}-work` : location.folder;
}

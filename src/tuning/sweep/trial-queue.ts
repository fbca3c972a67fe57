import { parseStoreUrl } from '../../store/url.js';
import { type JobQueue, openQueue } from '../queue/job-queue.js';

/** Rings for a trial that is to be taken. */
export interface TrialJob {
  readonly sweepId: string;
  readonly number: number;
}

/** A worker that was not heard of for so long is taken for dead, in ms; it is heard of every fifth of that. */
export const SILENT_MS = 30_000;

export function openTrialQueue(storeUrl: string): Promise<JobQueue<TrialJob>> {
  return openQueue<TrialJob>(storeUrl, 'ballast-trials');
}

/** Where the checkpoints of a shared store's trials are: beside its artifacts, which every worker reaches. */
export function sharedFolder(storeUrl: string): string {
  const location = parseStoreUrl(storeUrl);
  return location.kind === 'postgres' ? `${location.artifacts}-work` : location.folder;
}

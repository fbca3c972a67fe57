import type { Verdict } from '../../search/pruner.js';
import type { TrialProgress } from './outcome.js';
import type { TrialEnd } from './trial-runner.js';

/** What a worker process is told. */
export type ToWorker =
  | { readonly type: 'open'; readonly store: string; readonly sweepId: string; readonly workFolder: string }
  | { readonly type: 'trial'; readonly number: number }
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  /** Keep a checkpoint and give the trial back. */
  | { readonly type: 'interrupt' };

/** What it tells. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'report'; readonly progress: TrialProgress; readonly after: 'epoch' | 'unit' }
  | { readonly type: 'ended'; readonly end: TrialEnd | { readonly state: 'lost' } }
  | {
      readonly type: 'fault';
      readonly code: string | undefined;
      readonly message: string;
      readonly remedy: string | undefined;
    };

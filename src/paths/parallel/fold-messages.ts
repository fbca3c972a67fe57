import type { FailureMessage } from '../../concurrency/index.js';
import type { FoldScores, FoldTask } from './fold-runner.js';

export type ToFoldWorker =
  | { readonly type: 'fit'; readonly task: FoldTask }
  | { readonly type: 'stop' }
  | { readonly type: 'close' };

export type FromFoldWorker =
  | { readonly type: 'progress'; readonly done: number; readonly of: number }
  | { readonly type: 'done'; readonly scores: FoldScores }
  | { readonly type: 'failed'; readonly failure: FailureMessage };

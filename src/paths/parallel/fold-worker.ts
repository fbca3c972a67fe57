/** A thread that fits folds, one at a time, for the {@link openFoldPool} that started it. */
import { parentPort } from 'node:worker_threads';
import { failureMessage } from '../../concurrency/index.js';
import { scoresOfFold } from '../cross-validate.js';
import type { FromFoldWorker, ToFoldWorker } from './fold-messages.js';
import type { FoldTask } from './fold-runner.js';

/** How often progress is told. */
const EVERY_MS = 100;

const tell = (message: FromFoldWorker): void => parentPort?.postMessage(message);
let stopping = new AbortController();

async function work(task: FoldTask): Promise<void> {
  stopping = new AbortController();
  let told = 0;
  try {
    const scores = await scoresOfFold(task, {
      signal: stopping.signal,
      onProgress: (done, of) => {
        if (performance.now() - told < EVERY_MS) return;
        told = performance.now();
        tell({ type: 'progress', done, of });
      },
    });
    tell({ type: 'done', scores });
  } catch (error) {
    tell({ type: 'failed', failure: failureMessage(error) });
  }
}

parentPort?.on('message', (message: ToFoldWorker) => {
  switch (message.type) {
    case 'fit':
      void work(message.task);
      break;
    case 'stop':
      stopping.abort();
      break;
    case 'close':
      parentPort?.close();
      break;
    default:
      message satisfies never;
  }
});

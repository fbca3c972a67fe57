/** A thread that fits folds, one at a time, for the {@link openFoldPool} that started it. */
import { parentPort } from 'node:worker_threads';
import { BallastError } from '../../errors.js';
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
    tell({ type: 'failed', ...describe(error) });
  }
}

function describe(error: unknown): Omit<Extract<FromFoldWorker, { type: 'failed' }>, 'type'> {
  if (!(error instanceof BallastError)) {
    return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const { message, code, kind, place, value, remedy } = error;
  return {
    message,
    details: {
      code,
      kind,
      ...(place === undefined ? {} : { place }),
      ...(value === undefined ? {} : { value }),
      ...(remedy === undefined ? {} : { remedy }),
    },
  };
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

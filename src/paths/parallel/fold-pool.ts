import type { Worker } from 'node:worker_threads';
import { revive, startThread } from '../../concurrency/index.js';
import { BallastError } from '../../errors.js';
import type { PathData } from '../problem.js';
import type { FromFoldWorker, ToFoldWorker } from './fold-messages.js';
import type { FoldControl, FoldRunner, FoldScores, FoldTask } from './fold-runner.js';

export interface FoldPool extends FoldRunner {
  /** Ends the threads, when they are at rest. */
  close(): Promise<void>;
}

interface Thread {
  readonly worker: Worker;
  readonly gone: Promise<void>;
  busy: Job | undefined;
}

interface Job {
  readonly task: FoldTask;
  readonly control: FoldControl;
  readonly settle: (scores: FoldScores) => void;
  readonly fail: (error: Error) => void;
}

/**
 * Threads that fit folds beside this one, each started when it is needed. They share the memory of the data. They are
 * asked to stop, never killed; after a fold has failed, those that wait are not begun.
 */
export function openFoldPool(slots: number): FoldPool {
  const threads: Thread[] = [];
  const waiting: Job[] = [];
  let failed: Error | undefined;

  function start(): Thread {
    const worker = startThread(new URL('./fold-worker.js', import.meta.url));
    const gone = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    const thread: Thread = { worker, gone, busy: undefined };
    const release = (): Job | undefined => {
      const { busy } = thread;
      thread.busy = undefined;
      return busy;
    };
    const fail = (error: Error): void => {
      failed ??= error;
      release()?.fail(error);
      for (const job of waiting.splice(0)) job.fail(error);
      for (const { busy, worker: other } of threads) if (busy !== undefined) send(other, { type: 'stop' });
    };
    worker.on('message', (message: FromFoldWorker) => {
      switch (message.type) {
        case 'progress':
          thread.busy?.control.onProgress?.(message.done, message.of);
          break;
        case 'done':
          release()?.settle(message.scores);
          next();
          break;
        case 'failed':
          fail(revive(message.failure));
          break;
        default:
          message satisfies never;
      }
    });
    worker.on('error', fail);
    worker.on('exit', () => {
      if (thread.busy !== undefined) fail(new Error('a thread that fits folds has ended'));
    });
    threads.push(thread);
    return thread;
  }

  function next(): void {
    const thread = threads.find(({ busy }) => busy === undefined) ?? (threads.length < slots ? start() : undefined);
    const job = thread === undefined ? undefined : waiting.shift();
    if (thread === undefined || job === undefined) return;
    thread.busy = job;
    send(thread.worker, { type: 'fit', task: { ...job.task, data: shared(job.task.data) } });
  }

  return {
    slots,
    async run(task, control) {
      if (failed !== undefined) throw failed;
      if (control.signal?.aborted === true) {
        throw new BallastError('interrupted before every fold was fitted', { code: 'INTERRUPTED', kind: 'cancelled' });
      }
      const stop = (): void => {
        for (const { busy, worker } of threads) if (busy !== undefined) send(worker, { type: 'stop' });
      };
      control.signal?.addEventListener('abort', stop, { once: true });
      try {
        return await new Promise<FoldScores>((settle, fail) => {
          waiting.push({ task, control, settle, fail });
          next();
        });
      } finally {
        control.signal?.removeEventListener('abort', stop);
      }
    },
    async close() {
      for (const { worker } of threads) {
        send(worker, { type: 'stop' });
        send(worker, { type: 'close' });
      }
      await Promise.all(threads.map(({ gone }) => gone));
    },
  };
}

const send = (worker: Worker, message: ToFoldWorker): void => worker.postMessage(message);

const SHARED = new WeakMap<ArrayBufferView, ArrayBufferView>();

/** The same data in memory that threads share: copied once, however many folds are made of it. */
function shared({ features, ...rows }: PathData): PathData {
  const withShared = <Fields extends object>(fields: Fields): Fields =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, isNumeric(value) ? sharedArray(value) : value]),
    ) as Fields;
  return { ...withShared(rows), features: withShared(features) };
}

type Numeric = Float64Array | Int32Array | Uint8Array;

const isNumeric = (value: unknown): value is Numeric =>
  value instanceof Float64Array || value instanceof Int32Array || value instanceof Uint8Array;

function sharedArray(values: Numeric): ArrayBufferView {
  const known = SHARED.get(values);
  if (known !== undefined) return known;
  const buffer = new SharedArrayBuffer(values.byteLength);
  const copy =
    values instanceof Float64Array
      ? new Float64Array(buffer)
      : values instanceof Int32Array
        ? new Int32Array(buffer)
        : new Uint8Array(buffer);
  copy.set(values);
  SHARED.set(values, copy);
  return copy;
}

import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BallastError } from '../../errors.js';
import type { Executor, ExecutorEnd, Judge } from './executor.js';
import type { FromWorker, ToWorker } from './pool-messages.js';

export interface PoolOptions {
  /** Worker processes. */
  readonly workers: number;
  readonly storeUrl: string;
  readonly sweepId: string;
  readonly workFolder: string;
}

/** A worker process and the trial that it is at. */
interface Worker {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  busy:
    | { readonly number: number; readonly settle: (end: ExecutorEnd) => void; readonly fail: (error: Error) => void }
    | undefined;
}

/** Trains trials in worker processes of this machine, each with a runtime and data of its own, started when needed. */
export function poolExecutor({ workers: slots, storeUrl, sweepId, workFolder }: PoolOptions, judge: Judge): Executor {
  const workers = new Set<Worker>();
  let closing = false;
  const send = ({ child }: Worker, message: ToWorker): void => {
    if (child.connected) child.send(message);
  };

  function start(): Worker {
    const program = fileURLToPath(
      new URL(`./pool-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
    );
    const child = fork(program, { execArgv: loaderArguments(program), stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    let opened: () => void = () => undefined;
    const worker: Worker = {
      child,
      ready: new Promise((resolve) => {
        opened = resolve;
      }),
      busy: undefined,
    };
    workers.add(worker);
    child.on('message', (message: FromWorker) => {
      const { busy } = worker;
      switch (message.type) {
        case 'ready':
          opened();
          break;
        case 'report':
          if (busy !== undefined) {
            send(worker, { type: 'verdict', verdict: judge(busy.number, message.progress, message.after) });
          }
          break;
        case 'ended':
          worker.busy = undefined;
          busy?.settle(message.end);
          break;
        case 'fault':
          worker.busy = undefined;
          opened();
          busy?.fail(faultOf(message));
          break;
        default:
          message satisfies never;
      }
    });
    child.once('exit', () => {
      workers.delete(worker);
      const { busy } = worker;
      worker.busy = undefined;
      opened();
      busy?.settle({ state: 'lost' });
    });
    send(worker, { type: 'open', store: storeUrl, sweepId, workFolder });
    return worker;
  }

  return {
    slots,
    async run(number) {
      const worker = [...workers].find(({ busy, child }) => busy === undefined && child.connected) ?? start();
      return new Promise<ExecutorEnd>((settle, fail) => {
        worker.busy = { number, settle, fail };
        void worker.ready.then(() => send(worker, { type: 'trial', number }));
      });
    },
    interrupt() {
      for (const worker of workers) send(worker, { type: 'interrupt' });
    },
    async close() {
      if (closing) return;
      closing = true;
      await Promise.all(
        [...workers].map(async ({ child }) => {
          const gone = new Promise((resolve) => {
            child.once('exit', resolve);
          });
          if (child.connected) child.disconnect();
          await gone;
        }),
      );
    },
  };
}

function faultOf({ code, message, remedy }: Extract<FromWorker, { type: 'fault' }>): Error {
  if (code === undefined) return new Error(`a worker of the sweep failed: ${message}`);
  return new BallastError(message, { code, kind: 'environment', ...(remedy === undefined ? {} : { remedy }) });
}

/** The loader that runs the program from source, where this module is run from source itself. */
function loaderArguments(program: string): string[] {
  if (!program.endsWith('.ts')) return [];
  return ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href];
}

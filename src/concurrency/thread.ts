import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, Worker, type WorkerOptions } from 'node:worker_threads';
import { type FailureMessage, failureMessage, revive } from './failure.js';

/**
 * Starts a module of this package as a thread: as it is compiled, or its source under a loader where the package itself
 * is run from source.
 *
 * @param program the compiled module, `new URL('./x.js', import.meta.url)`
 */
export function startThread(program: URL, options: Pick<WorkerOptions, 'workerData'> = {}): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(program, options);
  // The package's own resolution would give its module for `require`.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const loader = new URL('./dist/esm/api/index.mjs', tsx).href;
  const source = program.href.replace(/\.js$/, '.ts');
  // Waiting for the loader does not keep a thread alive; a timer does.
  const code = `const timer = setInterval(() => {}, 60_000);
    import(${JSON.stringify(loader)}).then(({ register }) => {
      register();
      return import(${JSON.stringify(source)});
    }).finally(() => clearInterval(timer));`;
  return new Worker(code, { ...options, eval: true });
}

type Answer<Result> = { readonly result: Result } | { readonly failure: FailureMessage };

/**
 * One call in a thread of its own, which ends with it. Request and result are copied between the threads.
 *
 * @param program a module that {@link answerCall}
 * @throws what the call threw, or that the thread ended before it answered
 */
export async function callInThread<Request, Result>(program: URL, request: Request): Promise<Result> {
  const worker = startThread(program);
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  const answer = await new Promise<Answer<Result>>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`the thread of ${program.pathname} ended without an answer`)));
    worker.postMessage(request);
  });
  await ended;
  if ('failure' in answer) throw revive(answer.failure);
  return answer.result;
}

/** Makes this thread answer the one call that {@link callInThread} sends, and end. */
export function answerCall<Request, Result>(work: (request: Request) => Promise<Result>): void {
  const port = parentPort;
  port?.once('message', (request: Request) => {
    work(request).then(
      (result) => port.postMessage({ result } satisfies Answer<Result>),
      (error: unknown) => port.postMessage({ failure: failureMessage(error) } satisfies Answer<Result>),
    );
  });
}

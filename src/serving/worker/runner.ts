import { BallastError } from '../../errors.js';
import type { AnswerUse, ModelRunner, RunContext, RunnerState } from '../model/model-runner.js';
import { batchKey, joinRows, splitRows } from './batch.js';
import type { LoadedModel, RunUse, Tensors } from './messages.js';
import { type PoolOptions, WorkerPool } from './pool.js';
import type { Worker } from './worker.js';

export interface RunnerOptions extends PoolOptions {
  /** Rows that run at once, of several requests together. */
  readonly batchRows: number;
  /** How long a request may wait for others to run with, ms. None waits while a process is busy anyway. */
  readonly batchWaitMs: number;
  /** Requests that may wait; more are refused. */
  readonly queue: number;
  /** From a request's coming to its answer, ms. A process that takes longer for one batch is ended. */
  readonly timeoutMs: number;
}

interface Job {
  readonly feeds: Tensors;
  readonly fetches: readonly string[];
  /** Undefined where it may only run alone. */
  readonly key: string | undefined;
  readonly rows: number;
  readonly since: number;
  readonly deadline: number;
  /** Whether it runs once more where its process ends under it. */
  readonly again: boolean;
  readonly used: RunContext['used'];
  readonly resolve: (outputs: Tensors) => void;
  readonly reject: (error: BallastError) => void;
}

/**
 * Runs one model in child processes. Requests that come while all are busy run together. Of a batch that fails, each request runs
 * again alone, and so does once a request whose process ended: a request that ends its process each time takes no other with it, and
 * is told so.
 */
export class Runner implements ModelRunner {
  readonly model: LoadedModel;
  readonly #options: RunnerOptions;
  readonly #batches: boolean;
  readonly #pool: WorkerPool;
  readonly #waiting: Job[] = [];
  #running = 0;
  #runs = 0;
  #requests = 0;
  #planned = false;
  #timer: NodeJS.Timeout | undefined;
  #closing: (() => void) | undefined;
  #closed = false;

  private constructor(pool: WorkerPool, options: RunnerOptions) {
    this.#pool = pool;
    this.model = pool.model;
    this.#options = options;
    this.#batches = options.batchRows > 1 && takesAnyRows(pool.model);
    pool.serve({ isWaiting: () => this.#waiting.length > 0, onReady: () => this.#plan() });
  }

  /** @throws BallastError those of {@link WorkerPool.start} */
  static async start(options: RunnerOptions): Promise<Runner> {
    return new Runner(await WorkerPool.start(options), options);
  }

  get state(): RunnerState {
    return {
      waiting: this.#waiting.length,
      running: this.#running,
      workers: this.#pool.size,
      restarts: this.#pool.ended,
      batches: this.#runs,
      batchedRequests: this.#requests,
    };
  }

  get processIds(): readonly number[] {
    return this.#pool.processIds;
  }

  /** Whether a process could run a request now, or after those that it runs. */
  get isReady(): boolean {
    return this.#pool.size > 0;
  }

  /** Resolves once it is ready. @throws BallastError those of starting a process */
  async ready(): Promise<void> {
    await this.#pool.ready();
  }

  /** Whether it takes no more requests. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** @throws BallastError `OVERLOADED`, `REQUEST_TIMEOUT`, `WORKER_ENDED`, those of a run */
  run(
    feeds: Tensors,
    fetches: readonly string[],
    { timeoutMs = this.#options.timeoutMs, again = true, used }: RunContext = {},
  ): Promise<Tensors> {
    if (this.#closed) return Promise.reject(closed());
    if (this.#waiting.length >= this.#options.queue) return Promise.reject(overloaded(this.#options.queue));
    const rows = rowsOf(feeds);
    return new Promise((resolve, reject) => {
      const since = performance.now();
      this.#waiting.push({
        feeds,
        fetches,
        key: this.#batches && rows !== undefined ? batchKey(feeds, fetches) : undefined,
        rows: rows ?? 1,
        since,
        deadline: since + Math.min(timeoutMs, this.#options.timeoutMs),
        again,
        used,
        resolve,
        reject,
      });
      this.#plan();
    });
  }

  /** Answers what waits and runs, then ends the processes. */
  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#isDone) {
      await new Promise<void>((resolve) => {
        this.#closing = resolve;
      });
    }
    clearTimeout(this.#timer);
    this.#pool.stop();
  }

  /** Closed, and nothing is left to answer. */
  get #isDone(): boolean {
    return this.#closed && this.#waiting.length === 0 && this.#running === 0;
  }

  /** Runs what waits once the requests that have come already are all there: they then run together. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    clearTimeout(this.#timer);
    this.#dropLate();
    while (this.#waiting.length > 0) {
      const wait = this.#waitFor();
      const worker = wait > 0 ? undefined : this.#pool.take();
      if (worker === undefined) {
        if (this.#pool.size === 0) this.#pool.hasten();
        // Also wakes to refuse those that waited too long while no process was free.
        const until = this.#pool.hasIdle ? wait : this.#waiting[0].deadline - performance.now();
        this.#timer = setTimeout(() => this.#dispatch(), Math.max(1, until));
        return;
      }
      void this.#execute(worker, this.#nextBatch());
    }
  }

  /** How long the first of those that wait may still wait for others. */
  #waitFor(): number {
    const { batchWaitMs, batchRows } = this.#options;
    const [first] = this.#waiting;
    if (batchWaitMs === 0 || first.key === undefined) return 0;
    const rows = this.#waiting.reduce((sum, job) => sum + (job.key === first.key ? job.rows : 0), 0);
    return rows >= batchRows ? 0 : first.since + batchWaitMs - performance.now();
  }

  #dropLate(): void {
    const now = performance.now();
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      if (this.#waiting[i].deadline > now) continue;
      const [late] = this.#waiting.splice(i, 1);
      late.reject(tooLate(this.#pool.size === 0));
    }
    this.#endIfDone();
  }

  #nextBatch(): Job[] {
    const [first] = this.#waiting;
    if (first.key === undefined) {
      this.#waiting.shift();
      return [first];
    }
    const batch: Job[] = [];
    let rows = 0;
    for (let i = 0; i < this.#waiting.length; ) {
      const job = this.#waiting[i];
      const fits = job.key === first.key && (batch.length === 0 || rows + job.rows <= this.#options.batchRows);
      if (!fits) {
        i++;
        continue;
      }
      batch.push(job);
      rows += job.rows;
      this.#waiting.splice(i, 1);
    }
    return batch;
  }

  async #execute(worker: Worker, batch: readonly Job[]): Promise<void> {
    this.#running += batch.length;
    this.#runs++;
    this.#requests += batch.length;
    // A process cannot be interrupted within a run, only ended.
    let stuck = false;
    const longest = setTimeout(() => {
      stuck = true;
      worker.kill();
    }, this.#options.timeoutMs);
    try {
      const { outputs, use } = await worker.run(joinRows(batch.map(({ feeds }) => feeds)), batch[0].fetches);
      const parts =
        batch.length === 1
          ? [outputs]
          : splitRows(
              outputs,
              batch.map(({ rows }) => rows),
            );
      if (parts === undefined) this.#again(batch);
      else {
        tellUse(worker, batch, use);
        for (const [i, job] of batch.entries()) job.resolve(parts[i]);
      }
    } catch (error) {
      if (!(error instanceof BallastError)) throw error;
      const [first] = batch;
      if (batch.length > 1) this.#again(batch);
      else if (stuck) first.reject(tooLate(false));
      else if (first.again && error.code === 'WORKER_ENDED') this.#again([{ ...first, again: false }]);
      else first.reject(error);
    } finally {
      clearTimeout(longest);
      this.#running -= batch.length;
      this.#pool.giveBack(worker);
      this.#endIfDone();
      if (this.#waiting.length > 0) this.#dispatch();
    }
  }

  /** Each by itself, before all others. */
  #again(batch: readonly Job[]): void {
    this.#waiting.unshift(...batch.map((job) => ({ ...job, key: undefined })));
  }

  #endIfDone(): void {
    if (this.#isDone) this.#closing?.();
  }
}

/** A run's time is divided by rows; its process's memory is told once. */
function tellUse(worker: Worker, batch: readonly Job[], { ms, memoryBytes: bytes }: RunUse): void {
  const all = batch.reduce((sum, { rows }) => sum + rows, 0);
  const answers = worker.count(batch.length);
  for (const [i, { rows, used }] of batch.entries()) {
    if (used === undefined) continue;
    const memory: AnswerUse['memory'] =
      i > 0 || bytes === undefined ? undefined : { process: worker.name, answers, bytes };
    used({ runMs: all === 0 ? ms : (ms * rows) / all, ...(memory === undefined ? {} : { memory }) });
  }
}

/** Whether a model says that its inputs and outputs may have any number of rows. */
function takesAnyRows({ inputs, outputs }: LoadedModel): boolean {
  return [...inputs, ...outputs].every(({ shape }) => shape.length > 0 && typeof shape[0] !== 'number');
}

/** Rows of a request; undefined where its inputs do not agree. */
export function rowsOf(feeds: Tensors): number | undefined {
  let rows: number | undefined;
  for (const { shape } of Object.values(feeds)) {
    if (shape.length === 0 || (rows !== undefined && shape[0] !== rows)) return undefined;
    rows = shape[0];
  }
  return rows;
}

function overloaded(queue: number): BallastError {
  return new BallastError(`${queue} requests wait for this model already`, {
    code: 'OVERLOADED',
    kind: 'environment',
    remedy: 'Try again later, or run more processes of it.',
  });
}

function tooLate(withoutWorker: boolean): BallastError {
  return new BallastError(
    withoutWorker ? 'No process of this model was ready in time' : 'The model did not answer in time',
    { code: 'REQUEST_TIMEOUT', kind: 'environment', remedy: 'Try again later.' },
  );
}

function closed(): BallastError {
  return new BallastError('This version is served no more', { code: 'WORKER_ENDED', kind: 'environment' });
}

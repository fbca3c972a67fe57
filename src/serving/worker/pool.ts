import type { BallastError } from '../../errors.js';
import { Worker, type WorkerOptions } from './worker.js';

export interface PoolOptions extends WorkerOptions {
  /** Processes that run the model. */
  readonly workers: number;
  /** Told of processes that ended by themselves, and of those that could not be started again. */
  readonly onEnded?: (error: BallastError) => void;
}

/** Wait before a process that ended is started again, when those before it ended soon too, ms. */
const LONGEST_BACKOFF_MS = 30_000;
/** The longest wait while requests wait too, ms. */
const LONGEST_WHILE_NEEDED_MS = 1000;
/** A process that lived so long is none of a row of failures. */
const LIVED_MS = 10_000;

export interface PoolUser {
  /** Whether requests wait for a process. */
  isWaiting(): boolean;
  /** Told each time when a process was started again. */
  onReady(): void;
}

interface Restart {
  readonly at: number;
  readonly timer: NodeJS.Timeout;
}

/** The processes that run one model: those that end by themselves are started again. */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #restarts = new Set<Restart>();
  #user: PoolUser = { isWaiting: () => false, onReady: () => {} };
  #ended = 0;
  #failures = 0;
  #stopped = false;

  private constructor(options: PoolOptions, workers: readonly Worker[]) {
    this.#options = options;
    for (const worker of workers) this.#add(worker);
  }

  /** @throws BallastError those of {@link Worker.start} */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    const started = await Promise.allSettled(Array.from({ length: options.workers }, () => Worker.start(options)));
    const workers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const failed = started.find((each) => each.status === 'rejected');
    if (failed === undefined) return new WorkerPool(options, workers);
    for (const worker of workers) worker.stop();
    throw failed.reason;
  }

  /** What the model says of itself. */
  get model(): Worker['model'] {
    const [worker] = this.#all;
    return worker.model;
  }

  /** Processes that are there. */
  get size(): number {
    return this.#all.size;
  }

  /** Processes that ended by themselves. */
  get ended(): number {
    return this.#ended;
  }

  get processIds(): readonly number[] {
    return [...this.#all].flatMap(({ processId }) => (processId === undefined ? [] : [processId]));
  }

  /** Who takes processes out of the pool. */
  serve(user: PoolUser): void {
    this.#user = user;
  }

  /** Whether one is free. */
  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /** One that is free, for its user alone. */
  take(): Worker | undefined {
    return this.#idle.shift();
  }

  /** It is free again; one that ended is forgotten. */
  giveBack(worker: Worker): void {
    if (!worker.ended && !this.#stopped) this.#idle.push(worker);
  }

  /** Someone began to wait: what is started again after a long wait is started sooner. */
  hasten(): void {
    const soon = performance.now() + LONGEST_WHILE_NEEDED_MS;
    for (const restart of this.#restarts) {
      if (restart.at <= soon) continue;
      this.#forget(restart);
      this.#restartAt(soon);
    }
  }

  /** Resolves once a process is there, which is started now where none is. @throws BallastError those of {@link Worker.start} */
  async ready(): Promise<void> {
    if (this.#all.size > 0 || this.#stopped) return;
    const [restart] = this.#restarts;
    if (restart !== undefined) this.#forget(restart);
    try {
      this.#add(await Worker.start(this.#options));
    } catch (error) {
      this.#restart();
      throw error;
    }
    this.#user.onReady();
  }

  /** Ends all, which have nothing left to answer. */
  stop(): void {
    this.#stopped = true;
    for (const restart of this.#restarts) this.#forget(restart);
    for (const worker of this.#all) worker.stop();
    this.#all.clear();
    this.#idle.length = 0;
  }

  #add(worker: Worker): void {
    // One more than asked for was started meanwhile, or none is needed any more.
    if (this.#stopped || this.#all.size >= this.#options.workers) {
      worker.stop();
      return;
    }
    this.#all.add(worker);
    this.#idle.push(worker);
    const born = performance.now();
    worker.onEnd((error) => {
      this.#all.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      if (this.#stopped) return;
      this.#failures = performance.now() - born > LIVED_MS ? 0 : this.#failures + 1;
      this.#ended++;
      this.#options.spare?.want();
      this.#options.onEnded?.(error);
      this.#restart();
    });
  }

  #restart(): void {
    const longest = this.#user.isWaiting() ? LONGEST_WHILE_NEEDED_MS : LONGEST_BACKOFF_MS;
    const wait = this.#failures <= 1 ? 0 : Math.min(longest, 100 * 2 ** this.#failures);
    this.#restartAt(performance.now() + wait);
  }

  #restartAt(at: number): void {
    const timer = setTimeout(() => {
      this.#forget(restart);
      Worker.start(this.#options).then(
        (worker) => {
          this.#add(worker);
          this.#user.onReady();
        },
        (error: unknown) => {
          this.#failures++;
          this.#options.onEnded?.(error as BallastError);
          if (!this.#stopped) this.#restart();
        },
      );
    }, at - performance.now()).unref();
    const restart = { at, timer };
    this.#restarts.add(restart);
  }

  #forget(restart: Restart): void {
    clearTimeout(restart.timer);
    this.#restarts.delete(restart);
  }
}

import type { InferRequest } from '../protocol/request.js';
import type { Tensors } from '../worker/messages.js';

/** What an answer took of the process that gave it. */
export interface AnswerUse {
  /** Of the run that it came from, the part of its rows, ms; see `RunUse`. */
  readonly runMs: number;
  /** Now and then: what its process held, and after how many answers. */
  readonly memory?: { readonly process: string; readonly answers: number; readonly bytes: number };
}

/** What a request says beside its tensors, to a model that runs elsewhere. */
export interface RunContext {
  /** How long its client waits, ms. */
  readonly timeoutMs?: number | undefined;
  /** Whether the request runs once more, in another process, where its process ends while it runs alone. Default true. */
  readonly again?: boolean | undefined;
  /** Told before the answer what it took, where that is known: of a model that runs in processes of this server. */
  readonly used?: (use: AnswerUse) => void;
  readonly request?: InferRequest;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface RunnerState {
  readonly waiting: number;
  readonly running: number;
  /** Processes that are ready; of a model that runs elsewhere, 1 while it answers. */
  readonly workers: number;
  /** Processes that ended by themselves and were started again. */
  readonly restarts: number;
  readonly batches: number;
  readonly batchedRequests: number;
}

/** Runs the model of one version: in processes of this server, or by asking another server. */
export interface ModelRunner {
  readonly state: RunnerState;
  /** Process ids, for the measurement of what they use. */
  readonly processIds: readonly number[];
  /** Whether a request could run now, or after those that run. */
  readonly isReady: boolean;
  /** Whether it takes no more requests. */
  readonly isClosed: boolean;
  /** Resolves once it is ready. @throws BallastError those of starting a process */
  ready(): Promise<void>;
  /**
   * @param fetches the outputs that are wanted; none for all that there are
   * @throws BallastError `OVERLOADED`, `REQUEST_TIMEOUT`, and those of the place where it runs
   */
  run(feeds: Tensors, fetches: readonly string[], context?: RunContext): Promise<Tensors>;
  /** Answers what waits and runs, then ends. */
  close(): Promise<void>;
}

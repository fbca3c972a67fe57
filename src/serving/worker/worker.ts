import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { BallastError } from '../../errors.js';
import { encodeFrame, readFrames } from './frames.js';
import type { AnswerFields, ErrorRecord, Load, Loaded, LoadedModel, RunFields, RunUse, Tensors } from './messages.js';
import { runsOf, type Spare, startBlank } from './spare.js';

export interface WorkerOptions {
  readonly file: string;
  readonly sha256: string;
  /** Threads of one run. */
  readonly threads: number;
  /** Where a process is taken from that waits for a model. */
  readonly spare?: Spare;
}

interface Ran {
  readonly outputs: Tensors;
  readonly use: RunUse;
}

interface Waiting {
  readonly resolve: (ran: Ran) => void;
  readonly reject: (error: BallastError) => void;
}

/** One child process that runs one model. */
export class Worker {
  readonly model: LoadedModel;
  readonly #child: ChildProcess;
  readonly #runs: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ended: BallastError | undefined;
  #stopped = false;
  #onEnd: ((error: BallastError) => void) | undefined;

  private constructor(child: ChildProcess, model: LoadedModel) {
    this.#child = child;
    this.model = model;
    this.#runs = runsOf(child);
    readFrames<AnswerFields>(this.#runs, ({ fields, tensors }) => this.#receive(fields, tensors));
    // What cannot be written or read any more: the process's end, which follows, tells who waits for it.
    this.#runs.on('error', () => {});
  }

  /**
   * Starts a process and loads the model into it.
   *
   * @throws BallastError `ARTIFACT_CORRUPT`, `MODEL_REJECTED`, `WORKER_ENDED` and others of reading a model
   */
  static async start({ file, sha256, threads, spare }: WorkerOptions): Promise<Worker> {
    const child = spare?.take() ?? startBlank();
    const model = await new Promise<LoadedModel>((resolve, reject) => {
      child.once('message', (message: Loaded) => {
        if (message.kind === 'ready') resolve(message.model);
        else reject(errorOf(message.error));
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(ended(code, signal)));
      // Of one that is gone already, the exit tells.
      child.send({ file, sha256, threads } satisfies Load, () => {});
    }).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
    const worker = new Worker(child, model);
    child.once('exit', (code, signal) => worker.#end(ended(code, signal)));
    return worker;
  }

  /** Told from every other process of a model, here and elsewhere. */
  readonly name = randomUUID();
  #answers = 0;

  /** Counts answers. @returns how many it gave */
  count(answers: number): number {
    this.#answers += answers;
    return this.#answers;
  }

  get processId(): number | undefined {
    return this.#child.pid;
  }

  /** Whether the process is gone. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** @throws BallastError those of a run, `WORKER_ENDED` where the process ends before it answers */
  run(feeds: Tensors, fetches: readonly string[]): Promise<Ran> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#runs.write(encodeFrame<RunFields>({ fields: { id, fetches }, tensors: feeds }));
    });
  }

  /** Told once when the process is gone, but not when it was stopped. */
  onEnd(tell: (error: BallastError) => void): void {
    this.#onEnd = tell;
    if (this.#ended !== undefined) tell(this.#ended);
  }

  /** Ends the process at once; what it runs is not answered. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Ends the process, which has nothing left to answer. */
  stop(): void {
    this.#stopped = true;
    if (this.#child.connected) this.#child.disconnect();
  }

  #receive(fields: AnswerFields, outputs: Tensors): void {
    const waiting = this.#waiting.get(fields.id);
    this.#waiting.delete(fields.id);
    if ('use' in fields) waiting?.resolve({ outputs, use: fields.use });
    else waiting?.reject(errorOf(fields.error));
  }

  #end(error: BallastError): void {
    this.#ended = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    if (!this.#stopped) this.#onEnd?.(error);
  }
}

function errorOf({ message, ...details }: ErrorRecord): BallastError {
  return new BallastError(message, details);
}

function ended(code: number | null, signal: NodeJS.Signals | null): BallastError {
  return new BallastError(`The process that runs the model ended (${signal ?? `exit code ${code}`})`, {
    code: 'WORKER_ENDED',
    kind: 'environment',
    remedy: 'It is started again; where one request ends it each time, that request is at fault.',
  });
}

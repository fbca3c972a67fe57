import type { Worker } from 'node:worker_threads';
import type { CompiledQuery, QueryResult } from 'kysely';
import { type FailureMessage, revive, startThread } from '../concurrency/index.js';
import type { SqliteConnection } from './sqlite-connection.js';

/** What the thread is asked. */
export interface ThreadRequest {
  readonly id: number;
  readonly call: 'query' | 'begin' | 'commit' | 'rollback' | 'configure' | 'close';
  readonly sql?: string;
  readonly parameters?: readonly unknown[];
}

/** What it answers: a value, an error a user can mend, or a fault of ours. */
export interface ThreadAnswer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: FailureMessage;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A connection whose statements run in a thread of their own: a long one holds up no one but those that wait for it. */
export class ThreadConnection implements SqliteConnection {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  /** Why the thread is no more. */
  #ended: Error | undefined;

  constructor(file: string, busyTimeoutMs: number) {
    this.#worker = startThread(new URL('./sqlite-thread.js', import.meta.url), { workerData: { file, busyTimeoutMs } });
    this.#worker.unref();
    this.#worker.on('message', (answer: ThreadAnswer) => this.#settle(answer));
    this.#worker.on('error', (error) => this.#failAll(error));
    this.#worker.on('exit', () => this.#failAll(new Error('the thread of the SQLite connection has ended')));
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    // The rows' shape is what the query builder compiled the statement for.
    return (await this.#ask('query', sql, parameters)) as QueryResult<Row>;
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query);
  }

  async begin(): Promise<void> {
    await this.#ask('begin');
  }

  async commit(): Promise<void> {
    await this.#ask('commit');
  }

  async rollback(): Promise<void> {
    await this.#ask('rollback');
  }

  async configure(): Promise<void> {
    await this.#ask('configure');
  }

  async close(): Promise<void> {
    if (this.#ended === undefined) await this.#ask('close');
    await this.#worker.terminate();
  }

  #ask(call: ThreadRequest['call'], sql?: string, parameters?: readonly unknown[]): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#last;
    // While something is asked, the process waits for the answer; an idle thread does not keep it alive.
    if (this.#waiting.size === 0) this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const request: ThreadRequest = {
        id,
        call,
        ...(sql === undefined ? {} : { sql }),
        ...(parameters === undefined ? {} : { parameters }),
      };
      this.#worker.postMessage(request);
    });
  }

  #settle({ id, value, error }: ThreadAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(revive(error));
  }

  #failAll(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

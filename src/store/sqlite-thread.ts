/** The thread behind a {@link ThreadConnection}: one SQLite connection, asked by messages, answered in their order. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CompiledQuery } from 'kysely';
import { failureMessage } from '../concurrency/index.js';
import { LibsqlConnection } from './sqlite-connection.js';
import type { ThreadAnswer, ThreadRequest } from './sqlite-thread-connection.js';

const { file, busyTimeoutMs } = workerData as { file: string; busyTimeoutMs: number };
let connection: LibsqlConnection | undefined;
/** The request before: the next begins when it is answered. */
let turn: Promise<void> = Promise.resolve();

parentPort?.on('message', (request: ThreadRequest) => {
  turn = turn.then(async () => parentPort?.postMessage(await answer(request)));
});

async function answer(request: ThreadRequest): Promise<ThreadAnswer> {
  try {
    return { id: request.id, value: await perform(request) };
  } catch (error) {
    return { id: request.id, error: failureMessage(error) };
  }
}

async function perform({ call, sql = '', parameters = [] }: ThreadRequest): Promise<unknown> {
  connection ??= new LibsqlConnection(file, busyTimeoutMs);
  switch (call) {
    case 'query':
      return connection.executeQuery({ sql, parameters } as CompiledQuery);
    case 'begin':
      return connection.begin();
    case 'commit':
      return connection.commit();
    case 'rollback':
      return connection.rollback();
    case 'configure':
      return connection.configure();
    case 'close':
      return connection.close();
  }
}

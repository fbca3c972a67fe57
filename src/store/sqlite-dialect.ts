import { type Dialect, type Driver, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { LibsqlConnection, type SqliteConnection } from './sqlite-connection.js';
import { ThreadConnection } from './sqlite-thread-connection.js';

/**
 * Kysely's dialect for a SQLite file opened by libsql.
 *
 * - One connection, write-ahead log, foreign keys on, `synchronous = FULL` (a commit survives a power cut).
 * - Whatever writes is in a transaction, and these are `BEGIN IMMEDIATE`: they take the write lock at once and so are
 *   serial between processes.
 * - Waiting for the lock is done here, asynchronously, for at most `busyTimeoutMs`: SQLite's own waiting would block
 *   the event loop, and for ever if the holder of the lock lives on the same one.
 *
 * @param options.thread run the statements in a thread of their own, so that none blocks this one's event loop
 */
export function sqliteDialect(file: string, busyTimeoutMs: number, { thread = false } = {}): Dialect {
  const connect = () =>
    thread ? new ThreadConnection(file, busyTimeoutMs) : new LibsqlConnection(file, busyTimeoutMs);
  return {
    createAdapter: () => new TransactionalDdlAdapter(),
    createDriver: () => new LibsqlDriver(connect),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** SQLite's schema changes roll back, so that a migration is done wholly or not at all, and by one process. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class LibsqlDriver implements Driver {
  readonly #connect: () => SqliteConnection;
  #connection: SqliteConnection | undefined;
  /** The last holder of the one connection; the next waits for it. */
  #turn: Promise<void> = Promise.resolve();
  #endTurn: () => void = () => {};

  constructor(connect: () => SqliteConnection) {
    this.#connect = connect;
  }

  async init(): Promise<void> {
    const connection = this.#connect();
    try {
      await connection.configure();
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#connection = connection;
  }

  async acquireConnection(): Promise<SqliteConnection> {
    const before = this.#turn;
    let endTurn: () => void = () => {};
    this.#turn = new Promise((resolve) => {
      endTurn = resolve;
    });
    await before;
    this.#endTurn = endTurn;
    if (this.#connection === undefined) throw new Error('the SQLite driver is not open');
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#endTurn();
  }

  async beginTransaction(connection: SqliteConnection): Promise<void> {
    await connection.begin();
  }

  async commitTransaction(connection: SqliteConnection): Promise<void> {
    await connection.commit();
  }

  async rollbackTransaction(connection: SqliteConnection): Promise<void> {
    await connection.rollback();
  }

  async destroy(): Promise<void> {
    await this.#connection?.close();
    this.#connection = undefined;
  }
}

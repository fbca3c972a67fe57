import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import Database from 'libsql';
import { BallastError } from '../errors.js';
import { explainSqliteFault, isBusy } from './sqlite-faults.js';

/** Statements that take no lock others could hold. */
const READ = /^\s*(select|pragma)\b/i;

/**
 * Kysely's dialect for a SQLite file opened by libsql.
 *
 * - One connection, write-ahead log, foreign keys on, `synchronous = FULL` (a commit survives a power cut).
 * - Whatever writes is in a transaction, and these are `BEGIN IMMEDIATE`: they take the write lock at once and so are
 *   serial between processes.
 * - Waiting for the lock is done here, asynchronously, for at most `busyTimeoutMs`: SQLite's own waiting would block
 *   the event loop, and for ever if the holder of the lock lives on the same one.
 */
export function sqliteDialect(file: string, busyTimeoutMs: number): Dialect {
  return {
    createAdapter: () => new TransactionalDdlAdapter(),
    createDriver: () => new LibsqlDriver(file, busyTimeoutMs),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

const SETTINGS = [
  'journal_mode = wal',
  'synchronous = full',
  'foreign_keys = on',
  // A store may come from elsewhere: its schema may not call functions with side effects.
  'trusted_schema = off',
];

/** SQLite's schema changes roll back, so that a migration is done wholly or not at all, and by one process. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class LibsqlDriver implements Driver {
  readonly #file: string;
  readonly #busyTimeoutMs: number;
  #connection: LibsqlConnection | undefined;
  /** The last holder of the one connection; the next waits for it. */
  #turn: Promise<void> = Promise.resolve();
  #endTurn: () => void = () => {};

  constructor(file: string, busyTimeoutMs: number) {
    this.#file = file;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  async init(): Promise<void> {
    const connection = new LibsqlConnection(open(this.#file), this.#file, this.#busyTimeoutMs);
    try {
      await connection.configure(SETTINGS);
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#connection = connection;
  }

  async acquireConnection(): Promise<LibsqlConnection> {
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

  async beginTransaction(connection: LibsqlConnection): Promise<void> {
    await connection.begin();
  }

  async commitTransaction(connection: LibsqlConnection): Promise<void> {
    connection.commit();
  }

  async rollbackTransaction(connection: LibsqlConnection): Promise<void> {
    connection.rollback();
  }

  async destroy(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

class LibsqlConnection implements DatabaseConnection {
  readonly #database: Database.Database;
  readonly #file: string;
  readonly #busyTimeoutMs: number;

  constructor(database: Database.Database, file: string, busyTimeoutMs: number) {
    this.#database = database;
    this.#file = file;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      if (this.#database.inTransaction || READ.test(sql)) return this.#run<Row>(sql, parameters);
      await this.begin();
      try {
        const result = this.#run<Row>(sql, parameters);
        this.commit();
        return result;
      } catch (error) {
        this.rollback();
        throw error;
      }
    } catch (error) {
      throw explainSqliteFault(error, this.#file);
    }
  }

  #run<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row> {
    const values = parameters.map(bindable);
    // A fresh statement each time: libsql does not reset one that was not read to its end.
    const statement = this.#database.prepare(sql);
    // The rows' shape is what the query builder compiled the statement for.
    if (statement.reader) return { rows: statement.all(...values) as Row[] };
    const { changes, lastInsertRowid } = statement.run(...values);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query);
  }

  /**
   * Takes the write lock, waiting for it. This is the only statement that meets a held lock: one that a lock refuses in
   * mid-way would stay active in libsql until it is garbage, and meanwhile forbid every commit.
   */
  async begin(): Promise<void> {
    await this.#whenFree('begin immediate');
  }

  commit(): void {
    this.#exec('commit');
  }

  /** SQLite has already rolled back after a full disk or an I/O error; then there is nothing to do. */
  rollback(): void {
    if (this.#database.inTransaction) this.#exec('rollback');
  }

  /** Applies what holds for the whole connection. */
  async configure(settings: readonly string[]): Promise<void> {
    for (const setting of settings) await this.#whenFree(`pragma ${setting}`);
  }

  async #whenFree(sql: string): Promise<void> {
    const deadline = Date.now() + this.#busyTimeoutMs;
    for (;;) {
      try {
        this.#database.exec(sql);
        return;
      } catch (error) {
        if (!isBusy(error) || Date.now() >= deadline) throw explainSqliteFault(error, this.#file);
      }
      // A random wait, so that processes that collided once do not collide again.
      await sleep(1 + Math.random() * 15);
    }
  }

  #exec(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch (error) {
      throw explainSqliteFault(error, this.#file);
    }
  }

  close(): void {
    this.#database.close();
  }
}

function open(file: string): Database.Database {
  try {
    return new Database(file);
  } catch (error) {
    throw new BallastError('The store cannot be opened', {
      code: 'STORE_CANNOT_OPEN',
      kind: 'environment',
      place: file,
      remedy: 'Check that its folder is a folder this user may write.',
      cause: error,
    });
  }
}

/** libsql ends the whole process when it is given a boolean. */
function bindable(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}

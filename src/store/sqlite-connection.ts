import { setTimeout as sleep } from 'node:timers/promises';
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import Database from 'libsql';
import { BallastError } from '../errors.js';
import { explainSqliteFault, isBusy } from './sqlite-faults.js';

/** A connection to a SQLite file, in this thread or in another. */
export interface SqliteConnection extends DatabaseConnection {
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Applies what holds for the whole connection. */
  configure(): Promise<void>;
  close(): Promise<void>;
}

/** Statements that take no lock others could hold. */
const READ = /^\s*(select|pragma)\b/i;
/** What SQLite does outside of any transaction. */
const ALONE = /^\s*vacuum\b/i;

const SETTINGS = [
  'journal_mode = wal',
  'synchronous = full',
  'foreign_keys = on',
  // A store may come from elsewhere: its schema may not call functions with side effects.
  'trusted_schema = off',
  // KiB: a search over a few thousand runs and their parameters then reads each page of the file once, not for every clause.
  'cache_size = -32768',
];

/** A connection in this thread: its statements block the event loop while they run. */
export class LibsqlConnection implements SqliteConnection {
  readonly #database: Database.Database;
  readonly #file: string;
  readonly #busyTimeoutMs: number;

  constructor(file: string, busyTimeoutMs: number) {
    this.#database = open(file);
    this.#file = file;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      if (ALONE.test(sql)) {
        await this.#whenFree(sql);
        return { rows: [] };
      }
      if (this.#database.inTransaction || READ.test(sql)) return this.#run<Row>(sql, parameters);
      await this.begin();
      try {
        const result = this.#run<Row>(sql, parameters);
        this.#exec('commit');
        return result;
      } catch (error) {
        this.#rollBack();
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

  async commit(): Promise<void> {
    this.#exec('commit');
  }

  async rollback(): Promise<void> {
    this.#rollBack();
  }

  /** SQLite has already rolled back after a full disk or an I/O error; then there is nothing to do. */
  #rollBack(): void {
    if (this.#database.inTransaction) this.#exec('rollback');
  }

  /** Applies what holds for the whole connection. */
  async configure(): Promise<void> {
    for (const setting of SETTINGS) await this.#whenFree(`pragma ${setting}`);
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

  async close(): Promise<void> {
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

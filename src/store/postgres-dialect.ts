import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import pg from 'pg';
import { BallastError } from '../errors.js';
import { explainPostgresFault } from './postgres-faults.js';

/** How long to wait for a connection before the server counts as unreachable. */
const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Kysely's dialect for PostgreSQL through a pool of node-postgres connections; faults are explained as they are for
 * SQLite. 64-bit integers come back as numbers: everything a store counts or dates is a safe integer.
 *
 * @param shown the address without credentials, for messages
 */
export function postgresDialect(connectionString: string, shown: string): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PoolDriver(connectionString, shown),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format),
};

class PoolDriver implements Driver {
  readonly #pool: pg.Pool;
  readonly #shown: string;

  constructor(connectionString: string, shown: string) {
    this.#shown = shown;
    this.#pool = new pg.Pool({
      connectionString,
      types,
      application_name: 'ballast',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      // A forgotten store must not keep a finished command alive.
      allowExitOnIdle: true,
    });
    // A connection that ends while nobody uses it is dropped by the pool; the next query opens another or reports why not.
    this.#pool.on('error', ignore);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PoolConnection> {
    try {
      return new PoolConnection(await this.#pool.connect(), this.#shown);
    } catch (error) {
      throw explainPostgresFault(error, this.#shown);
    }
  }

  async beginTransaction(connection: PoolConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin'));
  }

  async commitTransaction(connection: PoolConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: PoolConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    } catch (error) {
      // A connection that ended has undone its transaction; what made it undo is what the caller is told.
      if (!(error instanceof BallastError) || error.code !== 'STORE_UNREACHABLE') throw error;
    }
  }

  async releaseConnection(connection: PoolConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

class PoolConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #shown: string;

  constructor(client: pg.PoolClient, shown: string) {
    this.#client = client;
    this.#shown = shown;
    // Between two queries the server may end the connection; the next query then reports it.
    client.on('error', ignore);
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      // The rows' shape is what the query builder compiled the statement for.
      const { rows, rowCount } = await this.#client.query(sql, [...parameters]);
      return { rows: rows as Row[], numAffectedRows: BigInt(rowCount ?? 0) };
    } catch (error) {
      throw explainPostgresFault(error, this.#shown);
    }
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query);
  }

  release(): void {
    this.#client.off('error', ignore);
    this.#client.release();
  }
}

function ignore(): void {}

import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** Settings of the embedded columnar engine: nothing is fetched, installed, loaded or kept, at home or elsewhere. */
const SETTINGS: Readonly<Record<string, string>> = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
  allow_persistent_secrets: 'false',
  temp_directory: '',
};

/**
 * Opens an in-memory engine that may read the given files and nothing else, passes it to `use`, and closes it.
 *
 * @param files absolute paths
 */
export async function withDatabase<T>(
  files: readonly string[],
  threads: number | undefined,
  use: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...SETTINGS,
    ...(threads === undefined ? {} : { threads: String(Math.max(1, Math.floor(threads))) }),
  });
  try {
    const connection = await instance.connect();
    try {
      await connection.run("SET TimeZone = 'UTC'");
      await connection.run(`SET allowed_paths = ${list(files)}`);
      await connection.run('SET enable_external_access = false');
      await connection.run('SET lock_configuration = true');
      return await use(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** Rows of a group of a written file: each column of it is held while it is written. */
const GROUP_ROWS = 32_768;

/** Writes what a query gives as a Parquet file, a group of rows at a time, in any order. */
export async function copyToParquet(connection: DuckDBConnection, query: string, target: string): Promise<void> {
  await connection.run(
    `COPY (${query}) TO ${literal(target)} ` +
      `(FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${GROUP_ROWS}, PRESERVE_ORDER false, USE_TMP_FILE false)`,
  );
}

/** A string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A list of string literals. */
export function list(texts: readonly string[]): string {
  return `[${texts.map(literal).join(', ')}]`;
}

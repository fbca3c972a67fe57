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

import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BallastError } from '../errors.js';

/** Where a store is: a folder with a SQLite file, or a PostgreSQL database and a folder for artifacts. */
export type StoreLocation =
  | { readonly kind: 'sqlite'; readonly folder: string; readonly file: string; readonly artifacts: string }
  | {
      readonly kind: 'postgres';
      readonly connectionString: string;
      readonly artifacts: string;
      /** The address without user and password, for messages. */
      readonly shown: string;
    };

/** The environment variable that names the artifact folder of a PostgreSQL store. */
const ARTIFACTS_VARIABLE = 'BALLAST_ARTIFACTS';

/**
 * Reads a store address.
 *
 * - a path or `file:` URL is a folder: `<folder>/ballast.db` and `<folder>/artifacts/`;
 * - `postgres://user@host/database?artifacts=/path` (or `postgresql:`) is a database; the artifact folder may instead be
 *   given by the environment variable `BALLAST_ARTIFACTS`.
 *
 * @throws BallastError `STORE_URL_INVALID`, `STORE_ARTIFACTS_MISSING`
 */
export function parseStoreUrl(url: string, environment: NodeJS.ProcessEnv = process.env): StoreLocation {
  if (/^postgres(ql)?:/i.test(url)) return parsePostgresUrl(url, environment);
  if (url === '' || url.includes('\0')) throw invalid(url, 'The address of the store is empty or holds a NUL');
  const folder = resolve(url.startsWith('file:') ? filePath(url) : plainPath(url));
  return { kind: 'sqlite', folder, file: join(folder, 'ballast.db'), artifacts: join(folder, 'artifacts') };
}

function plainPath(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url);
  if (scheme !== null) throw invalid(withoutCredentials(url), `Ballast has no store for "${scheme[1]}:" addresses`);
  return url;
}

/** `file:///abs`, `file:/abs` and, as SQLite tools accept it, `file:relative`. */
function filePath(url: string): string {
  const rest = url.slice('file:'.length);
  if (rest === '') throw invalid(url, 'The address of the store names no folder');
  if (!rest.startsWith('/')) return rest;
  try {
    return fileURLToPath(url);
  } catch {
    throw invalid(url, 'The address of the store is not a file URL of this machine');
  }
}

function parsePostgresUrl(url: string, environment: NodeJS.ProcessEnv): StoreLocation {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw invalid(withoutCredentials(url), 'The address of the store is not a valid PostgreSQL URL');
  }
  const shown = `postgres://${parsed.host}${parsed.pathname}`;
  const artifacts = parsed.searchParams.get('artifacts') ?? environment[ARTIFACTS_VARIABLE] ?? '';
  if (artifacts === '') {
    throw new BallastError('A PostgreSQL store needs a folder for its artifacts', {
      code: 'STORE_ARTIFACTS_MISSING',
      place: shown,
      remedy: `Add ?artifacts=/path to the address or set ${ARTIFACTS_VARIABLE}.`,
    });
  }
  parsed.searchParams.delete('artifacts');
  return { kind: 'postgres', connectionString: parsed.toString(), artifacts: resolve(artifacts), shown };
}

/** The address up to its query, without what stands before an `@`, so that no password reaches a message. */
function withoutCredentials(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/\/\/.*@/s, '//');
}

function invalid(value: string, message: string): BallastError {
  return new BallastError(message, {
    code: 'STORE_URL_INVALID',
    place: '--store',
    value,
    remedy: 'Give a folder such as ./.ballast or a postgres:// address.',
  });
}

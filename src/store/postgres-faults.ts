import { BallastError, type ErrorDetails } from '../errors.js';

/** The SQLSTATE of a PostgreSQL error or the name of a system error such as `ECONNREFUSED`. */
function postgresCode(error: unknown): string | undefined {
  // A refused connection to a host with several addresses is one AggregateError.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error) || !('code' in first) || typeof first.code !== 'string') return undefined;
  return first.code;
}

/**
 * What an error of PostgreSQL or of the connection to it means to the person whose store it is. Errors that only a
 * fault of ours can cause are returned unchanged.
 *
 * Codes: PostgreSQL documentation, appendix A.
 *
 * @param shown the address of the database without credentials
 */
export function explainPostgresFault(error: unknown, shown: string): unknown {
  const code = postgresCode(error);
  const fault =
    code === undefined
      ? lostConnection(error)
      : FAULTS.find(([prefixes]) => prefixes.some((prefix) => code.startsWith(prefix)))?.[1];
  return fault === undefined
    ? error
    : new BallastError(fault.message, { ...fault.details, place: shown, cause: error });
}

type Fault = { message: string; details: ErrorDetails };

const UNREACHABLE: Fault = {
  message: "The store's PostgreSQL server cannot be reached",
  details: {
    code: 'STORE_UNREACHABLE',
    kind: 'environment',
    remedy: 'Check that the server runs and that its address is right.',
  },
};

/**
 * What the client library says of a connection that ended, as bare errors: while a query was under way, before the next
 * one, and while it was being made.
 */
const LOST_CONNECTION =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|timeout exceeded when trying to connect)/;

function lostConnection(error: unknown): Fault | undefined {
  return error instanceof Error && LOST_CONNECTION.test(error.message) ? UNREACHABLE : undefined;
}

const FAULTS: readonly (readonly [prefixes: readonly string[], fault: Fault])[] = [
  [
    ['ECONN', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EAI_', 'EPIPE', 'ENOENT', '08', '57P'],
    UNREACHABLE,
  ],
  [
    ['28'],
    {
      message: "The store's PostgreSQL server refused the user or the password",
      details: { code: 'STORE_ACCESS_REFUSED', kind: 'environment', remedy: 'Check user and password in the address.' },
    },
  ],
  [
    ['3D000'],
    {
      message: 'The PostgreSQL server has no such database',
      details: { code: 'STORE_DATABASE_MISSING', remedy: 'Create it with createdb, or name another in the address.' },
    },
  ],
  [
    ['42501'],
    {
      message: 'The PostgreSQL user may not do this in the database of the store',
      details: { code: 'STORE_NOT_WRITABLE', kind: 'environment', remedy: 'Grant the user CREATE on its schema.' },
    },
  ],
  [
    ['25006'],
    {
      message: 'The PostgreSQL database of the store is read-only',
      details: { code: 'STORE_NOT_WRITABLE', kind: 'environment', remedy: 'Use the address of the primary server.' },
    },
  ],
  [
    ['53100'],
    {
      message: "The disk of the store's PostgreSQL server is full",
      details: { code: 'STORE_FULL', kind: 'environment', remedy: 'Free space on the server and try again.' },
    },
  ],
  [
    ['53'],
    {
      message: "The store's PostgreSQL server is out of connections or memory",
      details: { code: 'STORE_BUSY', kind: 'environment', remedy: 'Try again later, or raise its limits.' },
    },
  ],
  [
    ['XX001', 'XX002'],
    {
      message: 'The PostgreSQL database of the store is damaged',
      details: { code: 'STORE_CORRUPT', kind: 'environment', remedy: 'Restore it from a backup.' },
    },
  ],
  [
    ['58'],
    {
      message: "The disk of the store's PostgreSQL server reported an error",
      details: { code: 'STORE_IO', kind: 'environment', remedy: 'Check the disk of the server.' },
    },
  ],
  [
    ['40', '23503'],
    {
      message: 'Another process changed the same record at the same time',
      details: { code: 'STORE_CONFLICT', kind: 'conflict', remedy: 'Read it again before writing.' },
    },
  ],
];

import { BallastError } from '../errors.js';

/** The code SQLite gave an error, such as `SQLITE_BUSY` or `SQLITE_CONSTRAINT_UNIQUE`; undefined for other errors. */
function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return error.code.startsWith('SQLITE_') ? error.code : undefined;
}

/** Whether another connection held the lock that was needed. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'));
}

/**
 * What an error of SQLite means to the person whose store it is. Errors that only a fault of ours can cause (wrong SQL)
 * are returned unchanged.
 *
 * @param file the database file
 */
export function explainSqliteFault(error: unknown, file: string): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  const fault = FAULTS.find(([prefix]) => code.startsWith(prefix))?.[1];
  return fault === undefined ? error : new BallastError(fault.message, { ...fault.details, place: file, cause: error });
}

type Fault = { message: string; details: { code: string; kind: 'environment' | 'conflict'; remedy: string } };

const DAMAGED: Fault = {
  message: 'The store is damaged: its database is not readable',
  details: {
    code: 'STORE_CORRUPT',
    kind: 'environment',
    remedy: 'Restore the folder from a backup, or move it away to start a new store.',
  },
};

const FAULTS: readonly (readonly [prefix: string, fault: Fault])[] = [
  ['SQLITE_CORRUPT', DAMAGED],
  ['SQLITE_NOTADB', DAMAGED],
  [
    'SQLITE_FULL',
    {
      message: 'The disk is full: the store could not be written',
      details: {
        code: 'STORE_FULL',
        kind: 'environment',
        remedy: 'Free space on the disk of the store and try again.',
      },
    },
  ],
  [
    'SQLITE_IOERR',
    {
      message: 'The disk reported an error while the store was read or written',
      details: { code: 'STORE_IO', kind: 'environment', remedy: 'Check the disk and its free space, then try again.' },
    },
  ],
  [
    'SQLITE_READONLY',
    {
      message: 'The store may not be written',
      details: {
        code: 'STORE_NOT_WRITABLE',
        kind: 'environment',
        remedy: 'Give this user write permission on the folder and its files, or choose another store.',
      },
    },
  ],
  [
    'SQLITE_CANTOPEN',
    {
      message: 'The store cannot be opened',
      details: {
        code: 'STORE_CANNOT_OPEN',
        kind: 'environment',
        remedy: 'Check that the folder is a folder this user may write.',
      },
    },
  ],
  [
    'SQLITE_BUSY',
    {
      message: 'Another process kept the store locked for too long',
      details: { code: 'STORE_BUSY', kind: 'environment', remedy: 'Wait until that process is done and try again.' },
    },
  ],
  [
    'SQLITE_CONSTRAINT_FOREIGNKEY',
    {
      message: 'What this record belongs to was removed meanwhile',
      details: { code: 'STORE_CONFLICT', kind: 'conflict', remedy: 'Read it again before writing.' },
    },
  ],
];

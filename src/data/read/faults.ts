import { BallastError, type ErrorKind } from '../../errors.js';

const INPUT_FAULT: Readonly<Record<string, readonly [kind: ErrorKind, what: string, remedy: string]>> = {
  ENOENT: [
    'not-found',
    'does not exist',
    'Check the path. Relative ones start at the present folder; in a spec, at the folder of the spec.',
  ],
  ENOTDIR: ['not-found', 'does not exist: a part of the path is a file', 'Check the path.'],
  EISDIR: ['input', 'is a folder, not a file', 'Name a file, or a glob of files.'],
  EACCES: ['input', 'may not be read by this user', 'Change its permissions.'],
  EPERM: ['input', 'may not be read by this user', 'Change its permissions.'],
  ENAMETOOLONG: ['input', 'has too long a name', 'Check the path.'],
  ELOOP: ['input', 'is a symbolic link to itself', 'Check the link.'],
};

const MACHINE_FAULT: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ENOSPC: ['no space is left on the disk', 'Free some, or set TMPDIR to a larger disk.'],
  EDQUOT: ['the disk quota is used up', 'Free some, or set TMPDIR to another disk.'],
  EIO: ['the disk failed', 'Check the disk.'],
  EROFS: ['the disk is read-only', 'Set TMPDIR to a disk that can be written.'],
  EMFILE: ['too many files are open', 'Raise the limit (ulimit -n).'],
  ENFILE: ['too many files are open', 'Raise the limit of open files.'],
  ENOMEM: ['memory is exhausted', 'Use a machine with more memory, or fewer rows.'],
};

/** The system's error code, e.g. ENOENT, or undefined for an error that is not the system's. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** A file-system error in the project's terms: input that is wrong (exit 2) or a machine that failed (exit 3). */
export function fileFault(error: unknown, path: string): BallastError {
  if (error instanceof BallastError) return error;
  const code = systemCode(error);
  const input = code === undefined ? undefined : INPUT_FAULT[code];
  if (input !== undefined) {
    const [kind, what, remedy] = input;
    const missing = kind === 'not-found';
    return new BallastError(`the file ${what}`, {
      code: missing ? 'DATA_NOT_FOUND' : 'DATA_NOT_READABLE',
      kind,
      place: path,
      remedy,
      cause: error,
    });
  }
  const machine = code === undefined ? undefined : MACHINE_FAULT[code];
  const [what, remedy] = machine ?? [`reading failed: ${error instanceof Error ? error.message : String(error)}`, ''];
  return new BallastError(what, {
    code: 'DATA_IO',
    kind: 'environment',
    place: path,
    cause: error,
    ...(remedy === '' ? {} : { remedy }),
  });
}

/** A file whose content is not what its format says. */
export function corrupt(path: string, what: string, remedy = 'Fetch or write the file again.'): BallastError {
  return new BallastError(what, { code: 'DATA_CORRUPT', place: path, remedy });
}

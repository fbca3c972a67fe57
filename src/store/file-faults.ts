import { BallastError } from '../errors.js';

/** The name of a system error, such as `ENOSPC`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What a failed file operation means to the person whose store it is; errors of another nature are returned unchanged. */
export function explainFileFault(error: unknown, place: string): unknown {
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return fault('The disk is full: the store could not be written', 'STORE_FULL', 'Free space and try again.');
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return fault(
        'This user may not read or write the files of the store',
        'STORE_NOT_WRITABLE',
        'Give this user permission on the folder and its files, or choose another store.',
      );
    case 'EEXIST':
    case 'ENOTDIR':
      return fault('The store needs a folder where something else stands', 'STORE_CANNOT_OPEN', 'Choose another path.');
    case 'EIO':
      return fault('The disk reported an error', 'STORE_IO', 'Check the disk, then try again.');
    default:
      return error;
  }

  function fault(message: string, code: string, remedy: string): BallastError {
    return new BallastError(message, { code, kind: 'environment', place, remedy, cause: error });
  }
}
